"""``application.*``: make, set up, deploy, start, stop and delete."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from headway.domains.applications.model import Application, AppSettings, without_git
from headway.faces.http.errors import no_file
from headway.faces.http.inputs import Input, Searched, Told
from headway.faces.http.procedures.application_details import details
from headway.faces.http.procedures.application_settings import Changes
from headway.faces.http.registry import (
    Call,
    Nothing,
    Procedure,
    Ready,
    mutation,
    naming,
    query,
    queued,
    starter,
    uploader,
)
from headway.faces.http.wire.applications import (
    ApplicationDetails,
    ApplicationRow,
    ApplicationsFound,
    application_found,
    application_row,
)
from headway.faces.http.wire.detected import DetectedRow, detected_row
from headway.seams.buildplan.settings import NEWEST

_SAVES_GIT = ("application.saveGitProvider", "application.saveGitProdiver")  # as clients of early versions spell it


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("application.one", "An application with all around it", ApplicationDetails, ById, _one),
        query("application.detect", "What a deploy would build, and how", DetectedRow, Detect, _detect),
        query("application.search", "Applications by their words", ApplicationsFound, Search, _search),
        mutation("application.create", "A new application, not deployed yet", ApplicationRow, Create, _create),
        mutation("application.update", "Change an application", bool, Update, _update),
        mutation("application.delete", "Stop it and remove all of it", ApplicationDetails, ById, _delete),
        mutation("application.saveEnvironment", "Set its variables", bool, SaveEnvironment, _save_environment),
        mutation("application.saveBuildType", "Set how it is built", bool, Save, _save_build_type),
        mutation("application.saveDockerProvider", "Set the image that it is", bool, SaveDocker, _save_docker_provider),
        *(mutation(name, "Set its git repository", bool, SaveGit, _save_git) for name in _SAVES_GIT),
        mutation("application.disconnectGitProvider", "Forget its git repository", bool, ById, _disconnect),
        mutation("application.move", "Put it into another environment", ApplicationRow, Move, _move),
        starter("application.deploy", "Queue a deploy of the newest commit", None, Deploy, _deploy),
        starter("application.redeploy", "Queue a deploy of the commit that serves", None, Deploy, _redeploy),
        uploader("application.dropDeployment", "Queue a deploy of an upload", bool, Drop, _drop),
        mutation("application.start", "Bring the newest release up", ApplicationDetails, ById, _start),
        mutation("application.reload", "Restart what serves", bool, ById, _reload),
        mutation("application.stop", "End all that runs of it", ApplicationDetails, ById, _stop),
        mutation("application.cancelDeployment", "End what waits and runs", Cancelled, ById, _cancel_deployment),
        mutation("application.cleanQueues", "End what waits", None, ById, _clean_queues),
        mutation("application.killBuild", "Kill what runs", None, ById, _kill_build),
        mutation("application.clearDeployments", "Remove ended deployments", bool, ById, _clear_deployments),
    )


class ById(Input):
    application_id: Annotated[str, Field(min_length=1)]


class Search(Searched):
    name: str | None = None
    app_name: str | None = None
    description: Told | None = None
    repository: str | None = None
    owner: str | None = None
    docker_image: str | None = None
    project_id: str | None = None
    environment_id: str | None = None


class Move(ById):
    target_environment_id: Annotated[str, Field(min_length=1)]


class Detect(ById):
    build_command: str | None = None
    start_command: str | None = None
    publish_directory: str | None = None
    install: str | None = None
    provider: str | None = None
    package: str | None = None
    detection: Annotated[int, Field(ge=1, le=2)] | None = None
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None

    def applied(self, settings: AppSettings) -> AppSettings:
        """The settings with what is to be tried out."""
        given = {"install": self.install, "provider": self.provider, "package": self.package}
        given |= {"build": self.build_command, "start": self.start_command, "publish": self.publish_directory}
        tried = {name: value for name, value in given.items() if value is not None}
        detection = self.detection or (NEWEST if tried else settings.build.detection)
        build = replace(settings.build, **tried, detection=detection)  # type: ignore[arg-type]  # all of them are lines
        return replace(settings, build=build, port=settings.port if self.port is None else self.port)


class Create(Changes):
    name: Annotated[str, Field(min_length=1)]
    app_name: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    description: Told | None = None
    environment_id: Annotated[str, Field(min_length=1)]
    server_id: str | None = None
    build_server_id: str | None = None


class Save(Changes):
    application_id: Annotated[str, Field(min_length=1)]


class Update(Save):
    name: Annotated[str, Field(min_length=1)] | None = None
    description: Told | None = None
    env: str | None = None
    server_id: str | None = None
    build_server_id: str | None = None
    environment_id: Annotated[str, Field(min_length=1)] | None = None


class SaveEnvironment(Save):
    env: str | None = None


class SaveDocker(Save):
    docker_image: Annotated[str, Field(min_length=1, max_length=512)] | None


class SaveGit(Save):
    custom_git_url: Annotated[str, Field(min_length=1)] | None


class Deploy(ById):
    title: Told | None = None
    description: Told | None = None


class Drop(Deploy):
    drop_build_path: str | None = None
    file_name: str | None = None


class Cancelled(TypedDict):
    """What was asked for is done."""

    success: bool
    message: str


async def _one(call: Call[ById]) -> dict[str, Any]:
    return await details(
        call, await call.platform.applications.one(call.actor, call.permission, call.input.application_id)
    )


async def _search(call: Call[Search]) -> ApplicationsFound:
    given = call.input
    words = given.words(
        name=given.name,
        appName=given.app_name,
        description=given.description,
        repository=given.repository,
        owner=given.owner,
        dockerImage=given.docker_image,
    )
    found = await call.platform.applications.search(
        call.actor, words, project_id=given.project_id or None, environment_id=given.environment_id or None
    )
    return {"items": [application_found(each) for each in found.items], "total": found.total}


async def _detect(call: Call[Detect]) -> DetectedRow:
    found = await call.platform.detects.detect(
        call.actor, call.permission, call.input.application_id, call.input.applied
    )
    return detected_row(found)


async def _create(call: Call[Create]) -> dict[str, Any]:
    given = call.input
    return _row(
        call,
        await call.platform.applications.create(
            call.actor,
            call.permission,
            given.environment_id,
            given.name,
            app_name=given.app_name,
            description=given.description,
            settings=given.applied(AppSettings()),
            server_id=given.server_id,
            build_server_id=given.build_server_id,
        ),
    )


async def _update(call: Call[Update]) -> bool:
    given, place = call.input, call.input.environment_id
    arranging = call.platform.arranging
    await call.platform.applications.update(
        call.actor,
        call.permission,
        given.application_id,
        given.applied,
        put=None if place is None else arranging.mover(call.actor, call.permission, place),
        name=given.name,
        description=given.description,
        env=_env(given.model_fields_set, given.env),
        server_id=given.server_id,
        build_server_id=(given.build_server_id or "") if "build_server_id" in given.model_fields_set else None,
    )
    if place is not None:
        call.platform.access.forget()  # whoever was given the application now knows of another project
    return True


async def _delete(call: Call[ById]) -> dict[str, Any]:
    platform, id_ = call.platform, call.input.application_id
    last = await details(call, await platform.applications.one(call.actor, call.permission, id_))
    await platform.applications.delete(call.actor, call.permission, id_)
    return last


async def _save_environment(call: Call[SaveEnvironment]) -> bool:
    await call.platform.applications.update(
        call.actor,
        call.permission,
        call.input.application_id,
        call.input.applied,
        env=_env(call.input.model_fields_set, call.input.env),
    )
    return True


async def _save_build_type(call: Call[Save]) -> bool:
    await call.platform.applications.update(call.actor, call.permission, call.input.application_id, call.input.applied)
    return True


async def _save_docker_provider(call: Call[SaveDocker]) -> bool:
    await call.platform.applications.update(
        call.actor, call.permission, call.input.application_id, call.input.applied_as_image
    )
    return True


async def _save_git(call: Call[SaveGit]) -> bool:
    given = call.input
    await call.platform.applications.update(call.actor, call.permission, given.application_id, given.applied_as_git)
    return True


async def _disconnect(call: Call[ById]) -> bool:
    await call.platform.applications.update(call.actor, call.permission, call.input.application_id, without_git)
    return True


async def _move(call: Call[Move]) -> dict[str, Any]:
    given = call.input
    moved = await call.platform.arranging.move(
        call.actor, call.permission, given.application_id, given.target_environment_id
    )
    call.platform.access.forget()  # whoever was given the application now knows of another project
    return _row(call, moved)


async def _reload(call: Call[ById]) -> bool:
    await call.platform.applications.reload(call.actor, call.permission, call.input.application_id)
    return True


async def _deploy(call: Call[Deploy]) -> Nothing:
    given = call.input
    return queued(
        await call.platform.applications.deploy(
            call.actor,
            call.permission,
            given.application_id,
            title=given.title or None,
            description=given.description or None,
            once=call.once,
        )
    )


async def _redeploy(call: Call[Deploy]) -> Nothing:
    given = call.input
    return queued(
        await call.platform.applications.redeploy(
            call.actor,
            call.permission,
            given.application_id,
            title=given.title or None,
            description=given.description or None,
            once=call.once,
        )
    )


async def _drop(call: Call[Drop]) -> Ready:
    given = call.input
    if call.upload is None:
        await call.platform.applications.one(call.actor, call.permission, given.application_id)
        raise no_file()
    queued = await call.platform.drops.drop(
        call.actor,
        call.permission,
        given.application_id,
        call.upload,
        build_path=given.drop_build_path,
        title=given.title or None,
        description=given.description or None,
        once=call.once,
    )
    return Ready(b"true", headers=naming(queued))


async def _start(call: Call[ById]) -> dict[str, Any]:
    return await details(
        call, await call.platform.applications.start(call.actor, call.permission, call.input.application_id)
    )


async def _stop(call: Call[ById]) -> dict[str, Any]:
    return await details(
        call, await call.platform.applications.stop(call.actor, call.permission, call.input.application_id)
    )


async def _cancel_deployment(call: Call[ById]) -> Cancelled:
    await call.platform.applications.cancel_deployments(call.actor, call.permission, call.input.application_id)
    return {"success": True, "message": "Deployment cancelled"}


async def _clean_queues(call: Call[ById]) -> None:
    await call.platform.applications.cancel_waiting(call.actor, call.permission, call.input.application_id)


async def _kill_build(call: Call[ById]) -> None:
    await call.platform.applications.kill_build(call.actor, call.permission, call.input.application_id)


async def _clear_deployments(call: Call[ById]) -> bool:
    for deployment in await call.platform.applications.ended_deployments(
        call.actor, call.permission, call.input.application_id
    ):
        await call.platform.deployments.remove(call.actor, call.permission, deployment.deployment_id)
    return True


def _row(call: Call[Any], application: Application) -> dict[str, Any]:
    return application_row(application, call.platform.applications.addresses(application))


def _env(given: set[str], env: str | None) -> str | None:
    """Variables that are sent as null are cleared; what is not sent stays."""
    return (env or "") if "env" in given else None
