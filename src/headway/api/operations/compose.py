"""``compose.*``: make, set up, deploy, start, stop and delete services of several containers."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.domains.composes.model import ComposeSettings
from headway.faces.http.errors import no_file
from headway.faces.http.inputs import CONTAINER_ID, Input, Searched, Since, Told
from headway.faces.http.procedures.compose_details import details
from headway.faces.http.procedures.compose_settings import Changes
from headway.faces.http.procedures.compose_template import read_template
from headway.faces.http.registry import Call, Procedure, Ready, mutation, query, queued_as, starter, uploader
from headway.faces.http.wire.composes import ComposeDetails, ComposeRow, ComposesFound, compose_found, compose_row
from headway.kernel.clock import SystemClock
from headway.kernel.errors import InvalidInput
from headway.kernel.since import ALL, begins


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("compose.one", "A compose service with all around it", ComposeDetails, ById, _one),
        query("compose.readLogs", "The last lines that its containers wrote", str, ReadLogs, _read_logs),
        query("compose.loadServices", "The names of its services", list[str], LoadServices, _load_services),
        query("compose.loadMountsByService", "The volumes of a service", list[dict[str, Any]], OfService, _load_mounts),
        query("compose.getConvertedCompose", "The file that runs, as YAML", str, ById, _converted),
        query("compose.search", "Compose services by their words", ComposesFound, Search, _search),
        mutation("compose.move", "Put it into another environment", ComposeRow, Move, _move),
        mutation("compose.import", "Take file and variables from a template", Done, Import, _import),
        mutation("compose.create", "A new compose service, not deployed yet", ComposeRow, Create, _create),
        mutation("compose.update", "Change a compose service", ComposeRow, Update, _update),
        mutation("compose.delete", "Remove all of it; its volumes where asked for", ComposeDetails, Delete, _delete),
        mutation("compose.saveEnvironment", "Set its variables", bool, SaveEnvironment, _save_environment),
        starter("compose.deploy", "Queue a deploy of the newest state", Queued, Deploy, _deploy),
        starter("compose.redeploy", "Queue a deploy of what serves", Queued, Deploy, _redeploy),
        uploader("compose.dropDeployment", "Queue a deploy of an upload", Queued, Drop, _drop),
        mutation("compose.start", "Bring it up again", bool, ById, _start),
        mutation("compose.stop", "End all that runs of it", bool, ById, _stop),
        mutation("compose.cancelDeployment", "End what waits and runs", Done, ById, _cancel_deployment),
        mutation("compose.cleanQueues", "End what waits", Done, ById, _clean_queues),
        mutation("compose.killBuild", "Kill what runs", None, ById, _kill_build),
        mutation("compose.clearDeployments", "Remove ended deployments", bool, ById, _clear_deployments),
    )


class ById(Input):
    compose_id: Annotated[str, Field(min_length=1)]


class ReadLogs(ById):
    """Without ``containerId`` the lines of all its containers, each behind the name of its service."""

    container_id: Annotated[str, Field(pattern=CONTAINER_ID)] | None = None
    tail: Annotated[int, Field(ge=1, le=10_000)] = 100
    since: Since = ALL
    search: Annotated[str, Field(pattern=r"^[a-zA-Z0-9 ._-]{0,500}$")] | None = None


class Search(Searched):
    name: str | None = None
    app_name: str | None = None
    description: str | None = None
    project_id: str | None = None
    environment_id: str | None = None


class Move(ById):
    target_environment_id: Annotated[str, Field(min_length=1)]


class Import(ById):
    """``base64`` holds JSON: ``compose``, a file, and ``config``, the TOML of a template."""

    base64: Annotated[str, Field(min_length=1, max_length=1 << 20)]


class LoadServices(ById):
    type: Literal["fetch", "cache"] = "cache"


class OfService(ById):
    service_name: Annotated[str, Field(min_length=1)]


class Create(Changes):
    name: Annotated[str, Field(min_length=1)]
    app_name: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    description: Told | None = None
    environment_id: Annotated[str, Field(min_length=1)]
    server_id: str | None = None


class Update(Changes):
    compose_id: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)] | None = None
    description: Told | None = None
    env: str | None = None
    server_id: str | None = None
    environment_id: Annotated[str, Field(min_length=1)] | None = None


class SaveEnvironment(ById):
    env: str | None = None
    create_env_file: bool | None = None


class Delete(ById):
    delete_volumes: bool = False


class Deploy(ById):
    title: Told | None = None
    description: Told | None = None
    fresh_volumes: bool = False


class Drop(ById):
    """``composePath`` is where the compose file lies in what is uploaded; it stays until another is sent."""

    title: Told | None = None
    description: Told | None = None
    compose_path: Annotated[str, Field(max_length=4_096)] | None = None
    file_name: str | None = None


class Queued(TypedDict):
    """A deployment was queued; its id stands in the header x-deployment-id."""

    success: bool
    message: str
    composeId: str


class Done(TypedDict):
    """What was asked for is done."""

    success: bool
    message: str


async def _one(call: Call[ById]) -> dict[str, Any]:
    return await details(call, await call.platform.composes.one(call.actor, call.permission, call.input.compose_id))


async def _read_logs(call: Call[ReadLogs]) -> str:
    given = call.input
    return await call.platform.composes.read_logs(
        call.actor,
        call.permission,
        given.compose_id,
        container_id=given.container_id,
        tail=given.tail,
        since=begins(given.since, SystemClock().now()),
        search=given.search or None,
    )


async def _load_services(call: Call[LoadServices]) -> list[str]:
    return await call.platform.composes.services(call.actor, call.permission, call.input.compose_id)


async def _load_mounts(call: Call[OfService]) -> list[dict[str, Any]]:
    return await call.platform.composes.mounts(
        call.actor, call.permission, call.input.compose_id, call.input.service_name
    )


async def _converted(call: Call[ById]) -> str:
    return await call.platform.composes.converted(call.actor, call.permission, call.input.compose_id)


async def _search(call: Call[Search]) -> ComposesFound:
    given = call.input
    words = given.words(name=given.name, appName=given.app_name, description=given.description)
    found = await call.platform.composes.search(
        call.actor, words, project_id=given.project_id or None, environment_id=given.environment_id or None
    )
    return {"items": [compose_found(each) for each in found.items], "total": found.total}


async def _move(call: Call[Move]) -> dict[str, Any]:
    given = call.input
    moved = await call.platform.composes.move(
        call.actor, call.permission, given.compose_id, given.target_environment_id
    )
    call.platform.access.forget()  # whoever was given the compose service now knows of another project
    return compose_row(moved)


async def _import(call: Call[Import]) -> Done:
    template = read_template(call.input.base64)
    await call.platform.composes.update(
        call.actor, call.permission, call.input.compose_id, template.applied, env=template.env
    )
    return {"success": True, "message": "Template imported successfully"}


async def _create(call: Call[Create]) -> dict[str, Any]:
    given = call.input
    return compose_row(
        await call.platform.composes.create(
            call.actor,
            call.permission,
            given.environment_id,
            given.name,
            app_name=given.app_name,
            description=given.description,
            settings=given.applied(ComposeSettings()),
            server_id=given.server_id,
        )
    )


async def _update(call: Call[Update]) -> dict[str, Any]:
    given = call.input
    changed = await call.platform.composes.update(
        call.actor,
        call.permission,
        given.compose_id,
        given.applied,
        name=given.name,
        description=given.description,
        env=(given.env or "") if "env" in given.model_fields_set else None,
        server_id=given.server_id,
        environment_id=given.environment_id,
    )
    if given.environment_id is not None:
        call.platform.access.forget()  # whoever was given the compose service now knows of another project
    return compose_row(changed)


async def _delete(call: Call[Delete]) -> dict[str, Any]:
    given, composes = call.input, call.platform.composes
    last = await details(call, await composes.one(call.actor, call.permission, given.compose_id))
    await composes.delete(call.actor, call.permission, given.compose_id, delete_volumes=given.delete_volumes)
    return last


async def _save_environment(call: Call[SaveEnvironment]) -> bool:
    given = call.input

    def change(settings: ComposeSettings) -> ComposeSettings:
        if given.create_env_file is None:
            return settings
        return replace(settings, create_env_file=given.create_env_file)

    await call.platform.composes.update(call.actor, call.permission, given.compose_id, change, env=given.env or "")
    return True


async def _deploy(call: Call[Deploy]) -> Ready:
    return await _enqueue(call, "Deployment queued", again=False)


async def _redeploy(call: Call[Deploy]) -> Ready:
    return await _enqueue(call, "Redeployment queued", again=True)


async def _enqueue(call: Call[Deploy], message: str, *, again: bool) -> Ready:
    given = call.input
    if given.fresh_volumes:
        raise InvalidInput(
            "A deploy never empties volumes (freshVolumes). Delete the compose service with deleteVolumes, and make it "
            "anew."
        )
    made = await call.platform.composes.deploy(
        call.actor,
        call.permission,
        given.compose_id,
        again=again,
        title=given.title or None,
        description=given.description or None,
        once=call.once,
    )
    return queued_as(made, {"success": True, "message": message, "composeId": given.compose_id})


async def _drop(call: Call[Drop]) -> Ready:
    given = call.input
    if call.upload is None:
        await call.platform.composes.one(call.actor, call.permission, given.compose_id)
        raise no_file()
    made = await call.platform.compose_drops.drop(
        call.actor,
        call.permission,
        given.compose_id,
        call.upload,
        compose_path=given.compose_path,
        title=given.title or None,
        description=given.description or None,
        once=call.once,
    )
    return queued_as(made, {"success": True, "message": "Deployment queued", "composeId": given.compose_id})


async def _start(call: Call[ById]) -> bool:
    await call.platform.composes.start(call.actor, call.permission, call.input.compose_id)
    return True


async def _stop(call: Call[ById]) -> bool:
    await call.platform.composes.stop(call.actor, call.permission, call.input.compose_id)
    return True


async def _cancel_deployment(call: Call[ById]) -> Done:
    await call.platform.composes.cancel_deployments(call.actor, call.permission, call.input.compose_id)
    return {"success": True, "message": "Deployment cancelled"}


async def _clean_queues(call: Call[ById]) -> Done:
    await call.platform.composes.cancel_waiting(call.actor, call.permission, call.input.compose_id)
    return {"success": True, "message": "Queues cleaned successfully"}


async def _kill_build(call: Call[ById]) -> None:
    await call.platform.composes.kill_build(call.actor, call.permission, call.input.compose_id)


async def _clear_deployments(call: Call[ById]) -> bool:
    for deployment in await call.platform.composes.ended_deployments(
        call.actor, call.permission, call.input.compose_id
    ):
        await call.platform.deployments.remove(call.actor, call.permission, deployment.deployment_id)
    return True
