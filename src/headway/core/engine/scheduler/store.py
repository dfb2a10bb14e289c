"""Timers and their ticks in the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Row, Select, bindparam, delete, func, insert, inspect, select, update

from headway.core.deployments.model import SubjectType
from headway.core.engine.scheduler.cron import Cron
from headway.core.engine.scheduler.timer import CatchUp, Fate, Overlap, Policy, Tick, Timer
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.timers import WAITING, ticks, timers
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

KEPT_TICKS = 2_000  # of one timer: those of a day and a half where it is due each minute
_AT_A_TIME = 100

_c = timers.c
_t = ticks.c


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerKey:
    """Whose timer it is."""

    subject_type: SubjectType
    subject_id: str

    @property
    def lock(self) -> str:
        """What two that see to one timer wait for each other by."""
        return f"timer.{self.subject_type}.{self.subject_id}"

    def __str__(self) -> str:
        """By what a person knows it."""
        return f"{self.subject_type} {self.subject_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastStart:
    """The newest due time that was started, and when its run began (None: not yet, or its record is gone)."""

    tick: Tick
    started_at: datetime | None


def find(tx: Tx, subject_type: SubjectType, subject_id: str) -> Timer | None:
    """The timer of a subject."""
    row = tx.execute(_BY_KEY, {"subject_type": subject_type, "subject_id": subject_id}).one_or_none()
    return None if row is None else _timer(row)


def of_subjects(tx: Tx, subject_type: SubjectType, ids: Select[tuple[str]]) -> list[Timer]:
    """The timers of these subjects; ``ids`` selects them."""
    mine = select(timers).where(_c.subject_type == subject_type, _c.subject_id.in_(ids))
    return [_timer(row) for row in tx.execute(mine)]


def put(tx: Tx, timer: Timer) -> None:
    """Adds a timer, or writes down what it is now."""
    policy = timer.policy
    values = {
        "cron": timer.cron.expression,
        "timezone": timer.cron.timezone,
        "overlap": policy.overlap,
        "catch_up": policy.catch_up,
        "catch_up_limit": policy.catch_up_limit,
        "jitter_seconds": int(policy.jitter.total_seconds()),
        "retries": policy.retries,
        "backoff_seconds": int(policy.backoff.total_seconds()),
        "enabled": timer.enabled,
        "looked_until": timer.looked_until,
        "next_at": timer.next_at,
        "missed": timer.missed,
    }
    mine = (_c.subject_type == timer.subject_type, _c.subject_id == timer.subject_id)
    if tx.execute(update(timers).where(*mine).values(**values)).rowcount == 0:
        tx.execute(insert(timers).values(subject_type=timer.subject_type, subject_id=timer.subject_id, **values))


def park(tx: Tx, key: TimerKey) -> None:
    """Nothing is due any more until the timer is set again."""
    mine = (_c.subject_type == key.subject_type, _c.subject_id == key.subject_id)
    tx.execute(update(timers).where(*mine).values(next_at=None))
    drop_waiting(tx, key)


def remove(tx: Tx, subject_type: SubjectType, subject_id: str) -> None:
    """Forgets a timer and all that became of its times."""
    for table in (ticks, timers):
        mine = (table.c.subject_type == subject_type, table.c.subject_id == subject_id)
        tx.execute(delete(table).where(*mine))


def to_see_to(tx: Tx, now: datetime, beside: int = 0) -> list[TimerKey]:
    """Timers that are due, and those a start of which has come, the oldest first: some beside so many that the caller
    knows already.
    """
    due = tx.execute(_DUE, {"now": now, "most": _AT_A_TIME + beside}).all()
    starting = tx.execute(_STARTING, {"now": now, "most": _AT_A_TIME + beside}).all()
    found = dict.fromkeys((row.subject_type, row.subject_id) for row in (*due, *starting))
    return [TimerKey(subject_type=SubjectType(kind), subject_id=subject_id) for kind, subject_id in found]


def enabled(tx: Tx) -> list[TimerKey]:
    """The timers that are anything to see to."""
    rows = tx.execute(select(_c.subject_type, _c.subject_id).where(_c.enabled)).all()
    return [TimerKey(subject_type=SubjectType(row.subject_type), subject_id=row.subject_id) for row in rows]


def next_time(tx: Tx) -> datetime | None:
    """When something is to be seen to next."""
    found = [tx.scalar(_NEXT_DUE), tx.scalar(_NEXT_START)]
    return min((each for each in found if each is not None), default=None)


def starting(tx: Tx, key: TimerKey, now: datetime) -> list[Tick]:
    """The waiting ticks of a timer whose start has come, the oldest first."""
    mine = (WAITING, _t.start_at <= now, _t.subject_type == key.subject_type, _t.subject_id == key.subject_id)
    rows = tx.execute(select(ticks).where(*mine).order_by(_t.due_at, _t.attempt))
    return [_tick(row) for row in rows]


def record(tx: Tx, key: TimerKey, tick: Tick, now: datetime) -> bool:
    """Writes down a due time, or what became of it since. False where it is there and somebody else has decided about
    it.
    """
    mine = (
        *(_t.subject_type == key.subject_type, _t.subject_id == key.subject_id),
        *(_t.due_at == tick.due_at, _t.attempt == tick.attempt),
    )
    values = {
        "start_at": tick.start_at,
        "fate": tick.fate,
        "caught_up": tick.caught_up,
        "deployment_id": tick.deployment_id,
        "decided_at": now,
    }
    if tx.execute(update(ticks).where(*mine, WAITING).values(**values)).rowcount:
        return True
    if tx.execute(select(_t.seq).where(*mine)).first() is not None:
        return False
    given = {"subject_type": key.subject_type, "subject_id": key.subject_id, "due_at": tick.due_at}
    tx.execute(insert(ticks).values(**given, attempt=tick.attempt, **values))
    return True


def attach(tx: Tx, key: TimerKey, tick: Tick, deployment_id: str) -> None:
    """Notes which deployment was made for a tick."""
    mine = (
        *(_t.subject_type == key.subject_type, _t.subject_id == key.subject_id),
        *(_t.due_at == tick.due_at, _t.attempt == tick.attempt),
    )
    tx.execute(update(ticks).where(*mine).values(deployment_id=deployment_id))


def drop_waiting(tx: Tx, key: TimerKey, *, only_retries: bool = False) -> None:
    """Gives up what waits for its start."""
    mine = (WAITING, _t.subject_type == key.subject_type, _t.subject_id == key.subject_id)
    more = (_t.attempt > 0,) if only_retries else ()
    tx.execute(update(ticks).where(*mine, *more).values(fate=Fate.DROPPED))


def drop_all_waiting(tx: Tx) -> None:
    """Gives up whatever waits for its start, in a database that was put back from a copy; the schema may be one of
    before there were timers.
    """
    if inspect(tx.connection).has_table(ticks.name):
        tx.execute(update(ticks).where(WAITING).values(fate=Fate.DROPPED))


def of_deployment(tx: Tx, key: TimerKey, deployment_id: str) -> Tick | None:
    """The tick that a deployment was made for."""
    mine = (_t.subject_type == key.subject_type, _t.subject_id == key.subject_id, _t.deployment_id == deployment_id)
    row = tx.execute(select(ticks).where(*mine)).one_or_none()
    return None if row is None else _tick(row)


def newest(tx: Tx, key: TimerKey, most: int) -> list[Tick]:
    """The latest due times and what became of them, the newest first."""
    mine = (_t.subject_type == key.subject_type, _t.subject_id == key.subject_id)
    rows = tx.execute(select(ticks).where(*mine).order_by(_t.due_at.desc(), _t.attempt.desc()).limit(most))
    return [_tick(row) for row in rows]


def last_start(tx: Tx, key: TimerKey) -> LastStart | None:
    """The newest due time that was started."""
    mine = (_t.subject_type == key.subject_type, _t.subject_id == key.subject_id, _t.fate == Fate.STARTED)
    row = tx.execute(select(ticks).where(*mine).order_by(_t.due_at.desc(), _t.attempt.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    began = select(deployments.c.started_at).where(deployments.c.deployment_id == row.deployment_id)
    return LastStart(tick=_tick(row), started_at=tx.scalar(began))


def looked_ahead(tx: Tx, beyond: datetime) -> list[TimerKey]:
    """The timers that were seen to beyond a time which has not come."""
    found = tx.execute(select(_c.subject_type, _c.subject_id).where(_c.looked_until > beyond))
    return [TimerKey(subject_type=SubjectType(row.subject_type), subject_id=row.subject_id) for row in found]


def waiting_beyond(tx: Tx, beyond: datetime) -> list[tuple[TimerKey, Tick]]:
    """What waits for a start beyond that time."""
    rows = tx.execute(select(ticks).where(WAITING, _t.start_at > beyond))
    return [
        (TimerKey(subject_type=SubjectType(row.subject_type), subject_id=row.subject_id), _tick(row)) for row in rows
    ]


def forget_beyond(tx: Tx, key: TimerKey, beyond: datetime) -> int:
    """Forgets what became of the due times beyond that time, but for those that were started, and their further
    attempts; how many of them were missed.
    """
    mine = (_t.subject_type == key.subject_type, _t.subject_id == key.subject_id, _t.due_at > beyond)
    missed = tx.scalar(select(func.count()).select_from(ticks).where(*mine, _t.fate == Fate.MISSED))
    tx.execute(delete(ticks).where(*mine, _t.attempt == 0, _t.fate != Fate.STARTED))
    return missed or 0


def prune(tx: Tx, kept: int = KEPT_TICKS) -> None:
    """Forgets what became of the oldest due times of each timer; as many as ``kept`` stay."""
    for key in tx.execute(select(_c.subject_type, _c.subject_id)).all():
        mine = (_t.subject_type == key.subject_type, _t.subject_id == key.subject_id)
        oldest = tx.scalar(select(_t.due_at).where(*mine).order_by(_t.due_at.desc()).offset(kept).limit(1))
        if oldest is not None:
            tx.execute(delete(ticks).where(*mine, _t.due_at <= oldest, _t.fate != Fate.WAITING))


def _timer(row: Row[Any]) -> Timer:
    return Timer(
        subject_type=SubjectType(row.subject_type),
        subject_id=row.subject_id,
        cron=Cron(expression=row.cron, timezone=row.timezone),
        policy=Policy(
            overlap=Overlap(row.overlap),
            catch_up=CatchUp(row.catch_up),
            catch_up_limit=row.catch_up_limit,
            jitter=timedelta(seconds=row.jitter_seconds),
            retries=row.retries,
            backoff=timedelta(seconds=row.backoff_seconds),
        ),
        enabled=row.enabled,
        looked_until=row.looked_until,
        next_at=row.next_at,
        missed=row.missed,
    )


def _tick(row: Row[Any]) -> Tick:
    return Tick(
        due_at=row.due_at,
        attempt=row.attempt,
        start_at=row.start_at,
        fate=Fate(row.fate),
        caught_up=row.caught_up,
        deployment_id=row.deployment_id,
    )


_BY_KEY = select(timers).where(_c.subject_type == bindparam("subject_type"), _c.subject_id == bindparam("subject_id"))
_DUE = (
    select(_c.subject_type, _c.subject_id)
    .where(_c.next_at <= bindparam("now"))
    .order_by(_c.next_at)
    .limit(bindparam("most", type_=Integer))
)
_STARTING = (
    select(_t.subject_type, _t.subject_id)
    .where(WAITING, _t.start_at <= bindparam("now"))
    .order_by(_t.start_at)
    .limit(bindparam("most", type_=Integer))
)
_NEXT_DUE = select(func.min(_c.next_at))
_NEXT_START = select(func.min(_t.start_at)).where(WAITING)
