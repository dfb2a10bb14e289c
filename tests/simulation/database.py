"""The database contract over one SQLite in memory; transactions are performed in place, between two crossings."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.sqlite import sqlite_url
from headway.infra.db.transaction import Tx, accompanied
from headway.kernel.clock import Clock
from tests.simulation.border import Border

T = TypeVar("T")


class Store:
    """The data themselves, which outlive every panel. ``watch`` is called before each commit and may raise."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.watch: Callable[[Tx], None] = lambda _tx: None
        self.commits = 0
        self._connection = _fresh_connection()

    def perform(self, work: Callable[[Tx], T], *, writing: bool = True) -> tuple[Tx, T]:
        """One transaction."""
        tx = Tx(self._connection, self.clock)
        transaction = self._connection.begin()
        try:
            result = work(tx)
            if writing:
                self.watch(tx)
                transaction.commit()
                self.commits += 1
        finally:
            transaction.close()  # rolled back where it was not committed
        return tx, result

    def close(self) -> None:
        """Forgets everything."""
        self._connection.close()


class SimDatabase:
    """One panel's way to the store; fits ``infra.db.engine.Database``."""

    def __init__(self, store: Store, border: Border) -> None:
        self._store = store
        self._border = border

    async def run(self, work: Callable[[Tx], T]) -> T:
        """See ``Database.run``."""
        await self._border.out("db", "write")
        tx, result = self._store.perform(accompanied(work))
        if tx.has_effects:
            asyncio.get_running_loop().call_soon(tx.committed)
        await self._border.back("db", "write")
        return result

    async def read(self, work: Callable[[Tx], T]) -> T:
        """See ``Database.read``."""
        await self._border.out("db", "read")
        _, result = self._store.perform(work, writing=False)
        await self._border.back("db", "read")
        return result


def _fresh_connection() -> Connection:
    connection = _engine().connect()
    raw = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    raw.deserialize(_schema())
    raw.execute("PRAGMA foreign_keys=ON")
    return connection


@cache
def _engine() -> Engine:
    """One for all, for its cache of compiled statements; each connection has a database in memory of its own."""
    engine = create_engine("sqlite://", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@cache
def _schema() -> bytes:
    """A migrated, empty database as bytes: reading it in takes a small part of a migration's time."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        database = SqlDatabase(sqlite_url(path))
        migrate(database)
        database.close()
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode=DELETE")
        data = connection.serialize()
        connection.close()
        return data
