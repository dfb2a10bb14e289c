"""``deployment.*``: look, follow, end and remove, beside the lists."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headway.core.deployments.awaiting import Goal
from headway.core.deployments.status import Status
from headway.faces.http.downloads import Download
from headway.faces.http.inputs import MOST, Input
from headway.faces.http.procedures import deployment_lists, deployment_search
from headway.faces.http.procedures.deployment_lists import rows_of
from headway.faces.http.registry import Call, File, Procedure, Stream, mutation, query
from headway.faces.http.streams import Follower, Follows
from headway.faces.http.wire.deployments import DeploymentRow, WaitedRow
from headway.faces.http.wire.logs import FoundRow, found_row
from headway.infra.logs.search import Search

LONGEST_WAIT_SECONDS = 300


def procedures(follows: Follows) -> tuple[Procedure, ...]:
    """The router."""

    async def follow(call: Call[FollowInput]) -> Follower:
        return await follows.open(call.actor, call.permission, call.input.deployment_id, _resumed(call))

    return (
        *deployment_lists.procedures(),
        *deployment_search.procedures(),
        query("deployment.one", "A deployment with its steps", DeploymentRow, ById, _one),
        query("deployment.readLogs", "The last lines of a deployment's log", str, ReadLogs, _read_logs),
        query("deployment.searchLog", "Where a text stands in a deployment's log", FoundRow, SearchLog, _search_log),
        query("deployment.log", "A deployment's log as a file, whole or a range of it", File, ById, _log),
        query("deployment.follow", "Log, steps and status as server-sent events", Stream, FollowInput, follow),
        query("deployment.wait", "A deployment once it has ended, or the time is up", WaitedRow, Wait, _wait),
        mutation("deployment.killProcess", "Kill a running deployment", None, ById, _kill),
        mutation("deployment.cancel", "End a waiting or running deployment gently", None, ById, _cancel),
        mutation("deployment.removeDeployment", "Remove record and log", DeploymentRow, ById, _remove),
    )


class ById(Input):
    deployment_id: Annotated[str, Field(min_length=1)]


class Wait(ById):
    """Waits for at most ``timeout`` seconds ``until`` it has ended, or runs (or has run); who is answered before that
    calls again.
    """

    timeout: Annotated[float, Field(ge=0, le=LONGEST_WAIT_SECONDS)] = 30
    until: Literal["ended", "running"] = "ended"


class ReadLogs(ById):
    tail: Annotated[int, Field(ge=1, le=10_000)] = 100


class SearchLog(ById):
    """``from`` is the byte of the log to begin at: zero, or the ``nextOffset`` of the search before."""

    text: Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\r\n]*$")]
    start: Annotated[int, Field(ge=0, le=MOST, alias="from")] = 0
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    ignore_case: bool = False


class FollowInput(ById):
    """``from`` is the byte of the log to begin at; ``Last-Event-ID``, sent by a reader that comes back, goes before."""

    start: Annotated[int, Field(ge=0, le=MOST, alias="from")] = 0


async def _one(call: Call[ById]) -> DeploymentRow:
    part = await call.platform.deployment_reads.one(call.actor, call.permission, call.input.deployment_id)
    return rows_of(part, pending_as_running=call.actor.terms.pending_as_running)[0]


async def _wait(call: Call[Wait]) -> WaitedRow:
    given, goal = call.input, Goal(call.input.until)
    part = await call.platform.awaiting.wait(call.actor, call.permission, given.deployment_id, goal, given.timeout)
    status = Status(part.rows[0].status)
    row = rows_of(part, pending_as_running=call.actor.terms.pending_as_running)[0]
    return {"reached": goal.reached_by(status), "ended": status.ended, "deployment": row}


async def _read_logs(call: Call[ReadLogs]) -> str:
    return await call.platform.deployments.read_log(
        call.actor, call.permission, call.input.deployment_id, call.input.tail
    )


async def _search_log(call: Call[SearchLog]) -> FoundRow:
    given = call.input
    search = Search(text=given.text, offset=given.start, limit=given.limit, ignore_case=given.ignore_case)
    return found_row(
        await call.platform.deployments.search_log(call.actor, call.permission, given.deployment_id, search)
    )


async def _log(call: Call[ById]) -> Download:
    deployment, opened = await call.platform.deployments.open_log(call.actor, call.permission, call.input.deployment_id)
    return Download(deployment, opened, call.headers)


async def _kill(call: Call[ById]) -> None:
    await call.platform.deployments.kill(call.actor, call.permission, call.input.deployment_id)


async def _cancel(call: Call[ById]) -> None:
    await call.platform.deployments.cancel(call.actor, call.permission, call.input.deployment_id)


async def _remove(call: Call[ById]) -> DeploymentRow:
    removed = await call.platform.deployments.remove(call.actor, call.permission, call.input.deployment_id)
    return rows_of(removed, pending_as_running=False)[0]


def _resumed(call: Call[FollowInput]) -> int:
    last = call.headers.get(b"last-event-id", b"")
    return int(last) if last.isdigit() and len(last) < 20 else call.input.start
