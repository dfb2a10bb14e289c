"""``deployment.*``: list, look, follow, end and remove."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic_core import to_json

from headway.core.deployments.model import Deployment, SubjectType
from headway.faces.http.downloads import Download
from headway.faces.http.inputs import Empty, Input
from headway.faces.http.registry import Call, File, Procedure, Ready, Stream, mutation, query
from headway.faces.http.streams import Follower, Follows
from headway.faces.http.wire.deployments import (
    CentralRow,
    DeploymentRow,
    DeploymentWithSteps,
    JobRow,
    central_row,
    deployment_row,
    job_row,
    with_steps,
)
from headway.faces.http.wire.logs import FoundRow, found_row
from headway.infra.logs.search import Search

Rows = list[DeploymentRow]
_FARTHEST = (1 << 53) - 1  # what every client can count to


def procedures(follows: Follows) -> tuple[Procedure, ...]:
    """The router."""

    async def follow(call: Call[FollowInput]) -> Follower:
        return await follows.open(call.actor, call.input.deployment_id, _resumed(call))

    return (
        query("deployment.all", "Deployments of an application, newest first", Rows, OfApplication, _all),
        query("deployment.allByCompose", "Deployments of a compose service", Rows, OfCompose, _all_by_compose),
        query("deployment.allByServer", "Everything that ran on a server", Rows, OfServer, _all_by_server),
        query("deployment.allByType", "Deployments of whatever has deployments", Rows, OfType, _all_by_type),
        query("deployment.allCentralized", "The newest deployments of all", list[CentralRow], Empty, _all_centralized),
        query("deployment.queueList", "What waits and what runs, newest first", list[JobRow], Empty, _queue_list),
        query("deployment.one", "A deployment with its steps", DeploymentWithSteps, ById, _one),
        query("deployment.readLogs", "The last lines of a deployment's log", str, ReadLogs, _read_logs),
        query("deployment.searchLog", "Where a text stands in a deployment's log", FoundRow, SearchLog, _search_log),
        query("deployment.log", "A deployment's log as a file, whole or a range of it", File, ById, _log),
        query("deployment.follow", "Log, steps and status as server-sent events", Stream, FollowInput, follow),
        mutation("deployment.killProcess", "Kill a running deployment", None, ById, _kill),
        mutation("deployment.cancel", "End a waiting or running deployment gently", None, ById, _cancel),
        mutation("deployment.removeDeployment", "Remove record and log", DeploymentRow, ById, _remove),
    )


class OfApplication(Input):
    application_id: Annotated[str, Field(min_length=1)]


class OfCompose(Input):
    compose_id: Annotated[str, Field(min_length=1)]


class OfServer(Input):
    server_id: Annotated[str, Field(min_length=1)]


class OfType(Input):
    id: Annotated[str, Field(min_length=1)]
    type: Literal["application", "compose", "server", "schedule", "previewDeployment", "backup", "volumeBackup"]


class ById(Input):
    deployment_id: Annotated[str, Field(min_length=1)]


class ReadLogs(ById):
    tail: Annotated[int, Field(ge=1, le=10_000)] = 100


class SearchLog(ById):
    """``from`` is the byte of the log to begin at: zero, or the ``nextOffset`` of the search before."""

    text: Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\r\n]*$")]
    start: Annotated[int, Field(ge=0, le=_FARTHEST, alias="from")] = 0
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    ignore_case: bool = False


class FollowInput(ById):
    """``from`` is the byte of the log to begin at; ``Last-Event-ID``, sent by a reader that comes back, goes before."""

    start: Annotated[int, Field(ge=0, le=_FARTHEST, alias="from")] = 0


async def _all(call: Call[OfApplication]) -> Ready:
    return _rows(
        await call.platform.deployments.all_of(
            call.actor, SubjectType.APPLICATION, call.input.application_id, "deployment.all"
        )
    )


async def _all_by_compose(call: Call[OfCompose]) -> Ready:
    return _rows(
        await call.platform.deployments.all_of(
            call.actor, SubjectType.COMPOSE, call.input.compose_id, "deployment.allByCompose"
        )
    )


async def _all_by_server(call: Call[OfServer]) -> Ready:
    return _rows(
        await call.platform.deployments.all_of(
            call.actor, SubjectType.SERVER, call.input.server_id, "deployment.allByServer"
        )
    )


async def _all_by_type(call: Call[OfType]) -> Ready:
    return _rows(await call.platform.deployments.all_of(call.actor, SubjectType(call.input.type), call.input.id))


async def _all_centralized(call: Call[Empty]) -> Ready:
    found = await call.platform.deployments.recent(call.actor)
    places = await call.platform.projects.places(call.actor) if found else {}
    return Ready(to_json([central_row(deployment, places.get(deployment.subject_id)) for deployment in found]))


async def _queue_list(call: Call[Empty]) -> Ready:
    found = await call.platform.deployments.queue(call.actor)
    places = await call.platform.projects.places(call.actor) if found else {}
    where = {application_id: place for application_id, (_, place) in places.items()}
    return Ready(to_json([job_row(deployment, where.get(deployment.subject_id)) for deployment in found]))


async def _one(call: Call[ById]) -> DeploymentWithSteps:
    deployment = await call.platform.deployments.one(call.actor, call.input.deployment_id)
    return with_steps(deployment, await call.platform.deployments.steps(call.actor, deployment.deployment_id))


async def _read_logs(call: Call[ReadLogs]) -> str:
    return await call.platform.deployments.read_log(call.actor, call.input.deployment_id, call.input.tail)


async def _search_log(call: Call[SearchLog]) -> FoundRow:
    given = call.input
    search = Search(text=given.text, offset=given.start, limit=given.limit, ignore_case=given.ignore_case)
    return found_row(await call.platform.deployments.search_log(call.actor, given.deployment_id, search))


async def _log(call: Call[ById]) -> Download:
    deployment, opened = await call.platform.deployments.open_log(call.actor, call.input.deployment_id)
    return Download(deployment, opened, call.headers)


async def _kill(call: Call[ById]) -> None:
    await call.platform.deployments.kill(call.actor, call.input.deployment_id)


async def _cancel(call: Call[ById]) -> None:
    await call.platform.deployments.cancel(call.actor, call.input.deployment_id)


async def _remove(call: Call[ById]) -> DeploymentRow:
    return deployment_row(await call.platform.deployments.remove(call.actor, call.input.deployment_id))


def _rows(deployments: list[Deployment]) -> Ready:
    return Ready(to_json([deployment_row(deployment) for deployment in deployments]))


def _resumed(call: Call[FollowInput]) -> int:
    last = call.headers.get(b"last-event-id", b"")
    return int(last) if last.isdigit() and len(last) < 20 else call.input.start
