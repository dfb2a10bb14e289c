"""``application.*``: make, set up, deploy, start, stop and delete."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from headway.core.access.policy import Missing, Noun
from headway.core.deployments.model import SubjectType
from headway.domains.applications.model import Application, AppSettings
from headway.faces.http.inputs import Input
from headway.faces.http.procedures.application_settings import Changes
from headway.faces.http.procedures.deployment_lists import rows_of
from headway.faces.http.registry import Call, Nothing, Procedure, mutation, query, queued, starter
from headway.faces.http.wire.applications import (
    ApplicationDetails,
    ApplicationRow,
    application_details,
    application_row,
)


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("application.one", "An application with all around it", ApplicationDetails, ById, _one),
        query("application.readLogs", "The last lines that an application wrote", str, ReadLogs, _read_logs),
        mutation("application.create", "A new application, not deployed yet", ApplicationRow, Create, _create),
        mutation("application.update", "Change an application", bool, Update, _update),
        mutation("application.delete", "Stop it and remove all of it", ApplicationRow, ById, _delete),
        mutation("application.saveEnvironment", "Set its variables", bool, SaveEnvironment, _save_environment),
        mutation("application.saveBuildType", "Set how it is built", bool, Save, _save_build_type),
        mutation("application.saveGitProvider", "Set its git repository", bool, SaveGit, _save_git_provider),
        starter("application.deploy", "Queue a deploy of the newest commit", None, Deploy, _deploy),
        starter("application.redeploy", "Queue a deploy of the commit that serves", None, Deploy, _redeploy),
        mutation("application.start", "Bring the newest release up", ApplicationRow, ById, _start),
        mutation("application.stop", "End all that runs of it", ApplicationRow, ById, _stop),
        mutation("application.cancelDeployment", "End what waits and runs", Cancelled, ById, _cancel_deployment),
        mutation("application.cleanQueues", "End what waits", None, ById, _clean_queues),
        mutation("application.killBuild", "Kill what runs", None, ById, _kill_build),
        mutation("application.clearDeployments", "Remove ended deployments", bool, ById, _clear_deployments),
    )


class ById(Input):
    application_id: Annotated[str, Field(min_length=1)]


class ReadLogs(ById):
    tail: Annotated[int, Field(ge=1, le=10_000)] = 100


class Create(Changes):
    name: Annotated[str, Field(min_length=1)]
    app_name: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    description: str | None = None
    environment_id: Annotated[str, Field(min_length=1)]
    server_id: str | None = None


class Save(Changes):
    application_id: Annotated[str, Field(min_length=1)]


class Update(Save):
    name: Annotated[str, Field(min_length=1)] | None = None
    description: str | None = None
    env: str | None = None


class SaveEnvironment(Save):
    env: str | None = None


class SaveGit(Save):
    custom_git_url: Annotated[str, Field(min_length=1)]


class Deploy(ById):
    title: str | None = None
    description: str | None = None


class Cancelled(TypedDict):
    """What was asked for is done."""

    success: bool
    message: str


async def _one(call: Call[ById]) -> dict[str, Any]:
    platform, actor = call.platform, call.actor
    application = await platform.applications.one(actor, call.input.application_id)
    part = await platform.deployment_reads.rows_of(
        actor, SubjectType.APPLICATION, application.application_id, "application.one"
    )
    overview, project = await platform.projects.environment(actor, application.environment_id)
    return application_details(
        application,
        platform.applications.addresses(application),
        rows_of(part, pending_as_running=actor.terms.pending_as_running),
        overview.environment,
        project,
    )


async def _read_logs(call: Call[ReadLogs]) -> str:
    return await call.platform.applications.read_logs(call.actor, call.input.application_id, call.input.tail)


async def _create(call: Call[Create]) -> dict[str, Any]:
    given = call.input
    if given.server_id:
        raise Missing(Noun.SERVER)
    return _row(
        call,
        await call.platform.applications.create(
            call.actor,
            given.environment_id,
            given.name,
            app_name=given.app_name,
            description=given.description,
            settings=given.applied(AppSettings()),
        ),
    )


async def _update(call: Call[Update]) -> bool:
    given = call.input
    await call.platform.applications.update(
        call.actor,
        given.application_id,
        given.applied,
        name=given.name,
        description=given.description,
        env=_env(given.model_fields_set, given.env),
    )
    return True


async def _delete(call: Call[ById]) -> dict[str, Any]:
    return _row(call, await call.platform.applications.delete(call.actor, call.input.application_id))


async def _save_environment(call: Call[SaveEnvironment]) -> bool:
    await call.platform.applications.update(
        call.actor,
        call.input.application_id,
        call.input.applied,
        procedure="application.saveEnvironment",
        env=_env(call.input.model_fields_set, call.input.env),
    )
    return True


async def _save_build_type(call: Call[Save]) -> bool:
    await call.platform.applications.update(
        call.actor, call.input.application_id, call.input.applied, procedure="application.saveBuildType"
    )
    return True


async def _save_git_provider(call: Call[SaveGit]) -> bool:
    await call.platform.applications.update(
        call.actor, call.input.application_id, call.input.applied_as_git, procedure="application.saveGitProvider"
    )
    return True


async def _deploy(call: Call[Deploy]) -> Nothing:
    given = call.input
    return queued(
        await call.platform.applications.deploy(
            call.actor,
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
            given.application_id,
            title=given.title or None,
            description=given.description or None,
            once=call.once,
        )
    )


async def _start(call: Call[ById]) -> dict[str, Any]:
    return _row(call, await call.platform.applications.start(call.actor, call.input.application_id))


async def _stop(call: Call[ById]) -> dict[str, Any]:
    return _row(call, await call.platform.applications.stop(call.actor, call.input.application_id))


async def _cancel_deployment(call: Call[ById]) -> Cancelled:
    await call.platform.applications.cancel_deployments(call.actor, call.input.application_id)
    return {"success": True, "message": "Deployment cancelled"}


async def _clean_queues(call: Call[ById]) -> None:
    await call.platform.applications.cancel_waiting(call.actor, call.input.application_id)


async def _kill_build(call: Call[ById]) -> None:
    await call.platform.applications.kill_build(call.actor, call.input.application_id)


async def _clear_deployments(call: Call[ById]) -> bool:
    for deployment in await call.platform.applications.ended_deployments(call.actor, call.input.application_id):
        await call.platform.deployments.remove(call.actor, deployment.deployment_id)
    return True


def _row(call: Call[Any], application: Application) -> dict[str, Any]:
    return application_row(application, call.platform.applications.addresses(application))


def _env(given: set[str], env: str | None) -> str | None:
    """Variables that are sent as null are cleared; what is not sent stays."""
    return (env or "") if "env" in given else None
