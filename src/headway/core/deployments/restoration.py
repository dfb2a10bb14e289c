"""What becomes of a queue that was put back from a copy: all that waited and ran in it was carried on elsewhere."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, delete, func, inspect, literal, update

from headway.core.deployments.status import Reason, Status
from headway.infra.db.tables.deployments import (
    PENDING,
    RUNNING,
    deployments,
    leases,
    removed_deployments,
    setbacks,
    steps,
    undos,
)
from headway.infra.db.transaction import Tx

ENDED_ELSEWHERE = (
    "Headway was restored from a backup that was made while this had not ended. What became of it is not known here: "
    "nothing of it is repeated or taken back. Start it again if it is still wanted."
)
_c = deployments.c


def end_all(tx: Tx) -> None:
    """Ends as lost whatever waits or runs, and forgets what was owed: the panel that the copy was made of has gone on,
    so that what an undo would remove may be what came of it. The schema may be an earlier one.
    """
    inspector = inspect(tx.connection)
    known = set(inspector.get_table_names())
    for table in (leases, undos, removed_deployments, setbacks):
        if table.name in known:
            tx.execute(delete(table))
    began = func.coalesce(_c.started_at, _c.created_at)
    now = literal(tx.now, _c.finished_at.type)
    ended: dict[str, Any] = {
        "status": Status.ERROR,
        "reason": Reason.LOST,
        "error_message": ENDED_ELSEWHERE,
        "finished_at": case((began > now, began), else_=now),
        "ready": False,
        **dict.fromkeys(("pid", "intent", "out_of_reach_since", "last_seen_at", "secrets", "verdict")),
    }
    there = {each["name"] for each in inspector.get_columns(deployments.name)}
    values = {name: value for name, value in ended.items() if name in there}
    for state in (PENDING, RUNNING):
        tx.execute(update(deployments).where(state).values(**values))
    tx.execute(update(steps).where(steps.c.finished_at.is_(None)).values(finished_at=tx.now))
