"""How deployments went, day by day: how many ended in which way, how long they waited and took, and how long it was
until a failure was mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Select, bindparam, func, select

from headway.core.access.policy import Visibility
from headway.core.deployments.list_queries import BUILT_THERE, branches, is_given, within
from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import ON_REQUEST, Status
from headway.core.deployments.subjects import SERVICES
from headway.core.deployments.summary import deployment_rows, in_one_value
from headway.core.deployments.usual_times import Span, milliseconds, span_of
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

MOST_DAYS = 90
MOST_COUNTED = 10_000  # of the newest, of each way to them
# What is deployed for itself; the other types are runs for something, and are counted where that is asked for.
_TYPES = (*SERVICES, SubjectType.PREVIEW.value)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Ended(NamedTuple):
    """A deployment that has ended, as far as figures are made of it. Times are microseconds since 1970."""

    seq: int
    organization_id: str
    project_id: str | None
    subject_type: str
    subject_id: str
    status: str
    reason: str | None
    created_at: int
    started_at: int | None
    finished_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresFilter:
    """Of which deployments figures are made: of a subject, of a project, of a server, or of all services and previews
    (what else has deployments is counted where it is asked for by its id).
    """

    subject_type: SubjectType | None = None
    subject_id: str | None = None
    project_id: str | None = None
    server_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFigures:
    """How many were done, have failed, and were ended on request; how long those took that were done, how long those
    had waited that began, and how long it was from the first failure until the next one of the same subject was done.
    None of what was not.
    """

    done: int
    failed: int
    on_request: int
    took: Span | None
    waited: Span | None
    restored: Span | None

    @property
    def failure_rate(self) -> float | None:
        """Which part of those failed that nobody ended; None where there is none."""
        judged = self.done + self.failed
        return self.failed / judged if judged else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFigures:
    """Those of each day in UTC, the oldest first, and of all of them. Where more have ended than are counted, the
    oldest that is was created at ``counted_from`` (in microseconds).
    """

    days: Mapping[date, PeriodFigures]
    total: PeriodFigures
    counted_from: int | None = None


def read_figures(
    tx: Tx, organization_id: str, reach: Visibility, wanted: FiguresFilter, *, last: date, days: int
) -> DeploymentFigures:
    """Of those that ended on these days, as far as the reach goes. ``last`` is the last day."""
    since = datetime.combine(last, datetime.min.time(), UTC) - _DAY * (days - 1)
    floor = tx.scalar(_FIRST_FROM, {"moment": since - _DAY})  # what ended then may have waited since the day before
    found = set[Ended]()
    counted_from: int | None = None
    for along, values in _walks(organization_id, reach, wanted) if floor is not None else ():
        given = {**values, "floor": floor, "types": _TYPES}
        rows = _rows(tx, along, given, all_types=wanted.subject_id is not None)
        if len(rows) > MOST_COUNTED:
            counted_from = max(counted_from or 0, rows[MOST_COUNTED - 1].created_at)
        found.update(rows[:MOST_COUNTED])
    known = [row for row in found if within(reach, row, organization_id) and _is_of(row, wanted)]
    if counted_from is not None:
        known = [row for row in known if row.created_at >= counted_from]
    return figures_of(known, since.date(), days, counted_from)


def figures_of(rows: Iterable[Ended], first: date, days: int, counted_from: int | None = None) -> DeploymentFigures:
    """The figures of these deployments, in whatever order they come, from the first day on."""
    by_day = {first + _DAY * number: _Tally() for number in range(days)}
    total, failing = _Tally(), dict[tuple[str, str], int]()
    for row in sorted(rows, key=lambda row: (row.finished_at, row.seq)):
        day = by_day.get((_EPOCH + timedelta(microseconds=row.finished_at)).date())
        if day is not None:
            restored = _restored(row, failing)
            for tally in (day, total):
                tally.add(row, restored)
    figures = {day: tally.figures() for day, tally in by_day.items()}
    return DeploymentFigures(days=figures, total=total.figures(), counted_from=counted_from)


@dataclass(slots=True)
class _Tally:
    """What is counted of a day, or of all."""

    done: int = 0
    failed: int = 0
    on_request: int = 0
    took: list[int] = field(default_factory=list)
    waited: list[int] = field(default_factory=list)
    restored: list[int] = field(default_factory=list)

    def add(self, row: Ended, restored: int | None) -> None:
        began, is_done = row.started_at, row.status == Status.DONE
        if is_done:
            self.done += 1
        elif row.reason in ON_REQUEST:
            self.on_request += 1
        else:
            self.failed += 1
        if began is not None:
            self.waited.append(milliseconds(row.created_at, began))
        if began is not None and is_done:
            self.took.append(milliseconds(began, row.finished_at))
        if restored is not None:
            self.restored.append(restored)

    def figures(self) -> PeriodFigures:
        took, waited, restored = (span_of(each, least=1) for each in (self.took, self.waited, self.restored))
        return PeriodFigures(
            done=self.done,
            failed=self.failed,
            on_request=self.on_request,
            took=took,
            waited=waited,
            restored=restored,
        )


def _restored(row: Ended, failing: dict[tuple[str, str], int]) -> int | None:
    """How long its subject had failed, of one that mends that; notes since when it fails, of the first that does."""
    subject = (row.subject_type, row.subject_id)
    if row.status == Status.DONE:
        since = failing.pop(subject, None)
        return None if since is None else milliseconds(since, row.finished_at)
    if row.reason not in ON_REQUEST:
        failing.setdefault(subject, row.finished_at)
    return None


def _walks(
    organization_id: str, reach: Visibility, wanted: FiguresFilter
) -> Sequence[tuple[tuple[str, ...], Mapping[str, str]]]:
    """The columns and values, each with an index, that together hold all that may be wanted."""
    if wanted.subject_id is not None:
        subject = {"subject_type": str(wanted.subject_type), "subject_id": wanted.subject_id}
        return [(("subject_type", "subject_id"), subject)]
    if wanted.server_id is not None:
        server_id = wanted.server_id
        return [(("server_id",), {"server_id": server_id}), ((BUILT_THERE,), {"host_id": server_id})]
    if wanted.project_id is not None:
        return [(("project_id",), {"project_id": wanted.project_id})]
    if reach.everything:
        return [(("organization_id",), {"organization_id": organization_id})]
    return list(branches(reach))


def _is_of(row: Ended, wanted: FiguresFilter) -> bool:
    return wanted.project_id is None or row.project_id == wanted.project_id


def _rows(tx: Tx, along: tuple[str, ...], given: Mapping[str, Any], *, all_types: bool) -> list[Ended]:
    """The newest, and one more than is counted where there are so many."""
    statement = _statement(along, all_types=all_types, postgres=tx.postgres)
    found = tx.execute(statement, given).all() if tx.postgres else from_json(tx.scalar(statement, given))
    return [*map(Ended._make, found)]


@cache
def _statement(along: tuple[str, ...], *, all_types: bool, postgres: bool) -> Select[Any]:
    """Built once for each form: to build one anew takes as long as a database takes to answer it."""
    # By what is asked beside the walk no index is to be chosen: SQLite would leave it for one that leads to much more.
    has_ended = func.coalesce(_c.finished_at, 0) > 0
    conditions = [*(is_given(name) for name in along), _c.seq >= bindparam("floor"), has_ended]
    if not all_types:
        conditions.append(_c.subject_type.concat("").in_(bindparam("types", expanding=True)))
    columns = [_c[name] for name in Ended._fields]
    statement = select(*columns).where(*conditions).order_by(_c.seq.desc()).limit(MOST_COUNTED + 1)
    return statement if postgres else in_one_value(statement)


_c = deployment_rows.c
_FIRST_FROM = (
    select(deployments.c.seq)
    .where(deployments.c.created_at >= bindparam("moment", type_=deployments.c.created_at.type))
    .order_by(deployments.c.created_at, deployments.c.seq)
    .limit(1)
)
