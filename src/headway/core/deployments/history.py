"""Use cases that read what the past of a service tells of one of its deployments, each asked of the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select

from headway.core.access.model import Actor
from headway.core.access.policy import Permission, reach
from headway.core.deployments.figures import DeploymentFigures, FiguresFilter, read_figures
from headway.core.deployments.list_queries import within
from headway.core.deployments.model import Deployment
from headway.core.deployments.past_failures import PastFailures, past_failures
from headway.core.deployments.queue_forecast import MOST_IN_FRONT, Busy, expected_start
from headway.core.deployments.queue_position import Hindrance, QueueEntry, Wait, waits_of
from headway.core.deployments.response_cache import ResponseCache
from headway.core.deployments.service import permitted
from headway.core.deployments.status import Status
from headway.core.deployments.summary import COLUMNS, Listed, deployment_rows, in_one_value, listed
from headway.core.deployments.usual_times import Alike, Span, UsualTimes, usual_times, usual_totals
from headway.infra.db.engine import Database
from headway.infra.db.tables.deployments import PENDING, RUNNING, hosts
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Version
from headway.kernel.clock import Clock
from headway.kernel.dataclass import dataclass

_BYTES_OF_A_SPAN = 200  # about
_BYTES_OF_A_DAY = 600  # about
_MOST_BEHIND = 10
_FORECAST_SECONDS = 15
_FORETOLD = frozenset({Hindrance.DEPLOYMENT, Hindrance.SLOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is usual of deployments like one, and what follows for it. Times are microseconds since 1970. ``ends`` is
    when what runs usually ends and when it nearly always has; ``start`` when what waits is expected to begin; what
    goes before that is ``behind``, as far as the caller may see it (``unseen`` are the others).
    """

    row: Listed
    times: UsualTimes
    ends: tuple[int, int] | None = None
    start: int | None = None
    behind: Sequence[tuple[Listed, int | None]] = ()
    unseen: int = 0


