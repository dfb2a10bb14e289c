"""``deployment.figures``: how deployments went, day by day and in all."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.problems import invalid
from headway.api.router import Router
from headway.api.rows import instant
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.figures import MOST_DAYS, DeploymentFigures, FiguresFilter, PeriodFigures
from headway.core.deployments.history import DeploymentHistory
from headway.core.deployments.model import SubjectType
from headway.core.deployments.usual_times import Span
from headway.features.deployments.api.history import SpanRow
from headway.features.deployments.api.lists import SubjectTypeName
from headway.kernel.dataclass import dataclass

Id = Annotated[str, Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFiguresNeeds:
    """What this operation needs."""

    history: DeploymentHistory


router = Router[DeploymentFiguresNeeds]("deployment", resource=Noun.DEPLOYMENT)


class FiguresRow(TypedDict):
    """How deployments went. ``failed`` are those that nobody had asked to end, ``onRequest`` those that were cancelled,
    killed or superseded; ``failureRate`` is which part of the first and of those that were done have failed. ``took``
    is how long those ran that were done, ``waited`` how long those stood in the queue that began, ``restored`` how long
    it was from the first failure until the next deployment of the same service was done. Null of what there was none.
    """

    done: int
    failed: int
    onRequest: int
    failureRate: float | None
    took: SpanRow | None
    waited: SpanRow | None
    restored: SpanRow | None


class DayFiguresRow(FiguresRow):
    """How those deployments went that ended on a day in UTC, which is written as 2026-01-31."""

    day: str


class DeploymentFiguresRow(TypedDict):
    """Each day, the oldest first, and all of them together. Where more ended than are counted, the oldest that is was
    created at ``countedFrom``; else that is null.
    """

    days: list[DayFiguresRow]
    total: FiguresRow
    countedFrom: str | None


class FiguresOf(Input):
    """Of which deployments: those of one thing, as ``strip`` is asked, of a project, of a server; of all services and
    previews where nothing is given. ``days`` are the last ones, today among them.
    """

    id: Id | None = None
    type: Literal[SubjectTypeName, "database"] | None = None
    project_id: Id | None = None
    server_id: Id | None = None
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 30

    @property
    def filter(self) -> FiguresFilter:
        """Of which they are asked for. Raises Problem."""
        if (self.id is None) != (self.type is None):
            name, lacks = ("type", "an id") if self.type is None else ("id", "a type")
            message = f"Invalid input: {lacks} needs the {name} of what is meant"
            raise invalid([{"code": "custom", "path": [name], "message": message}])
        return FiguresFilter(
            subject_type=None if self.type is None else SubjectType(self.type),
            subject_id=self.id,
            project_id=self.project_id,
            server_id=self.server_id,
        )


@router.query("figures", least=Role.MEMBER, scope=Scope.READ)
async def figures(needs: DeploymentFiguresNeeds, call: Call[FiguresOf]) -> DeploymentFiguresRow:
    """How deployments went of late.

    How many ended in which way, how long they waited and took, how often they failed, and how long it was until that
    was mended. Of more than 10,000 the newest are counted; those whose records are kept no longer are not.
    """
    found = await needs.history.figures(call.actor, call.input.filter, call.input.days)
    return _row(found)


def _row(found: DeploymentFigures) -> DeploymentFiguresRow:
    return {
        "days": [{"day": day.isoformat(), **_figures(each)} for day, each in found.days.items()],
        "total": _figures(found.total),
        "countedFrom": instant(found.counted_from),
    }


def _figures(each: PeriodFigures) -> FiguresRow:
    rate = each.failure_rate
    return {
        "done": each.done,
        "failed": each.failed,
        "onRequest": each.on_request,
        "failureRate": None if rate is None else round(rate, 4),
        "took": _span(each.took),
        "waited": _span(each.waited),
        "restored": _span(each.restored),
    }


def _span(span: Span | None) -> SpanRow | None:
    return None if span is None else {"number": span.number, "p50Ms": span.p50, "p95Ms": span.p95}
