"""How much there is to do and who works on it, counted for whoever watches the panel."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from headway.infra.db.tables.deployments import PENDING, RUNNING, deployments, leases
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_c = deployments.c
_NUMBER = func.count().label("number")
_WAITING = select(_c.kind, _NUMBER, func.min(_c.created_at).label("since")).where(PENDING).group_by(_c.kind)
_AT_WORK = select(_c.kind, _NUMBER).where(RUNNING).group_by(_c.kind)
_OUT_OF_REACH = select(func.count()).where(RUNNING, _c.out_of_reach_since.is_not(None))
_LEASES = select(func.count()).select_from(leases)
_LAPSED = select(func.count()).select_from(leases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Deployments by kind; ``oldest_seconds`` is how long the one waits that waits longest, 0 when none does; leases
    that are held, and those of them that nobody has renewed in time.
    """

    waiting: Mapping[str, int]
    running: Mapping[str, int]
    oldest_seconds: float
    out_of_reach: int
    leases: int
    lapsed_leases: int


def workload(tx: Tx) -> Workload:
    """As they are now. A few rows of an index each, however long the history is."""
    waiting = tx.execute(_WAITING).all()
    oldest = min((row.since for row in waiting), default=None)
    return Workload(
        waiting={row.kind: row.number for row in waiting},
        running={row.kind: row.number for row in tx.execute(_AT_WORK)},
        oldest_seconds=0.0 if oldest is None else max(0.0, (tx.now - oldest).total_seconds()),
        out_of_reach=tx.scalar(_OUT_OF_REACH),
        leases=tx.scalar(_LEASES),
        lapsed_leases=tx.scalar(_LAPSED.where(leases.c.expires_at <= tx.now)),
    )
