"""The hosts as rows: where work is claimed for, and how much of it at a time."""

from __future__ import annotations

from sqlalchemy import insert, update

from headway.infra.db.tables.deployments import hosts
from headway.infra.db.transaction import Tx

LOCAL_HOST = "local"  # the panel's own machine


def register_host(tx: Tx, *, host_id: str, name: str, concurrency: int) -> None:
    """Adds a host, or gives it another name and concurrency."""
    values = {"name": name, "concurrency": concurrency}
    if tx.execute(update(hosts).where(hosts.c.host_id == host_id).values(**values)).rowcount == 0:
        tx.execute(insert(hosts).values(host_id=host_id, created_at=tx.now, **values))
