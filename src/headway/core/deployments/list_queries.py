"""Reads of many deployments at once: a page at a time, found by an index whatever the table holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import cache
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Select, and_, bindparam, literal_column, select

from headway.core.access.policy import Visibility
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queue_position import Wait, waits_of
from headway.core.deployments.rollback_targets import Left
from headway.core.deployments.subjects import SERVICES
from headway.core.deployments.summary import (
    COLUMNS,
    Listed,
    ListedStep,
    deployment_rows,
    in_one_value,
    listed,
    step_rows,
)
from headway.infra.db.tables.deployments import BUILT_ELSEWHERE, PENDING, RUNNING
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

MOST_ROWS = 1_000  # of one page; a list without a limit of its own may be longer
_IDS_AT_A_TIME = 1_000  # a statement takes no more than some ten thousand parameters
BUILT_THERE = "built there"  # in the place of a column: on a host where it is not released


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list: at most ``limit`` rows (None: all) that are older than the row ``before``."""

    limit: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of a list, newest first; ``next`` is the ``before`` of the next part, None at the end. By deployment:
    ``waits`` says why each that waits does, ``steps`` what its run did, ``works`` the ``type`` of its input, ``left``
    what it left that one can go back to; each where it was asked for.
    """

    rows: Sequence[Listed]
    next: int | None = None
    waits: Mapping[str, Wait] = field(default_factory=dict)
    steps: Mapping[str, Sequence[ListedStep]] = field(default_factory=dict)
    works: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[str, Left] = field(default_factory=dict)


P = TypeVar("P", bound=Part)


class Belonging(Protocol):
    """A row, as far as it decides who may see it."""

    @property
    def organization_id(self) -> str: ...

    @property
    def project_id(self) -> str | None: ...

    @property
    def subject_type(self) -> str: ...

    @property
    def subject_id(self) -> str: ...


_c = deployment_rows.c
_NEWEST_FIRST = select(*COLUMNS).order_by(_c.seq.desc())


def of_subject(tx: Tx, subject_type: SubjectType, subject_id: str, page: Page) -> Part:
    """Deployments of a subject."""
    return _part(tx, ("subject_type", "subject_id"), {"subject_type": subject_type, "subject_id": subject_id}, page)


def of_server(tx: Tx, server_id: str, reach: Visibility, organization_id: str, page: Page) -> Part:
    """Whatever ran on a server, builds for other hosts included, as far as the reach goes."""
    ways = ((("server_id",), {"server_id": server_id}), ((BUILT_THERE,), {"host_id": server_id}))
    part = _together([_part(tx, names, values, page) for names, values in ways], page.limit)
    return replace(part, rows=[row for row in part.rows if within(reach, row, organization_id)])


def of_reach(tx: Tx, organization_id: str, reach: Visibility, page: Page) -> Part:
    """Deployments of an organisation as far as the reach goes."""
    if reach.everything:
        return _part(tx, ("organization_id",), {"organization_id": organization_id}, page)
    part = _together([_part(tx, names, values, page) for names, values in branches(reach)], page.limit)
    return replace(part, rows=[row for row in part.rows if within(reach, row, organization_id)])


def unfinished(tx: Tx, organization_id: str, reach: Visibility) -> list[tuple[Listed, str]]:
    """What waits and what runs as far as the reach goes, newest first, each with the ``type`` of its input."""
    found = [
        (shown, str(row[-1] or "deploy"))
        for statement in _UNFINISHED
        for row in tx.execute(statement).all()
        if within(reach, shown := Listed._make(row[:-1]), organization_id)
    ]
    return sorted(found, reverse=True)


def explained(tx: Tx, part: P) -> P:
    """The part with what rows show beside their columns."""
    steps = steps_of(tx, [row.deployment_id for row in part.rows])
    return replace(part, waits=waits_of(tx, part.rows), steps=steps)


def steps_of(tx: Tx, deployment_ids: Sequence[str]) -> Mapping[str, Sequence[ListedStep]]:
    """The steps of these deployments, each one's in the order in which they began."""
    steps: dict[str, list[ListedStep]] = defaultdict(list)
    for start in range(0, len(deployment_ids), _IDS_AT_A_TIME):
        for row in tx.execute(_STEPS, {"ids": deployment_ids[start : start + _IDS_AT_A_TIME]}).all():
            steps[row[0]].append(ListedStep._make(row[1:]))
    return steps


def branches(reach: Visibility) -> Iterable[tuple[tuple[str, ...], dict[str, str]]]:
    """The columns and values, each with an index, that together hold all a bounded reach may hold."""
    projects = reach.projects if reach.within is None else reach.projects & reach.within
    for project_id in sorted(projects):
        yield ("project_id",), {"project_id": project_id}
    for service_id in sorted(reach.services):
        for kind in SERVICES:
            yield ("subject_type", "subject_id"), {"subject_type": kind, "subject_id": service_id}


def within(reach: Visibility, row: Belonging, organization_id: str) -> bool:
    """Whether a row is one that the reach of a caller of this organisation holds."""
    if row.organization_id != organization_id:
        return False
    if reach.within is not None and row.project_id not in reach.within:
        return False
    is_service = row.subject_type in SERVICES
    return reach.everything or row.project_id in reach.projects or (is_service and row.subject_id in reach.services)


def cut(rows: Sequence[Listed], limit: int | None) -> Part:
    """The first ``limit`` of rows that were asked for with one more, to know whether there is more."""
    if limit is None or len(rows) <= limit:
        return Part(rows=rows)
    return Part(rows=rows[:limit], next=rows[limit - 1].seq)


def _together(parts: Sequence[Part], limit: int | None) -> Part:
    """The newest rows of all parts, each once; there are more where a part has more."""
    rows = sorted({row.seq: row for part in parts for row in part.rows}.values(), reverse=True)
    whole = cut(rows, limit)
    is_more = whole.next is not None or any(part.next is not None for part in parts)
    return replace(whole, next=whole.rows[-1].seq if is_more else None)


def _part(tx: Tx, names: tuple[str, ...], values: dict[str, Any], page: Page) -> Part:
    statement = _statement(names, limited=page.limit is not None, goes_on=page.before is not None, postgres=tx.postgres)
    given = {**values, "most": (page.limit or 0) + 1, "before": page.before}
    return cut(listed(tx, statement, given), page.limit)


@cache
def _statement(names: tuple[str, ...], *, limited: bool, goes_on: bool, postgres: bool) -> Select[Any]:
    """Built once for each form: to build one anew takes as long as a database takes to answer it."""
    statement = _NEWEST_FIRST.where(*(is_given(name) for name in names))
    if goes_on:
        statement = statement.where(_c.seq < bindparam("before"))
    if limited:
        statement = statement.limit(bindparam("most"))
    return statement if postgres else in_one_value(statement)


def is_given(name: str) -> ColumnElement[bool]:
    """That a column is what is given for it by its name."""
    if name == BUILT_THERE:
        return and_(_c.host_id == bindparam("host_id"), BUILT_ELSEWHERE)
    return _c[name] == bindparam(name)


_STEPS = (
    select(step_rows.c.deployment_id, *(step_rows.c[name] for name in ListedStep._fields))
    .where(step_rows.c.deployment_id.in_(bindparam("ids", expanding=True)))
    .order_by(step_rows.c.started_at)
)
_WORK: ColumnElement[str] = literal_column("input ->> 'type'")
# No other condition: few rows wait or run, and for a second one SQLite would go through all of an organisation's.
_UNFINISHED = tuple(select(*COLUMNS, _WORK).where(state) for state in (PENDING, RUNNING))
