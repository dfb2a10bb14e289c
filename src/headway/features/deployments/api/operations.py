"""``deployment.*``: look, follow, end and remove, beside the lists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from headway.api.inputs import MOST, Input
from headway.api.operation import Call, File, Stream
from headway.api.router import Router
from headway.core.access.model import Actor, Role, Scope
from headway.core.access.policy import Noun, Permission
from headway.core.deployments.model import Deployment
from headway.core.deployments.queries import DeploymentReader
from headway.core.deployments.service import DeploymentService
from headway.core.deployments.status import Status
from headway.core.deployments.waiters import Goal, Waiters
from headway.features.deployments.api.lists import rows_of
from headway.features.deployments.api.log_rows import FoundRow, found_row
from headway.features.deployments.api.rows import DeploymentRow, WaitedRow
from headway.infra.logs.download import OpenedLog
from headway.infra.logs.search import Search
from headway.kernel.dataclass import dataclass

LONGEST_WAIT_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentNeeds:
    """What these operations need. ``follow`` opens a follower of a deployment's log from a byte on, ``download`` hands
    out a log and ``plain_download`` one without colours: how their answers are sent their transport says.
    """

    awaiting: Waiters
    deployment_reads: DeploymentReader
    deployments: DeploymentService
    download: Callable[[Deployment, OpenedLog, Mapping[bytes, bytes]], File]
    plain_download: Callable[[Deployment, OpenedLog], File]
    follow: Callable[[Actor, Permission, str, int], Awaitable[Stream]]


router = Router[DeploymentNeeds](
    "deployment", "List, look at, follow, end and remove deployments", resource=Noun.DEPLOYMENT
)


class DeploymentById(Input):
    deployment_id: Annotated[str, Field(min_length=1)]


class Wait(DeploymentById):
    """Waits for at most ``timeout`` seconds ``until`` it has ended, or runs (or has run); who is answered before that
    calls again.
    """

    timeout: Annotated[float, Field(ge=0, le=LONGEST_WAIT_SECONDS)] = 30
    until: Literal["ended", "running"] = "ended"


class ReadDeploymentLogs(DeploymentById):
    tail: Annotated[int, Field(ge=1, le=10_000)] = 100


class SearchLog(DeploymentById):
    """``from`` is the byte of the log to begin at: zero, or the ``nextOffset`` of the search before."""

    text: Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\r\n]*$")]
    start: Annotated[int, Field(ge=0, le=MOST, alias="from")] = 0
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    ignore_case: bool = False


class LogDownload(DeploymentById):
    """``plain`` leaves out colours and all else that is meant for terminals; no range can be asked for then."""

    plain: bool = False


class FollowInput(DeploymentById):
    """``from`` is the byte of the log to begin at; ``Last-Event-ID``, sent by a reader that comes back, goes before."""

    start: Annotated[int, Field(ge=0, le=MOST, alias="from")] = 0


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(needs: DeploymentNeeds, call: Call[DeploymentById]) -> DeploymentRow:
    """A deployment with its steps."""
    part = await needs.deployment_reads.one(call.actor, call.permission, call.input.deployment_id)
    return rows_of(part, pending_as_running=call.actor.terms.pending_as_running)[0]


@router.query("follow", least=Role.MEMBER, scope=Scope.READ)
async def follow(needs: DeploymentNeeds, call: Call[FollowInput]) -> Stream:
    """Log, steps and status as server-sent events."""
    return await needs.follow(call.actor, call.permission, call.input.deployment_id, _resumed(call))


@router.query("wait", least=Role.MEMBER, scope=Scope.READ)
async def wait(needs: DeploymentNeeds, call: Call[Wait]) -> WaitedRow:
    """A deployment once it has ended, or the time is up."""
    given, goal = call.input, Goal(call.input.until)
    part = await needs.awaiting.wait(call.actor, call.permission, given.deployment_id, goal, given.timeout)
    status = Status(part.rows[0].status)
    row = rows_of(part, pending_as_running=call.actor.terms.pending_as_running)[0]
    return {"reached": goal.reached_by(status), "ended": status.ended, "deployment": row}


@router.query("readLogs", least=Role.MEMBER, scope=Scope.READ)
async def read_logs(needs: DeploymentNeeds, call: Call[ReadDeploymentLogs]) -> str:
    """The last lines of a deployment's log."""
    return await needs.deployments.read_log(call.actor, call.permission, call.input.deployment_id, call.input.tail)


@router.query("searchLog", least=Role.MEMBER, scope=Scope.READ)
async def search_log(needs: DeploymentNeeds, call: Call[SearchLog]) -> FoundRow:
    """Where a text stands in a deployment's log."""
    given = call.input
    search = Search(text=given.text, offset=given.start, limit=given.limit, ignore_case=given.ignore_case)
    return found_row(await needs.deployments.search_log(call.actor, call.permission, given.deployment_id, search))


@router.query("log", least=Role.MEMBER, scope=Scope.READ)
async def log(needs: DeploymentNeeds, call: Call[LogDownload]) -> File:
    """A deployment's log as a file, whole or a range of it."""
    deployment, opened = await needs.deployments.open_log(call.actor, call.permission, call.input.deployment_id)
    if call.input.plain:
        return needs.plain_download(deployment, opened)
    return needs.download(deployment, opened, call.headers)


@router.mutation("killProcess", least=Role.MEMBER, scope=Scope.KILL)
async def kill(needs: DeploymentNeeds, call: Call[DeploymentById]) -> None:
    """Kill a running deployment."""
    await needs.deployments.kill(call.actor, call.permission, call.input.deployment_id)


@router.mutation("cancel", least=Role.MEMBER, scope=Scope.KILL)
async def cancel(needs: DeploymentNeeds, call: Call[DeploymentById]) -> None:
    """End a waiting or running deployment gently."""
    await needs.deployments.cancel(call.actor, call.permission, call.input.deployment_id)


@router.mutation("removeDeployment", least=Role.MEMBER, scope=Scope.REMOVE)
async def remove(needs: DeploymentNeeds, call: Call[DeploymentById]) -> DeploymentRow:
    """Remove record and log."""
    removed = await needs.deployments.remove(call.actor, call.permission, call.input.deployment_id)
    return rows_of(removed, pending_as_running=False)[0]


def _resumed(call: Call[FollowInput]) -> int:
    last = call.headers.get(b"last-event-id", b"")
    return int(last) if last.isdigit() and len(last) < 20 else call.input.start
