"""Use cases that read what the past of a service tells of one of its deployments, each asked of the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from headway.core.access.model import Actor
from headway.core.access.policy import Permission, reach
from headway.core.deployments.figures import DeploymentFigures, FiguresFilter, read_figures
from headway.core.deployments.list_queries import within
from headway.core.deployments.model import Deployment
from headway.core.deployments.past_failures import PastFailures, past_failures
from headway.core.deployments.queue_forecast import MOST_IN_FRONT, Busy, expected_start
from headway.core.deployments.queue_position import Hindrance, Queued, waits_of
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

_BYTES_OF_A_SPAN = 200  # about
_BYTES_OF_A_DAY = 600  # about
_MOST_BEHIND = 10


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
    wait = waits_of(tx, [row]).get(row.deployment_id)
    running, waiting = listed(tx, _RUNNING if tx.postgres else _RUNNING_AS_ONE, {}), _first_in_line(tx, row.host_id)
    queue = [each for each in waiting if _place(each) <= _place(row)]
    spans = usual_totals(tx, [Alike.of(each) for each in (*running, *queue)])
    now = int(tx.now.timestamp() * 1_000_000)
    ends = {each.deployment_id: _end_from_now(each, spans.get(Alike.of(each)), now) for each in running}
    start = None
    if wait is not None and wait.hindrance in {Hindrance.DEPLOYMENT, Hindrance.SLOT} and len(queue) <= MOST_IN_FRONT:
        start = expected_start(
            _queued(row),
            [_queued(each) for each in queue],
            [Busy(each=_queued(each), end=ends[each.deployment_id]) for each in running],
            slots=tx.scalar(_SLOTS, {"host_id": row.host_id}) or 0,
            takes={
                each.deployment_id: span.p50 * 1_000
                for each in queue
                if (span := spans.get(Alike.of(each))) is not None
            },
            now=now,
        )
    held_by = _behind(row, running, queue, None if wait is None else wait.deployment_id)
    seen = [each for each in held_by if within(reach(actor), each, actor.organization_id)][:_MOST_BEHIND]
    in_front = sum(each.deployment_id != row.deployment_id for each in queue)
    not_read = 0 if wait is None else max(0, wait.position - 1 - in_front)
    return Outlook(
        row=row,
        times=times,
        start=None if start is None else int(start),
        behind=[(each, ends.get(each.deployment_id)) for each in seen],
        unseen=len(held_by) - len(seen) + not_read,
    )


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


def _queued(row: Listed) -> Queued:
    return Queued(row.host_id, row.lane, row.seq, row.deployment_id, row.exclusive_key)


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
