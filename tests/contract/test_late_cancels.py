"""A cancel that comes while its deployment begins or ends: what the caller is told, and what everybody else is."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import select

from headway.core.deployments import store
from headway.core.deployments.status import Intent, Maker, Status
from headway.core.engine.engine import Engine
from headway.core.engine.parts import EngineSettings, Logs, Parts
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.deployments import outbox
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from headway.kernel.events import DeploymentEnded, Events
from headway.kernel.vault import Vault
from tests.contract.queue_steps import DONE, await_a_waiting_lock, book
from tests.support.panel.factories import add_host, ledger, request


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("meanwhile", "answer", "told"),
    [
        ("it begins", "Unavailable", ["application.started"]),
        ("it is done", "AlreadyEnded", ["application.started", "application.done"]),
    ],
)
async def test_a_cancel_that_comes_too_late_is_answered_by_what_is_true_and_announces_no_end(
    postgres_database_url: str, meanwhile: str, answer: str, told: list[str]
) -> None:
    database, heard = SqlDatabase(postgres_database_url), list[DeploymentEnded]()
    canceller = engine_of(database, heard)
    try:
        await database.run(add_host)
        added = await database.run(lambda tx: book.enqueue(tx, request(exclusive_key=None)))
        with database.writer.begin() as connection:
            tx = Tx(connection, SystemClock())
            _, lease = book.claim(tx, "here", "another panel") or pytest.fail("nothing to claim")
            cancelling = asyncio.create_task(canceller.stopper.cancel(added.deployment_id))
            await asyncio.to_thread(await_a_waiting_lock, database)
            if meanwhile == "it is done":
                book.finish(tx, lease, DONE, Maker.RUNNER)
        (said,) = await asyncio.gather(cancelling, return_exceptions=True)
        assert type(said).__name__ == answer, said
        row = await database.read(lambda tx: store.find(tx, added.deployment_id))
        kept = (Status.RUNNING, Intent.CANCEL) if meanwhile == "it begins" else (Status.DONE, None)
        assert (row.status, row.intent) == kept
        topics = await database.read(
            lambda tx: tx.execute(select(outbox.c.topic).order_by(outbox.c.seq)).scalars().all()
        )
        assert (topics, heard) == (told, [])
    finally:
        database.close()


def engine_of(database: SqlDatabase, heard: list[DeploymentEnded]) -> Engine:
    """A panel's engine that waits a moment for what it ends; ``heard`` are the ends that it announces."""
    events = Events()
    events.listen(DeploymentEnded, heard.append)
    return Engine(
        Parts(
            db=database,
            ledger=ledger(events),
            events=events,
            vault=Vault(Vault.new_key()),
            logs=cast("Logs", None),
            owner="a panel",
            settings=EngineSettings(stop_deadline=timedelta(milliseconds=100)),
        )
    )
