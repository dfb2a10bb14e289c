"""``compose.*``: make, set up, deploy, start, stop and delete services of several containers."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import CONTAINER_ID, Input, Searched, Since, Told
from headway.api.operation import Call, Ready, queued_as
from headway.api.problems import no_file
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.access.service import AccessService
from headway.core.deployments.service import DeploymentService
from headway.features.services.compose.api.details import ComposeView
from headway.features.services.compose.api.rows import (
    ComposeDetails,
    ComposeRow,
    ComposesFound,
    compose_found,
    compose_row,
)
from headway.features.services.compose.api.settings import ComposeChanges
from headway.features.services.compose.api.templates import read_template
from headway.features.services.compose.model import ComposeSettings
from headway.features.services.compose.service import ComposeService
from headway.features.services.drops import DropService
from headway.kernel.clock import SystemClock
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.time_range import ALL, begins


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeNeeds:
    """What these operations need."""

    access: AccessService
    composes: ComposeService
    deployments: DeploymentService
    drops: DropService[ComposeSettings]
    view: ComposeView


router = Router[ComposeNeeds](
    "compose", "Make, set up, deploy, start, stop and delete services of several containers", resource=Noun.COMPOSE
)


class ComposeById(Input):
    compose_id: Annotated[str, Field(min_length=1)]


class ReadComposeLogs(ComposeById):
    """Without ``containerId`` the lines of all its containers, each behind the name of its service."""

    container_id: Annotated[str, Field(pattern=CONTAINER_ID)] | None = None
    tail: Annotated[int, Field(ge=1, le=10_000)] = 100
    since: Since = ALL
    search: Annotated[str, Field(pattern=r"^[a-zA-Z0-9 ._-]{0,500}$")] | None = None


class SearchCompose(Searched):
    name: str | None = None
    app_name: str | None = None
    description: str | None = None
    project_id: str | None = None
    environment_id: str | None = None


class MoveCompose(ComposeById):
    target_environment_id: Annotated[str, Field(min_length=1)]


class Import(ComposeById):
    """``base64`` holds JSON: ``compose``, a file, and ``config``, the TOML of a template."""

    base64: Annotated[str, Field(min_length=1, max_length=1 << 20)]


class LoadServices(ComposeById):
    type: Literal["fetch", "cache"] = "cache"


class ServiceOfCompose(ComposeById):
    service_name: Annotated[str, Field(min_length=1)]


class CreateCompose(ComposeChanges):
    name: Annotated[str, Field(min_length=1)]
    app_name: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    description: Told | None = None
    environment_id: Annotated[str, Field(min_length=1)]
    server_id: str | None = None


class UpdateCompose(ComposeChanges):
    compose_id: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)] | None = None
    description: Told | None = None
    env: str | None = None
    server_id: str | None = None
    environment_id: Annotated[str, Field(min_length=1)] | None = None


class SaveComposeEnvironment(ComposeById):
    """``envWas`` is ``env`` as it was read: where that is another by now, nothing is saved, and the answer is 409."""

    env: str | None = None
    env_was: str | None = None
    create_env_file: bool | None = None


class Delete(ComposeById):
    delete_volumes: bool = False


class DeployCompose(ComposeById):
    title: Told | None = None
    description: Told | None = None
    fresh_volumes: bool = False


class DropCompose(ComposeById):
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


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(needs: ComposeNeeds, call: Call[ComposeById]) -> ComposeDetails:
    """A compose service with all around it."""
    return await needs.view.row(
        call.actor, await needs.composes.one(call.actor, call.permission, call.input.compose_id)
    )


@router.query("readLogs", least=Role.MEMBER, scope=Scope.READ)
async def read_logs(needs: ComposeNeeds, call: Call[ReadComposeLogs]) -> str:
    """The last lines that its containers wrote."""
    given = call.input
    return await needs.composes.read_logs(
        call.actor,
        call.permission,
        given.compose_id,
        container_id=given.container_id,
        tail=given.tail,
        since=begins(given.since, SystemClock().now()),
        search=given.search or None,
    )


@router.query("loadServices", least=Role.MEMBER, scope=Scope.READ)
async def load_services(needs: ComposeNeeds, call: Call[LoadServices]) -> list[str]:
    """The names of its services."""
    return await needs.composes.services(call.actor, call.permission, call.input.compose_id)


@router.query("loadMountsByService", least=Role.MEMBER, scope=Scope.READ)
async def load_mounts(needs: ComposeNeeds, call: Call[ServiceOfCompose]) -> list[dict[str, Any]]:
    """The volumes of a service."""
    return await needs.composes.mounts(call.actor, call.permission, call.input.compose_id, call.input.service_name)


@router.query("getConvertedCompose", least=Role.ADMIN, scope=Scope.ADMIN)
async def converted(needs: ComposeNeeds, call: Call[ComposeById]) -> str:
    """The file that runs, as YAML."""
    return await needs.composes.converted(call.actor, call.permission, call.input.compose_id)


@router.query("search", least=Role.MEMBER, scope=Scope.READ)
async def found(needs: ComposeNeeds, call: Call[SearchCompose]) -> ComposesFound:
    """Compose services by their words."""
    given = call.input
    words = given.words(name=given.name, appName=given.app_name, description=given.description)
    found = await needs.composes.search(
        call.actor, words, project_id=given.project_id or None, environment_id=given.environment_id or None
    )
    return {"items": [compose_found(each) for each in found.items], "total": found.total}


@router.mutation("move", least=Role.ADMIN, scope=Scope.ADMIN)
async def move(needs: ComposeNeeds, call: Call[MoveCompose]) -> ComposeRow:
    """Put it into another environment."""
    given = call.input
    moved = await needs.composes.move(call.actor, call.permission, given.compose_id, given.target_environment_id)
    needs.access.forget()  # whoever was given the compose service now knows of another project
    return compose_row(moved)


@router.mutation("import", least=Role.ADMIN, scope=Scope.ADMIN)
async def import_(needs: ComposeNeeds, call: Call[Import]) -> Done:
    """Take file and variables from a template."""
    template = read_template(call.input.base64)
    await needs.composes.update(call.actor, call.permission, call.input.compose_id, template.applied, env=template.env)
    return {"success": True, "message": "Template imported successfully"}


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(needs: ComposeNeeds, call: Call[CreateCompose]) -> ComposeRow:
    """A new compose service, not deployed yet."""
    given = call.input
    return compose_row(
        await needs.composes.create(
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


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(needs: ComposeNeeds, call: Call[UpdateCompose]) -> ComposeRow:
    """Change a compose service."""
    given = call.input
    changed = await needs.composes.update(
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
        needs.access.forget()  # whoever was given the compose service now knows of another project
    return compose_row(changed)


@router.mutation("delete", least=Role.ADMIN, scope=Scope.ADMIN)
async def delete(needs: ComposeNeeds, call: Call[Delete]) -> ComposeDetails:
    """Remove all of it; its volumes where asked for."""
    given, composes = call.input, needs.composes
    last = await needs.view.row(call.actor, await composes.one(call.actor, call.permission, given.compose_id))
    await composes.delete(call.actor, call.permission, given.compose_id, delete_volumes=given.delete_volumes)
    return last


@router.mutation("saveEnvironment", least=Role.ADMIN, scope=Scope.ADMIN)
async def save_environment(needs: ComposeNeeds, call: Call[SaveComposeEnvironment]) -> bool:
    """Set its variables."""
    given = call.input

    def change(settings: ComposeSettings) -> ComposeSettings:
        if given.create_env_file is None:
            return settings
        return replace(settings, create_env_file=given.create_env_file)

    await needs.composes.update(
        call.actor, call.permission, given.compose_id, change, env=given.env or "", env_was=given.env_was
    )
    return True


@router.starter("deploy", least=Role.MEMBER, scope=Scope.DEPLOY)
async def deploy(needs: ComposeNeeds, call: Call[DeployCompose]) -> Ready[Queued]:
    """Queue a deploy of the newest state."""
    return await _enqueue(needs, call, "Deployment queued", again=False)


@router.starter("redeploy", least=Role.MEMBER, scope=Scope.DEPLOY)
async def redeploy(needs: ComposeNeeds, call: Call[DeployCompose]) -> Ready[Queued]:
    """Queue a deploy of what serves."""
    return await _enqueue(needs, call, "Redeployment queued", again=True)


async def _enqueue(needs: ComposeNeeds, call: Call[DeployCompose], message: str, *, again: bool) -> Ready[Queued]:
    given = call.input
    if given.fresh_volumes:
        raise InvalidInput(
            "A deploy never empties volumes (freshVolumes). Delete the compose service with deleteVolumes, and make it "
            "anew."
        )
    made = await needs.composes.deploy(
        call.actor,
        call.permission,
        given.compose_id,
        again=again,
        title=given.title or None,
        description=given.description or None,
        once=call.once,
    )
    answer: Queued = {"success": True, "message": message, "composeId": given.compose_id}
    return queued_as(made, answer)


@router.uploader("dropDeployment", least=Role.MEMBER, scope=Scope.DEPLOY)
async def drop(needs: ComposeNeeds, call: Call[DropCompose]) -> Ready[Queued]:
    """Queue a deploy of an upload."""
    given = call.input
    if call.upload is None:
        await needs.composes.one(call.actor, call.permission, given.compose_id)
        raise no_file()
    made = await needs.drops.drop(
        call.actor,
        call.permission,
        given.compose_id,
        call.upload,
        path=given.compose_path,
        title=given.title or None,
        description=given.description or None,
        once=call.once,
    )
    return queued_as(made, {"success": True, "message": "Deployment queued", "composeId": given.compose_id})


@router.mutation("start", least=Role.MEMBER, scope=Scope.DEPLOY)
async def start(needs: ComposeNeeds, call: Call[ComposeById]) -> bool:
    """Bring it up again."""
    await needs.composes.start(call.actor, call.permission, call.input.compose_id)
    return True


@router.mutation("stop", least=Role.MEMBER, scope=Scope.DEPLOY)
async def stop(needs: ComposeNeeds, call: Call[ComposeById]) -> bool:
    """End all that runs of it."""
    await needs.composes.stop(call.actor, call.permission, call.input.compose_id)
    return True


@router.mutation("cancelDeployment", least=Role.MEMBER, scope=Scope.KILL)
async def cancel_deployment(needs: ComposeNeeds, call: Call[ComposeById]) -> Done:
    """End what waits and runs."""
    await needs.composes.cancel_deployments(call.actor, call.permission, call.input.compose_id)
    return {"success": True, "message": "Deployment cancelled"}


@router.mutation("cleanQueues", least=Role.MEMBER, scope=Scope.KILL)
async def clean_queues(needs: ComposeNeeds, call: Call[ComposeById]) -> Done:
    """End what waits."""
    await needs.composes.cancel_waiting(call.actor, call.permission, call.input.compose_id)
    return {"success": True, "message": "Queues cleaned successfully"}


@router.mutation("killBuild", least=Role.MEMBER, scope=Scope.KILL)
async def kill_build(needs: ComposeNeeds, call: Call[ComposeById]) -> None:
    """Kill what runs."""
    await needs.composes.kill_build(call.actor, call.permission, call.input.compose_id)


@router.mutation("clearDeployments", least=Role.ADMIN, scope=Scope.REMOVE)
async def clear_deployments(needs: ComposeNeeds, call: Call[ComposeById]) -> bool:
    """Remove ended deployments."""
    for deployment in await needs.composes.ended_deployments(call.actor, call.permission, call.input.compose_id):
        await needs.deployments.remove(call.actor, call.permission, deployment.deployment_id)
    return True