class DeploymentHistory:
    """What callers may ask of the past of deployments."""

    def __init__(self, *, db: Database, version: Version, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._figures: ResponseCache[DeploymentFigures] = ResponseCache(
            version, lambda it: _BYTES_OF_A_DAY * len(it.days)
        )
        self._spans: ResponseCache[Mapping[str, Span]] = ResponseCache(version, lambda it: _BYTES_OF_A_SPAN * len(it))
        self._starts: ResponseCache[Mapping[str, int]] = ResponseCache(version, lambda it: _BYTES_OF_A_SPAN * len(it))

    async def outlook(self, actor: Actor, permission: Permission, deployment_id: str) -> Outlook:
        """How long it takes, and when it is expected to end or to begin. Raises NotFound, Forbidden."""
        return await self._db.read(lambda tx: _outlook(tx, actor, permitted(tx, actor, permission, deployment_id)))

    async def usual_of(self, actor: Actor, deployment_ids: Sequence[str]) -> Mapping[str, Span]:
        """How long those of these usually take that the caller may see and of which enough is known."""
        reached, mine = reach(actor), actor.organization_id

        def look(tx: Tx) -> Mapping[str, Span]:
            alike = {
                row.deployment_id: Alike.of(row) for row in _rows(tx, deployment_ids) if within(reached, row, mine)
            }
            spans = usual_totals(tx, alike.values())
            return {id_: spans[alike[id_]] for id_ in deployment_ids if alike.get(id_) in spans}

        key = (mine, reached, tuple(deployment_ids))
        return await self._spans.get(key, lambda: self._db.read(look))

    async def starts_of(self, actor: Actor, deployment_ids: Sequence[str]) -> Mapping[str, int]:
        """When those of these are expected to begin (microseconds since 1970) that wait and that the caller may see, of
        which that can be told.
        """
        reached, mine = reach(actor), actor.organization_id

        def look(tx: Tx) -> Mapping[str, int]:
            rows = _rows(tx, deployment_ids)
            found = _starts(tx, [row for row in rows if row.status == Status.PENDING and within(reached, row, mine)])
            return {id_: found[id_] for id_ in deployment_ids if id_ in found}

        # It follows from the time too: what takes longer than usual is expected to end later and later.
        turn = int(self._clock.now().timestamp()) // _FORECAST_SECONDS
        key = (mine, reached, tuple(deployment_ids), turn)
        return await self._starts.get(key, lambda: self._db.read(look))

    async def figures(self, actor: Actor, wanted: FiguresFilter, days: int) -> DeploymentFigures:
        """How those went that the caller may see and that ended within these days, of which today is the last."""
        reached, mine, today = reach(actor), actor.organization_id, self._clock.now().date()

        def look(tx: Tx) -> DeploymentFigures:
            return read_figures(tx, mine, reached, wanted, last=today, days=days)

        return await self._figures.get((mine, reached, wanted, today, days), lambda: self._db.read(look))

    async def failures(self, actor: Actor, permission: Permission, deployment_id: str) -> PastFailures:
        """The same failure before. Raises NotFound, Forbidden."""

        def look(tx: Tx) -> PastFailures:
            row = Listed.of(permitted(tx, actor, permission, deployment_id))
            return past_failures(tx, row, actor.organization_id, reach(actor))

        return await self._db.read(look)


def _outlook(tx: Tx, actor: Actor, deployment: Deployment) -> Outlook:
    row = Listed.of(deployment)
    times = usual_times(tx, Alike.of(row), stepwise=True)
    if row.status == Status.RUNNING:
        return Outlook(row=row, times=times, ends=_ends(row, times.total))
    if row.status == Status.PENDING:
        return _of_one_that_waits(tx, actor, row, times)
    return Outlook(row=row, times=times)


def _of_one_that_waits(tx: Tx, actor: Actor, row: Listed, times: UsualTimes) -> Outlook:
    wait, queue = waits_of(tx, [row]).get(row.deployment_id), _queue_before(tx, [row])
    held_by = _behind(row, queue.running, queue.waiting, None if wait is None else wait.deployment_id)
    seen = [each for each in held_by if within(reach(actor), each, actor.organization_id)][:_MOST_BEHIND]
    in_front = sum(each.deployment_id != row.deployment_id for each in queue.waiting)
    not_read = 0 if wait is None else max(0, wait.position - 1 - in_front)
    return Outlook(
        row=row,
        times=times,
        start=queue.start(row, wait),
        behind=[(each, queue.ends.get(each.deployment_id)) for each in seen],
        unseen=len(held_by) - len(seen) + not_read,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Queue:
    """The queue of a host up to one that waits, and all that runs anywhere: when that is expected to ``end``, and how
    long what waits usually ``takes`` (both in microseconds).
    """

    running: Sequence[Listed]
    waiting: Sequence[Listed]
    ends: Mapping[str, int | None]
    takes: Mapping[str, float]
    slots: int
    now: int

    def start(self, row: Listed, wait: Wait | None) -> int | None:
        """When one of those that wait is expected to begin; None where that cannot be told."""
        queue = [each for each in self.waiting if _place(each) <= _place(row)]
        if wait is None or wait.hindrance not in _FORETOLD or len(queue) > MOST_IN_FRONT:
            return None
        found = expected_start(
            _queued(row),
            [_queued(each) for each in queue],
            [Busy(each=_queued(each), end=self.ends[each.deployment_id]) for each in self.running],
            slots=self.slots,
            takes=self.takes,
            now=self.now,
        )
        return None if found is None else int(found)


def _queue_before(tx: Tx, rows: Sequence[Listed]) -> _Queue:
    """That up to the last of these rows, which wait for one host."""
    last, host_id = max(map(_place, rows)), rows[0].host_id
    running = listed(tx, _RUNNING if tx.postgres else _RUNNING_AS_ONE, {})
    waiting = [each for each in _first_in_line(tx, host_id) if _place(each) <= last]
    spans = usual_totals(tx, [Alike.of(each) for each in (*running, *waiting)])
    now = int(tx.now.timestamp() * 1_000_000)
    known = ((each.deployment_id, spans.get(Alike.of(each))) for each in waiting)
    return _Queue(
        running=running,
        waiting=waiting,
        ends={each.deployment_id: _end_from_now(each, spans.get(Alike.of(each)), now) for each in running},
        takes={id_: span.p50 * 1_000 for id_, span in known if span is not None},
        slots=tx.scalar(_SLOTS, {"host_id": host_id}) or 0,
        now=now,
    )


def _starts(tx: Tx, rows: Sequence[Listed]) -> Mapping[str, int]:
    """When each of these that wait is expected to begin, where that can be told."""
    waits, found = waits_of(tx, rows), {}
    for host_id in {row.host_id for row in rows}:
        here = [row for row in rows if row.host_id == host_id]
        queue = _queue_before(tx, here)
        for row in here:
            if (start := queue.start(row, waits.get(row.deployment_id))) is not None:
                found[row.deployment_id] = start
    return found


def _behind(row: Listed, running: Sequence[Listed], queue: Sequence[Listed], holder: str | None) -> list[Listed]:
    """What goes before it: the one that holds it up, what runs on its host, and what waits there in front of it."""
    here = [each for each in running if each.host_id == row.host_id or each.deployment_id == holder]
    in_front = [each for each in queue if each.deployment_id != row.deployment_id]
    return sorted([*here, *in_front], key=lambda each: each.deployment_id != holder)


def _ends(row: Listed, total: Span | None) -> tuple[int, int] | None:
    """None where its server does not answer: whether it goes on is not known then."""
    if total is None or row.started_at is None or row.out_of_reach_since is not None:
        return None
    return row.started_at + total.p50 * 1_000, row.started_at + total.p95 * 1_000


def _end_from_now(row: Listed, total: Span | None, now: int) -> int | None:
    """When it is expected to end: as usual, or nearly always where that is over, and nobody knows after that."""
    return next((end for end in _ends(row, total) or () if end > now), None)


def _queued(row: Listed) -> QueueEntry:
    return QueueEntry(row.host_id, row.lane, row.seq, row.deployment_id, row.exclusive_key)


def _place(row: Listed) -> tuple[str, int, int]:
    return row.host_id, row.lane, row.seq


def _first_in_line(tx: Tx, host_id: str) -> list[Listed]:
    """What waits for a host, in the order in which it begins; of a very long queue its beginning."""
    return sorted(listed(tx, _WAITING if tx.postgres else _WAITING_AS_ONE, {"host": host_id}), key=_place)


def _rows(tx: Tx, deployment_ids: Sequence[str]) -> list[Listed]:
    return listed(tx, _SOME if tx.postgres else _SOME_AS_ONE, {"ids": list(deployment_ids)})


_c = deployment_rows.c
_RUNNING = select(*COLUMNS).where(RUNNING)
# No index is to be chosen by the host: few rows wait, and of those that ever ran there are many.
_WAITING = (
    select(*COLUMNS)
    .where(PENDING, _c.host_id.concat("") == bindparam("host"))
    .order_by(_c.lane, _c.seq)
    .limit(MOST_IN_FRONT + 1)
)
_RUNNING_AS_ONE, _WAITING_AS_ONE = in_one_value(_RUNNING), in_one_value(_WAITING)
_SOME = select(*COLUMNS).where(_c.deployment_id.in_(bindparam("ids", expanding=True)))
_SOME_AS_ONE = in_one_value(_SOME)
_SLOTS = select(hosts.c.concurrency).where(hosts.c.host_id == bindparam("host_id"))
