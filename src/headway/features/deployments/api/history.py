"""``deployment.*``: what the past of a service tells of one of its deployments."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Ids, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.api.rows import instant
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.history import DeploymentHistory, Outlook
from headway.core.deployments.past_failures import PastFailures
from headway.core.deployments.summary import Listed
from headway.core.deployments.usual_times import Span
from headway.kernel.dataclass import dataclass

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentHistoryNeeds:
    """What these operations need."""

    history: DeploymentHistory


router = Router[DeploymentHistoryNeeds]("deployment", resource=Noun.DEPLOYMENT)


class SpanRow(TypedDict):
    """How long something takes: half of ``number`` times no longer than ``p50Ms``, nineteen of twenty no longer than
    ``p95Ms``.
    """

    number: int
    p50Ms: int
    p95Ms: int


class StepSpanRow(SpanRow):
    """How long a step takes."""

    name: str


class UsualSpanRow(SpanRow):
    """How long deployments like this one take."""

    deploymentId: str


class ExpectedStartRow(TypedDict):
    """When a deployment that waits is expected to begin."""

    deploymentId: str
    expectedStart: str


class BehindRow(TypedDict):
    """What goes before a waiting deployment. ``expectedEnd`` is null where it cannot be told."""

    deploymentId: str
    title: str
    status: Literal["pending", "running", "done", "error"]
    expectedEnd: str | None


class UsualRow(TypedDict):
    """What is usual of the last ``number`` deployments (20 at most) of the same service, kind and host that were done.
    ``total`` is null, and a step is missing, where fewer than five tell. ``expectedEnd`` is of what runs when it
    usually ends, ``latestEnd`` when it nearly always has; ``expectedStart`` of what waits when it is expected to begin,
    ``behind`` what goes before it (with ``behindOthers`` more, or that the caller may not see). Each is null where it
    cannot be told.
    """

    deploymentId: str
    number: int
    total: SpanRow | None
    steps: list[StepSpanRow]
    expectedEnd: str | None
    latestEnd: str | None
    expectedStart: str | None
    behind: list[BehindRow]
    behindOthers: int


class PastRow(TypedDict):
    """Another deployment of the same service, as the past of one names it."""

    deploymentId: str
    title: str
    commit: str | None
    createdAt: str
    finishedAt: str | None


class SameFailuresRow(TypedDict):
    """Failures before this one with the same message, but for numbers, hashes, ids and paths: ``number`` of
    ``lookedAt`` deployments (``atLeast``: there are older ones that were not looked at), the ``first`` and the ``last``
    of them. ``wentAwayAfter`` is the first that was done behind the last of them and before this one, ``mendedBy`` the
    first that was done behind this one; null where none was, and for a deployment that has not failed.
    """

    number: int
    lookedAt: int
    atLeast: bool
    first: PastRow | None
    last: PastRow | None
    wentAwayAfter: PastRow | None
    mendedBy: PastRow | None


class OneDeployment(Input):
    deployment_id: Annotated[str, Field(min_length=1)]


class SomeDeployments(Input):
    """What the caller may not see, or is gone, is left out of the answer."""

    deployment_ids: Annotated[Ids, Field(max_length=MOST_AT_ONCE)]


@router.query("usual", least=Role.MEMBER, scope=Scope.READ)
async def usual(needs: DeploymentHistoryNeeds, call: Call[OneDeployment]) -> UsualRow:
    """How long a deployment and its steps usually take, and when it is expected to end or to begin."""
    outlook = await needs.history.outlook(call.actor, call.permission, call.input.deployment_id)
    return _usual_row(outlook, masked=call.actor.terms.pending_as_running)


@router.query("usualDurations", least=Role.MEMBER, scope=Scope.READ)
async def usual_durations(needs: DeploymentHistoryNeeds, call: Call[SomeDeployments]) -> list[UsualSpanRow]:
    """How long each of some deployments usually takes, of those of which enough is known."""
    found = await needs.history.usual_of(call.actor, call.input.deployment_ids)
    return [{"deploymentId": id_, **_span(span)} for id_, span in found.items()]


@router.query("expectedStarts", least=Role.MEMBER, scope=Scope.READ)
async def expected_starts(needs: DeploymentHistoryNeeds, call: Call[SomeDeployments]) -> list[ExpectedStartRow]:
    """When each of some deployments that wait is expected to begin, of those of which that can be told."""
    found = await needs.history.starts_of(call.actor, call.input.deployment_ids)
    return [{"deploymentId": id_, "expectedStart": instant(start)} for id_, start in found.items()]


@router.query("sameFailures", least=Role.MEMBER, scope=Scope.READ)
async def same_failures(needs: DeploymentHistoryNeeds, call: Call[OneDeployment]) -> SameFailuresRow:
    """How often a service has failed in the same way before, since when, and after what that went away."""
    return _failures_row(await needs.history.failures(call.actor, call.permission, call.input.deployment_id))


def _usual_row(outlook: Outlook, *, masked: bool) -> UsualRow:
    times, (end, latest) = outlook.times, outlook.ends or (None, None)
    return {
        "deploymentId": outlook.row.deployment_id,
        "number": times.number,
        "total": None if times.total is None else _span(times.total),
        "steps": [{"name": name, **_span(span)} for name, span in times.steps.items()],
        "expectedEnd": instant(end),
        "latestEnd": instant(latest),
        "expectedStart": instant(outlook.start),
        "behind": [
            {
                "deploymentId": row.deployment_id,
                "title": row.title,
                "status": "running" if masked else row.status,  # type: ignore[typeddict-item]
                "expectedEnd": instant(end),
            }
            for row, end in outlook.behind
        ],
        "behindOthers": outlook.unseen,
    }


def _failures_row(found: PastFailures) -> SameFailuresRow:
    same = found.same
    return {
        "number": len(same),
        "lookedAt": found.looked_at,
        "atLeast": not found.all,
        "first": _past(same[-1]) if same else None,
        "last": _past(same[0]) if same else None,
        "wentAwayAfter": None if found.went_away_after is None else _past(found.went_away_after),
        "mendedBy": None if found.mended_by is None else _past(found.mended_by),
    }


def _past(row: Listed) -> PastRow:
    return {
        "deploymentId": row.deployment_id,
        "title": row.title,
        "commit": row.commit_hash,
        "createdAt": instant(row.created_at),
        "finishedAt": instant(row.finished_at),
    }


def _span(span: Span) -> SpanRow:
    return {"number": span.number, "p50Ms": span.p50, "p95Ms": span.p95}
