"""``deployment.strip``: the newest deployments of one subject, of each no more than a bar of a picture shows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic_core import to_json
from typing_extensions import TypedDict

from headway.api.inputs import Input
from headway.api.operation import Call, Ready
from headway.api.router import Router
from headway.api.rows import instant
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.list_queries import Page, Part
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader, View
from headway.core.deployments.status import Status
from headway.core.deployments.summary import Listed
from headway.features.deployments.api.lists import SubjectTypeName, ready
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

MOST_BARS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStripNeeds:
    """What this operation needs."""

    deployment_reads: DeploymentReader


router = Router[DeploymentStripNeeds]("deployment", resource=Noun.DEPLOYMENT)


class BarRow(TypedDict):
    """A deployment as a bar: how it ended or stands, and how long it ran (null while it does, and where it never
    began).
    """

    deploymentId: str
    title: str
    kind: str
    status: Literal["pending", "running", "done", "error"]
    reason: str | None
    unstable: bool
    createdAt: str
    startedAt: str | None
    finishedAt: str | None
    killRequestedAt: str | None
    outOfReachSince: str | None
    durationMs: int | None


class StripOf(Input):
    """Whose deployments, as ``allByType`` is asked, and how many of the newest."""

    id: Annotated[str, Field(min_length=1)]
    type: Literal[SubjectTypeName, "database"]
    limit: Annotated[int, Field(ge=1, le=MOST_BARS)] = MOST_BARS


@router.query("strip", least=Role.MEMBER, scope=Scope.READ)
async def strip(needs: DeploymentStripNeeds, call: Call[StripOf]) -> Ready[list[BarRow]]:
    """The newest deployments of whatever has deployments, as bars: how each ended, and how long it took."""
    given, masked = call.input, call.actor.terms.pending_as_running

    def encode(_tx: Tx, part: Part) -> bytes:
        return to_json([_bar(row, pending_as_running=masked) for row in part.rows])

    view: View[Part] = View(name=("strip", masked), encode=encode)
    page = Page(limit=given.limit)
    reads = needs.deployment_reads
    found = await reads.all_of(call.actor, call.permission, SubjectType(given.type), given.id, page=page, view=view)
    return ready(found)


def _bar(row: Listed, *, pending_as_running: bool) -> BarRow:
    began, ended = row.started_at, row.finished_at
    return {
        "deploymentId": row.deployment_id,
        "title": row.title,
        "kind": row.kind,
        "status": "running" if pending_as_running and row.status == Status.PENDING else row.status,  # type: ignore[typeddict-item]
        "reason": row.reason,
        "unstable": bool(row.unstable),
        "createdAt": instant(row.created_at),
        "startedAt": instant(began),
        "finishedAt": instant(ended),
        "killRequestedAt": instant(row.kill_requested_at),
        "outOfReachSince": instant(row.out_of_reach_since),
        "durationMs": None if began is None or ended is None else (ended - began + 500) // 1000,
    }
