"""Steps of tests of the queue: one transaction each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import text

from headway.core.deployments.leases import Lease
from headway.core.deployments.ledger import Outcome
from headway.core.deployments.model import Deployment, Lane
from headway.core.deployments.status import Status
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from tests.support.panel.factories import ledger, request

DONE = Outcome(status=Status.DONE)
T = TypeVar("T")
book = ledger()


class Write(Protocol):
    """Performs one transaction and looks at the ready marks before its commit."""

    def __call__(self, work: Callable[[Tx], T], /) -> T: ...


def add(write: Write, key: str | None, lane: Lane = Lane.DEPLOY, host: str = "here") -> str:
    """Enqueues one; its id."""
    return write(lambda tx: book.enqueue(tx, request(host, exclusive_key=key, lane=lane))).deployment_id


def claim(write: Write, host: str = "here") -> tuple[Deployment, Lease] | None:
    """Claims what comes next."""
    return write(lambda tx: book.claim(tx, host, "me"))


def claimed_id(write: Write, host: str = "here") -> str | None:
    """Claims what comes next; its id."""
    found = claim(write, host)
    return found[0].deployment_id if found else None


def claimed(write: Write, host: str = "here") -> tuple[Deployment, Lease]:
    """Claims what comes next, which must be there."""
    found = claim(write, host)
    assert found is not None
    return found


def await_a_waiting_lock(database: SqlDatabase) -> None:
    """Returns once some session waits for another."""
    deadline = time.monotonic() + 10
    with database.writer.connect() as connection:
        while not connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert time.monotonic() < deadline, "nobody waits"
            connection.rollback()
