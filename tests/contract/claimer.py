"""A process that claims, checks the bounds, and ends or puts back what it got, until nothing is left; prints what it
claimed as lines of JSON.

    python -m tests.contract.claimer URL OWNER SEED LIMITS
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import OperationalError

from headway.core.deployments import store
from headway.core.deployments.leases import Lease
from headway.core.deployments.ledger import Ledger, Outcome
from headway.core.deployments.status import Maker, Reason, Status
from headway.infra.db import sqlite
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.deployments import CLAIMABLE, deployments
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from tests.contract.queue_model import overfull
from tests.support.panel.factories import ledger


def main(url: str, owner: str, seed: str, limits: str) -> None:
    """Claims until the queue is empty and all that this process claimed has ended."""
    chance, bounds = random.Random(seed), json.loads(limits)
    database, book = SqlDatabase(url), ledger()
    print("ready", flush=True)
    sys.stdin.readline()
    held: list[Lease] = []
    try:
        while held or unfinished(database):
            host = chance.choice(list(bounds))
            if lease := claim(database, book, host, owner, bounds):
                held.append(lease)
            if held and chance.random() < 0.6:
                let_go(database, book, held.pop(chance.randrange(len(held))), chance)
            if chance.random() < 0.05:
                cancel(database, book, chance)
    finally:
        database.close()


def claim(database: SqlDatabase, book: Ledger, host: str, owner: str, bounds: dict[str, int]) -> Lease | None:
    """Takes one, if it may; the bounds are looked at within the very transaction."""
    with transaction(database) as tx:
        claimed = book.claim(tx, host, owner)
        broken = overfull(tx, bounds) if claimed else []
    if claimed is None:
        return None
    deployment, lease = claimed
    print(json.dumps({"id": deployment.deployment_id, "epoch": lease.epoch, "broken": broken}), flush=True)
    return lease


def let_go(database: SqlDatabase, book: Ledger, lease: Lease, chance: random.Random) -> None:
    """Ends it, or now and then puts it back."""
    with transaction(database) as tx:
        if chance.random() < 0.1:
            book.put_back(tx, lease)
        else:
            book.finish(tx, lease, Outcome(status=Status.DONE), Maker.RUNNER)


def cancel(database: SqlDatabase, book: Ledger, chance: random.Random) -> None:
    """Ends one that would be claimed next, unless somebody is faster."""
    with transaction(database) as tx:
        waiting = tx.execute(select(deployments.c.deployment_id).where(CLAIMABLE)).all()
        if waiting:
            chosen = store.find(tx, chance.choice(waiting).deployment_id)
            book.end_waiting(tx, chosen, Reason.CANCELLED, "Cancelled.")


def unfinished(database: SqlDatabase) -> int:
    """How many wait; those that run belong to somebody who will end them or put them back."""
    with transaction(database) as tx:
        states = deployments.c.status.in_([Status.PENDING, Status.RUNNING])
        number: int = tx.scalar(select(func.count()).select_from(deployments).where(states)) or 0
        return number


@contextmanager
def transaction(database: SqlDatabase) -> Iterator[Tx]:
    """One that writes. SQLite gives its lock to whoever happens to ask when it is free: who was not lucky for seconds
    begins again, as the panel's loops do. Nothing was done yet.
    """
    with ExitStack() as stack:
        yield Tx(_begun(database, stack), SystemClock())


def _begun(database: SqlDatabase, stack: ExitStack) -> Connection:
    while True:
        try:
            return stack.enter_context(database.writer.begin())
        except OperationalError as error:
            if not sqlite.is_away(error.orig, writing=True):
                raise


if __name__ == "__main__":
    main(*sys.argv[1:])
