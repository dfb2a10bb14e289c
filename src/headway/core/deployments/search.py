"""Searching deployments of every type: newest first, each answer within a bound of what it looks at.

A search walks an index that its filters or the caller's reach name, from the newest entry on, and looks at each row for
the rest. What it has not looked at when the time is up it leaves to the next call, and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, func, or_, select

from headway.core.access.policy import Visibility
from headway.core.deployments.list_queries import BUILT_THERE, Page, Part, branches, is_given
from headway.core.deployments.model import SubjectType, Trigger
from headway.core.deployments.status import Reason, Status
from headway.core.deployments.subjects import SERVICES
from headway.core.deployments.summary import COLUMNS, Listed, deployment_rows, in_one_value, listed
from headway.infra.db.tables.deployments import BUILT_ELSEWHERE, deployments
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

ROWS_OF_A_LOOK = 250  # of the first one; each further one looks at twice as many
MOST_COUNTED = 5_000  # rows looked at, of each walk
_BEYOND = 1 << 62

_c = deployment_rows.c
_TEXTS = (_c.title, _c.description, _c.commit_message, _c.error_message, _c.commit_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is searched for; of several words each must stand in one of the texts, of a set of statuses, reasons,
    triggers or kinds one must be the row's. ``branch`` is that of the commit, ``asker`` the id or the name of who asked
    for it, both as they were then. ``since`` is the first moment of creation, ``until`` the first that is too
    late. ``subject_id`` comes with its type; ``services`` are the applications and compose services of the environment.
    """

    subject_type: SubjectType | None = None
    subject_id: str | None = None
    statuses: frozenset[Status] = frozenset()
    reasons: frozenset[Reason] = frozenset()
    triggers: frozenset[Trigger] = frozenset()
    kinds: frozenset[str] = frozenset()
    branch: str | None = None
    asker: str | None = None
    server_id: str | None = None
    project_id: str | None = None
    environment_id: str | None = None
    services: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows match, by status; with ``at_least`` only so many were counted, and there may be more."""

    by_status: Mapping[str, int]
    at_least: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Part):
    """A page of matches. ``looked_back_to`` is given where the page is not full and there is more to look at: the
    creation (in microseconds) of the oldest row that was looked at.
    """

    looked_back_to: int | None = None
    counts: Counts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """An index, by its columns and their values, and by name what each row that it leads to must fulfil beside. Walks
    of one search never meet the same row.
    """

    along: tuple[str, ...]
    values: Mapping[str, Any]
    beside: tuple[str, ...] = ()


class _Look(NamedTuple):
    """Rows of a walk; it has looked at all down to ``reached``, or at all there are (None)."""

    rows: Sequence[Listed]
    reached: int | None


class _Bounds(NamedTuple):
    """Where a look begins, how many matches it may find and how many rows it may look at."""

    before: int
    most: int
    looked_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """A search as statements need it: its walks, and the values of all that they ask for."""

    walks: Sequence[_Walk]
    given: Mapping[str, Any]
    words: int
    before: int
    floor: int

    def values(self, walk: _Walk, **more: int) -> dict[str, Any]:
        return {**self.given, **walk.values, "before": self.before, "floor": self.floor, **more}


def search(
    tx: Tx,
    organization_id: str,
    reach: Visibility,
    filters: Filters,
    page: Page,
    *,
    time_is_up: Callable[[], bool],
    rows_of_a_look: int = ROWS_OF_A_LOOK,
) -> Found:
    """Matches as far as the reach goes; ``page.limit`` is given. When the time is up it ends with what it has, after
    one look at the least.
    """
    asked = _prepared(tx, organization_id, reach, filters)
    limit, rows = page.limit or 0, list[Listed]()
    before = asked.before if page.before is None else min(asked.before, page.before)
    looked_at = rows_of_a_look
    while True:
        bounds = _Bounds(before=before, most=limit + 1, looked_at=looked_at)
        looks = [_look(tx, asked, walk, bounds) for walk in asked.walks]
        reached = max((look.reached for look in looks if look.reached is not None), default=None)
        rows += sorted((row for look in looks for row in look.rows if row.seq >= (reached or 0)), reverse=True)
        if len(rows) > limit:
            return Found(rows=rows[:limit], next=rows[limit - 1].seq)
        if reached is None or time_is_up():
            return Found(rows=rows, next=reached, looked_back_to=_created_at(tx, reached))
        before, looked_at = reached, looked_at * 2


def count(tx: Tx, organization_id: str, reach: Visibility, filters: Filters) -> Counts:
    """How many match in all, as far as the reach goes."""
    asked = _prepared(tx, organization_id, reach, filters)
    found: Counter[str] = Counter({status.value: 0 for status in Status})
    at_least = False
    for walk in asked.walks:
        edge = _edge(tx, asked, walk, asked.before, MOST_COUNTED)
        at_least = at_least or edge is not None
        statement = _counting(walk.along, walk.beside, asked.words, postgres=tx.postgres)
        floor = asked.floor if edge is None else edge
        found.update({row.status: row.number for row in tx.execute(statement, asked.values(walk, floor=floor))})
    return Counts(by_status=found, at_least=at_least)


def _look(tx: Tx, asked: _Search, walk: _Walk, bounds: _Bounds) -> _Look:
    edge = _edge(tx, asked, walk, bounds.before, bounds.looked_at) if walk.beside else None
    statement = _matching(walk.along, walk.beside, asked.words, postgres=tx.postgres)
    values = asked.values(walk, before=bounds.before, floor=asked.floor if edge is None else edge, most=bounds.most)
    rows = listed(tx, statement, values)
    return _Look(rows=rows, reached=rows[-1].seq if len(rows) == bounds.most else edge)


def _edge(tx: Tx, asked: _Search, walk: _Walk, before: int, rows: int) -> int | None:
    """The entry of a walk behind which so many have been looked at; None where there are no more than that."""
    values = asked.values(walk, before=before, others=rows - 1)
    found: int | None = tx.scalar(_edge_of(walk.along), values)
    return found


def _created_at(tx: Tx, seq: int | None) -> int | None:
    found: int | None = None if seq is None else tx.scalar(_CREATED_AT, {"seq": seq})
    return found


# What to walk along, and what to look at beside.


def _prepared(tx: Tx, organization_id: str, reach: Visibility, filters: Filters) -> _Search:
    # createdAt never runs backwards, so a time is a place in the order.
    floor = 0 if filters.since is None else _first_from(tx, filters.since)
    before = _BEYOND if filters.until is None else _first_from(tx, filters.until)
    given = {
        "organization_id": organization_id,
        "subject_type": filters.subject_type,
        "subject_id": filters.subject_id,
        "server_id": filters.server_id,
        "project_id": filters.project_id,
        "statuses": sorted(filters.statuses),
        "reasons": sorted(filters.reasons),
        "triggers": sorted(filters.triggers),
        "kinds": sorted(filters.kinds),
        "branch": filters.branch,
        "asker": filters.asker,
        "environment": sorted(filters.services),
        "projects": sorted(reach.projects),
        "services": sorted(reach.services),
        "within": sorted(reach.within or ()),
    } | {f"word{number}": f"%{_escaped(word)}%" for number, word in enumerate(filters.words)}
    walks = _walks(organization_id, reach, filters)
    return _Search(walks=walks, given=given, words=len(filters.words), before=before, floor=floor)


def _walks(organization_id: str, reach: Visibility, filters: Filters) -> list[_Walk]:
    wanted = _wanted(reach, filters)
    bounded = not reach.everything
    if filters.subject_id is not None:
        return [_walk(wanted, subject_type=filters.subject_type, subject_id=filters.subject_id)]
    if filters.server_id is not None:
        beside = tuple(sorted(wanted - {"server_id"}))
        built = _Walk(along=(BUILT_THERE,), values={"host_id": filters.server_id}, beside=beside)
        return [_walk(wanted, server_id=filters.server_id), built]
    if filters.project_id is not None:
        return [_walk(wanted, project_id=filters.project_id)]
    if bounded:
        wanted = wanted - {"reach"}
        return [
            _walk(wanted | (set() if "project_id" in names else {"elsewhere"}), **values)
            for names, values in branches(reach)
            if filters.subject_type in {None, values.get("subject_type", filters.subject_type)}
        ]
    statuses = filters.statuses or ({Status.ERROR} if filters.reasons else set())
    if statuses:
        return [_walk(wanted - {"statuses"}, organization_id=organization_id, status=each) for each in sorted(statuses)]
    return [_walk(wanted, organization_id=organization_id)]


def _wanted(reach: Visibility, filters: Filters) -> set[str]:
    """All that a row must fulfil, by name."""
    conditions = {
        "organization_id": True,
        "subject_type": filters.subject_type is not None,
        "server_id": filters.server_id is not None,
        "project_id": filters.project_id is not None,
        "statuses": bool(filters.statuses),
        "reasons": bool(filters.reasons),
        "triggers": bool(filters.triggers),
        "kinds": bool(filters.kinds),
        "branch": filters.branch is not None,
        "asker": filters.asker is not None,
        "environment": filters.environment_id is not None,
        "words": bool(filters.words),
        "reach": not reach.everything,
        "within": reach.within is not None,
    }
    return {name for name, given in conditions.items() if given}


def _walk(wanted: set[str], **values: Any) -> _Walk:  # noqa: ANN401 - columns' values
    return _Walk(along=tuple(values), values=values, beside=tuple(sorted(wanted - values.keys())))


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# The statements, each built once for each form: to build one anew takes as long as a database takes to answer it.


@cache
def _edge_of(along: tuple[str, ...]) -> Select[Any]:
    return select(_c.seq).where(*_along(along)).order_by(_c.seq.desc()).limit(1).offset(bindparam("others"))


@cache
def _matching(along: tuple[str, ...], beside: tuple[str, ...], words: int, *, postgres: bool) -> Select[Any]:
    conditions = (*_along(along), *_beside(beside, words, postgres=postgres))
    statement = select(*COLUMNS).where(*conditions).order_by(_c.seq.desc()).limit(bindparam("most"))
    return statement if postgres else in_one_value(statement)


@cache
def _counting(along: tuple[str, ...], beside: tuple[str, ...], words: int, *, postgres: bool) -> Select[Any]:
    conditions = (*_along(along), *_beside(beside, words, postgres=postgres))
    return select(_c.status, func.count().label("number")).where(*conditions).group_by(_c.status)


def _along(names: tuple[str, ...]) -> tuple[ColumnElement[bool], ...]:
    between = (_c.seq < bindparam("before"), _c.seq >= bindparam("floor"))
    return (*(is_given(name) for name in names), *between)


def _beside(names: tuple[str, ...], words: int, *, postgres: bool) -> list[ColumnElement[bool]]:
    conditions = {
        "organization_id": _plain("organization_id") == bindparam("organization_id"),
        "subject_type": _plain("subject_type") == bindparam("subject_type"),
        "server_id": or_(
            _plain("server_id") == bindparam("server_id"),
            and_(_plain("host_id") == bindparam("server_id"), BUILT_ELSEWHERE),
        ),
        "project_id": _plain("project_id") == bindparam("project_id"),
        "statuses": _plain("status").in_(_several("statuses")),
        "reasons": _plain("reason").in_(_several("reasons")),
        "triggers": _plain("trigger").in_(_several("triggers")),
        "kinds": _plain("kind").in_(_several("kinds")),
        "branch": _plain("commit_branch") == bindparam("branch"),
        "asker": or_(_plain("triggered_by") == bindparam("asker"), _plain("triggered_by_name") == bindparam("asker")),
        "environment": and_(_is_service(), _plain("subject_id").in_(_several("environment"))),
        "reach": or_(
            _plain("project_id").in_(_several("projects")),
            and_(_is_service(), _plain("subject_id").in_(_several("services"))),
        ),
        "elsewhere": func.coalesce(_c.project_id, "").not_in(_several("projects")),
        "within": _plain("project_id").in_(_several("within")),
        "words": and_(True, *(_holds(number, postgres=postgres) for number in range(words))),  # noqa: FBT003 - SQL's
    }
    return [conditions[name] for name in names]


def _plain(name: str) -> ColumnElement[str]:
    """A column that no index is chosen by: SQLite would leave the walk for one that leads to half the table."""
    return _c[name].concat("")


def _several(name: str) -> Any:  # noqa: ANN401 - a parameter of unknown length
    return bindparam(name, expanding=True)


def _is_service() -> ColumnElement[bool]:
    return _plain("subject_type").in_(SERVICES)


def _holds(number: int, *, postgres: bool) -> ColumnElement[bool]:
    # SQLite's LIKE knows no capitals of ASCII; its lower() would take twice the time.
    word: BindParameter[str] = bindparam(f"word{number}")
    return or_(*(text.ilike(word, escape="\\") if postgres else text.like(word, escape="\\") for text in _TEXTS))


def _first_from(tx: Tx, moment: datetime) -> int:
    """The first row that was created at this moment or later."""
    found: int | None = tx.scalar(_FIRST_FROM, {"moment": moment})
    return _BEYOND if found is None else found


_CREATED_AT = select(_c.created_at).where(_c.seq == bindparam("seq"))
_FIRST_FROM = (
    select(deployments.c.seq)
    .where(deployments.c.created_at >= bindparam("moment", type_=deployments.c.created_at.type))
    .order_by(deployments.c.created_at, deployments.c.seq)
    .limit(1)
)
