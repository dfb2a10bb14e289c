"""How long deployments of one service usually take, in all and step by step: what their own past tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from headway.core.deployments.list_queries import steps_of
from headway.core.deployments.status import Status
from headway.core.deployments.summary import Listed, deployment_rows
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

MOST_COUNTED = 20  # of the newest that were done
LEAST_COUNTED = 5  # of fewer nothing is said
_LOOKED_AT = 200  # rows of a subject: of one that fails for long nothing is usual
_HALF, _NEARLY_ALL = 0.5, 0.95


class Span(NamedTuple):
    """How long something takes, in milliseconds: half of the times no longer than ``p50``, of twenty times nineteen no
    longer than ``p95``. ``number`` is of how many this was read.
    """

    number: int
    p50: int
    p95: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualTimes:
    """What is usual of ``number`` deployments that were done; None and nothing of a step where too few tell."""

    number: int = 0
    total: Span | None = None
    steps: Mapping[str, Span] = field(default_factory=dict)


class Alike(NamedTuple):
    """Deployments that can be held against each other: of one subject, of one kind, on one host."""

    subject_type: str
    subject_id: str
    kind: str
    host_id: str

    @staticmethod
    def of(row: Listed) -> Alike:
        """Those that this one is like."""
        return Alike(row.subject_type, row.subject_id, row.kind, row.host_id)


def usual_times(tx: Tx, alike: Alike, *, stepwise: bool = False) -> UsualTimes:
    """What is usual of them, with each of their steps where that is asked for."""
    rows = tx.execute(_DONE, {**alike._asdict(), "done": Status.DONE.value}).all()
    durations = [milliseconds(row.started_at, row.finished_at) for row in rows]
    steps = _spans_of_steps(tx, [row.deployment_id for row in rows]) if stepwise and len(rows) >= LEAST_COUNTED else {}
    return UsualTimes(number=len(rows), total=span_of(durations), steps=steps)


def usual_totals(tx: Tx, wanted: Iterable[Alike]) -> Mapping[Alike, Span]:
    """How long each of these usually takes, where enough is known."""
    found = {alike: usual_times(tx, alike).total for alike in set(wanted)}
    return {alike: span for alike, span in found.items() if span is not None}


def span_of(durations: Sequence[int], least: int = LEAST_COUNTED) -> Span | None:
    """The span of these times; None of fewer than ``least``."""
    if len(durations) < least:
        return None
    ordered = sorted(durations)
    return Span(number=len(ordered), p50=_rank(ordered, _HALF), p95=_rank(ordered, _NEARLY_ALL))


def _rank(ordered: Sequence[int], part: float) -> int:
    """The time that so great a part of them did not exceed: one of theirs, and none between two."""
    return ordered[max(0, -int(-len(ordered) * part // 1) - 1)]


def _spans_of_steps(tx: Tx, deployment_ids: Sequence[str]) -> dict[str, Span]:
    times: dict[str, list[int]] = defaultdict(list)
    for steps in steps_of(tx, deployment_ids).values():
        for step in steps:
            if step.finished_at is not None:
                times[step.name].append(milliseconds(step.started_at, step.finished_at))
    spans = {name: span_of(durations) for name, durations in times.items()}
    return {name: span for name, span in spans.items() if span is not None}


def milliseconds(began: int, ended: int) -> int:
    """The milliseconds between two moments in microseconds, rounded; 0 where the second was before."""
    return max(0, (ended - began + 500) // 1000)


_c = deployment_rows.c
_NEWEST: Any = (
    select(*(_c[name] for name in ("seq", "deployment_id", "kind", "host_id", "status", "started_at", "finished_at")))
    .where(_c.subject_type == bindparam("subject_type"), _c.subject_id == bindparam("subject_id"))
    .order_by(_c.seq.desc())
    .limit(_LOOKED_AT)
    .subquery()
)
_n = _NEWEST.c
_DONE = (
    select(_n.deployment_id, _n.started_at, _n.finished_at)
    .where(_n.kind == bindparam("kind"), _n.host_id == bindparam("host_id"), _n.status == bindparam("done"))
    .where(_n.started_at.is_not(None), _n.finished_at.is_not(None))
    .order_by(_n.seq.desc())
    .limit(MOST_COUNTED)
)
