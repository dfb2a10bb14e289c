"""``application.*``: make, set up, deploy, start, stop and delete."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Input, Searched, Told
from headway.api.operation import Call, Nothing, Ready, naming, queued
from headway.api.problems import no_file
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.access.service import AccessService
from headway.core.deployments.service import DeploymentService
from headway.drivers.buildplan.settings import NEWEST
from headway.features.services.application.api.details import ApplicationView
from headway.features.services.application.api.detection_rows import DetectedRow, detected_row
from headway.features.services.application.api.rows import (
    ApplicationDetails,
    ApplicationRow,
    ApplicationsFound,
    application_found,
    application_row,
)
from headway.features.services.application.api.settings import ApplicationChanges
from headway.features.services.application.detection import DetectService
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.service import ApplicationService
from headway.features.services.drops import DropService
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationNeeds:
    """What these operations need."""

    access: AccessService
    applications: ApplicationService
    deployments: DeploymentService
    detects: DetectService
    drops: DropService[AppSettings]
    view: ApplicationView


router = Router[ApplicationNeeds](
    "application", "Make, set up, deploy, start, stop and delete applications", resource=Noun.APPLICATION
)


class ApplicationById(Input):
    application_id: Annotated[str, Field(min_length=1)]


class SearchApplication(Searched):
    name: str | None = None
    app_name: str | None = None
    description: Told | None = None
    repository: str | None = None
    owner: str | None = None
    docker_image: str | None = None
    project_id: str | None = None
    environment_id: str | None = None


class MoveApplication(ApplicationById):
    target_environment_id: Annotated[str, Field(min_length=1)]


class Detect(ApplicationById):
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
        return replace(
            settings, build=build, run=replace(settings.run, port=settings.run.port if self.port is None else self.port)
        )


class CreateApplication(ApplicationChanges):
    name: Annotated[str, Field(min_length=1)]
    app_name: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    description: Told | None = None
    environment_id: Annotated[str, Field(min_length=1)]
    server_id: str | None = None
    build_server_id: str | None = None


class Save(ApplicationChanges):
    application_id: Annotated[str, Field(min_length=1)]


class UpdateApplication(Save):
    name: Annotated[str, Field(min_length=1)] | None = None
    description: Told | None = None
    env: str | None = None
    server_id: str | None = None
    build_server_id: str | None = None
    environment_id: Annotated[str, Field(min_length=1)] | None = None


class SaveApplicationEnvironment(Save):
    """``envWas`` is ``env`` as it was read: where that is another by now, nothing is saved, and the answer is 409."""

    env: str | None = None
    env_was: str | None = None


class SaveDocker(Save):
    docker_image: Annotated[str, Field(min_length=1, max_length=512)] | None


class SaveGit(Save):
    custom_git_url: Annotated[str, Field(min_length=1)] | None


class DeployApplication(ApplicationById):
    title: Told | None = None
    description: Told | None = None


class DropApplication(DeployApplication):
    drop_build_path: str | None = None
    file_name: str | None = None


class Cancelled(TypedDict):
    """What was asked for is done."""

    success: bool
    message: str


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(needs: ApplicationNeeds, call: Call[ApplicationById]) -> ApplicationDetails:
    """An application with all around it."""
    return await needs.view.row(
        call.actor, await needs.applications.one(call.actor, call.permission, call.input.application_id)
    )


@router.query("search", least=Role.MEMBER, scope=Scope.READ)
async def search(needs: ApplicationNeeds, call: Call[SearchApplication]) -> ApplicationsFound:
    """Applications by their words."""
    given = call.input
    words = given.words(
        name=given.name,
        appName=given.app_name,
        description=given.description,
        repository=given.repository,
        owner=given.owner,
        dockerImage=given.docker_image,
    )
    found = await needs.applications.search(
        call.actor, words, project_id=given.project_id or None, environment_id=given.environment_id or None
    )
    return {"items": [application_found(each) for each in found.items], "total": found.total}


@router.query("detect", least=Role.MEMBER, scope=Scope.DEPLOY)
async def detect(needs: ApplicationNeeds, call: Call[Detect]) -> DetectedRow:
    """What a deploy would build, and how."""
    found = await needs.detects.detect(call.actor, call.permission, call.input.application_id, call.input.applied)
    return detected_row(found)


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(needs: ApplicationNeeds, call: Call[CreateApplication]) -> ApplicationRow:
    """A new application, not deployed yet."""
    given = call.input
    return _row(
        needs,
        await needs.applications.create(
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


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(needs: ApplicationNeeds, call: Call[UpdateApplication]) -> bool:
    """Change an application."""
    given, place = call.input, call.input.environment_id
    await needs.applications.update(
        call.actor,
        call.permission,
        given.application_id,
        given.applied,
        name=given.name,
        description=given.description,
        env=_env(given.model_fields_set, given.env),
        server_id=given.server_id,
        build_server_id=(given.build_server_id or "") if "build_server_id" in given.model_fields_set else None,
        environment_id=place,
    )
    if place is not None:
        needs.access.forget()  # whoever was given the application now knows of another project
    return True


@router.mutation("delete", least=Role.ADMIN, scope=Scope.ADMIN)
async def delete(needs: ApplicationNeeds, call: Call[ApplicationById]) -> ApplicationDetails:
    """Stop it and remove all of it."""
    id_ = call.input.application_id
    last = await needs.view.row(call.actor, await needs.applications.one(call.actor, call.permission, id_))
    await needs.applications.delete(call.actor, call.permission, id_)
    return last


@router.mutation("saveEnvironment", least=Role.ADMIN, scope=Scope.ADMIN)
async def save_environment(needs: ApplicationNeeds, call: Call[SaveApplicationEnvironment]) -> bool:
    """Set its variables."""
    await needs.applications.update(
        call.actor,
        call.permission,
        call.input.application_id,
        call.input.applied,
        env=_env(call.input.model_fields_set, call.input.env),
        env_was=call.input.env_was,
    )
    return True


@router.mutation("saveDockerProvider", least=Role.ADMIN, scope=Scope.ADMIN)
async def save_docker_provider(needs: ApplicationNeeds, call: Call[SaveDocker]) -> bool:
    """Set the image that it is."""
    await needs.applications.update(call.actor, call.permission, call.input.application_id, call.input.applied_as_image)
    return True


@router.mutation("saveGitProvider", least=Role.ADMIN, scope=Scope.ADMIN)
async def save_git(needs: ApplicationNeeds, call: Call[SaveGit]) -> bool:
    """Set its git repository."""
    given = call.input
    await needs.applications.update(call.actor, call.permission, given.application_id, given.applied_as_git)
    return True


@router.mutation("move", least=Role.ADMIN, scope=Scope.ADMIN)
async def move(needs: ApplicationNeeds, call: Call[MoveApplication]) -> ApplicationRow:
    """Put it into another environment."""
    given = call.input
    moved = await needs.applications.move(
        call.actor, call.permission, given.application_id, given.target_environment_id
    )
    needs.access.forget()  # whoever was given the application now knows of another project
    return _row(needs, moved)


@router.mutation("reload", least=Role.MEMBER, scope=Scope.DEPLOY)
async def reload(needs: ApplicationNeeds, call: Call[ApplicationById]) -> bool:
    """Restart what serves."""
    await needs.applications.reload(call.actor, call.permission, call.input.application_id)
    return True


@router.starter("deploy", least=Role.MEMBER, scope=Scope.DEPLOY)
async def deploy(needs: ApplicationNeeds, call: Call[DeployApplication]) -> Nothing:
    """Queue a deploy of the newest commit."""
    return await _enqueue(needs, call, again=False)


@router.starter("redeploy", least=Role.MEMBER, scope=Scope.DEPLOY)
async def redeploy(needs: ApplicationNeeds, call: Call[DeployApplication]) -> Nothing:
    """Queue a deploy of the commit that serves."""
    return await _enqueue(needs, call, again=True)


async def _enqueue(needs: ApplicationNeeds, call: Call[DeployApplication], *, again: bool) -> Nothing:
    given = call.input
    made = await needs.applications.deploy(
        call.actor,
        call.permission,
        given.application_id,
        again=again,
        title=given.title or None,
        description=given.description or None,
        once=call.once,
    )
    return queued(made)


@router.uploader("dropDeployment", least=Role.MEMBER, scope=Scope.DEPLOY)
async def drop(needs: ApplicationNeeds, call: Call[DropApplication]) -> Ready[bool]:
    """Queue a deploy of an upload."""
    given = call.input
    if call.upload is None:
        await needs.applications.one(call.actor, call.permission, given.application_id)
        raise no_file()
    queued = await needs.drops.drop(
        call.actor,
        call.permission,
        given.application_id,
        call.upload,
        path=given.drop_build_path,
        title=given.title or None,
        description=given.description or None,
        once=call.once,
    )
    return Ready(b"true", headers=naming(queued))


@router.mutation("start", least=Role.MEMBER, scope=Scope.DEPLOY)
async def start(needs: ApplicationNeeds, call: Call[ApplicationById]) -> ApplicationDetails:
    """Bring the newest release up."""
    return await needs.view.row(
        call.actor, await needs.applications.start(call.actor, call.permission, call.input.application_id)
    )


@router.mutation("stop", least=Role.MEMBER, scope=Scope.DEPLOY)
async def stop(needs: ApplicationNeeds, call: Call[ApplicationById]) -> ApplicationDetails:
    """End all that runs of it."""
    return await needs.view.row(
        call.actor, await needs.applications.stop(call.actor, call.permission, call.input.application_id)
    )


@router.mutation("cancelDeployment", least=Role.MEMBER, scope=Scope.KILL)
async def cancel_deployment(needs: ApplicationNeeds, call: Call[ApplicationById]) -> Cancelled:
    """End what waits and runs."""
    await needs.applications.cancel_deployments(call.actor, call.permission, call.input.application_id)
    return {"success": True, "message": "Deployment cancelled"}


@router.mutation("cleanQueues", least=Role.MEMBER, scope=Scope.KILL)
async def clean_queues(needs: ApplicationNeeds, call: Call[ApplicationById]) -> None:
    """End what waits."""
    await needs.applications.cancel_waiting(call.actor, call.permission, call.input.application_id)


@router.mutation("killBuild", least=Role.MEMBER, scope=Scope.KILL)
async def kill_build(needs: ApplicationNeeds, call: Call[ApplicationById]) -> None:
    """Kill what runs."""
    await needs.applications.kill_build(call.actor, call.permission, call.input.application_id)


@router.mutation("clearDeployments", least=Role.ADMIN, scope=Scope.REMOVE)
async def clear_deployments(needs: ApplicationNeeds, call: Call[ApplicationById]) -> bool:
    """Remove ended deployments."""
    for deployment in await needs.applications.ended_deployments(
        call.actor, call.permission, call.input.application_id
    ):
        await needs.deployments.remove(call.actor, call.permission, deployment.deployment_id)
    return True


def _row(needs: ApplicationNeeds, application: Application) -> ApplicationRow:
    return application_row(application, needs.applications.addresses(application))


def _env(given: set[str], env: str | None) -> str | None:
    """Variables that are sent as null are cleared; what is not sent stays."""
    return (env or "") if "env" in given else None
