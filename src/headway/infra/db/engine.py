"""The database, SQLite or PostgreSQL: synchronous transactions, each on a thread, never on the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

from sqlalchemy import Engine, exc, make_url

from headway.infra.db import postgres, sqlite
from headway.infra.db.commits import Commits
from headway.infra.db.postgres_version import PostgresVersion
from headway.infra.db.transaction import Tx, accompanied
from headway.infra.db.version import SqliteVersion, Version
from headway.kernel.clock import Clock, SystemClock
from headway.kernel.errors import Unavailable

T = TypeVar("T")

_MORE_ATTEMPTS = 2


class DatabaseAway(Unavailable):
    """The database cannot be reached, is locked by somebody else or refuses to write; nothing was changed."""


class DatabaseFull(DatabaseAway):
    """The disk of the database is full; nothing was changed."""


class DatabaseDamaged(Unavailable):
    """The database's file is broken; it does not mend by itself."""


class Database(Protocol):
    """Runs synchronous functions in transactions."""

    async def run(self, work: Callable[[Tx], T]) -> T:
        """``work`` in a write transaction, committed when it returns, rolled back when it raises. Raises DatabaseAway.

        A transaction that waits for another which waits for it is rolled back and performed again, so ``work`` changes
        nothing but the database. A cancelled caller waits for nothing, but a transaction once begun is finished, and
        its effects happen. The ``companion`` of the caller's context, where there is one, writes along.
        """
        ...

    async def read(self, work: Callable[[Tx], T]) -> T:
        """``work`` in a transaction that only reads. Raises DatabaseAway."""
        ...


class SqlDatabase:
    """A database behind a URL. On SQLite one thread writes, so that writers queue here and not in its lock. Each thread
    begins with ``on_thread``.
    """

    def __init__(self, url: str, clock: Clock | None = None, on_thread: Callable[[], None] = lambda: None) -> None:
        self.url = url
        self._clock = clock or SystemClock()
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.commits = Commits()
        self.damage = ""  # what was seen of it; it stays, as the file does not mend by itself
        if self.is_sqlite:
            self.writer, self._reader = sqlite.engines(url)
            self._write_threads = ThreadPoolExecutor(1, "db-write", on_thread)
            self._read_threads = ThreadPoolExecutor(sqlite.READERS, "db-read", on_thread)
            self.version: Version = SqliteVersion(url)
        else:
            self.writer, self._reader = postgres.engines(url)
            self._write_threads = self._read_threads = ThreadPoolExecutor(postgres.CONNECTIONS, "db", on_thread)
            self.version = PostgresVersion(self._reader, self._read_threads, self.commits)

    async def run(self, work: Callable[[Tx], T]) -> T:
        loop = asyncio.get_running_loop()
        asked_at = time.monotonic()
        return await loop.run_in_executor(self._write_threads, self._write, loop, asked_at, accompanied(work))

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, self._read, work)

    def close(self) -> None:
        """Waits for what runs and closes all connections."""
        self._write_threads.shutdown()
        self._read_threads.shutdown()
        self.version.close()
        self.writer.dispose()
        self._reader.dispose()

    def _write(self, loop: asyncio.AbstractEventLoop, asked_at: float, work: Callable[[Tx], T]) -> T:
        try:
            with translated(self.writer):
                tx, result = self._transact(asked_at, work)
        except DatabaseDamaged as damaged:
            self.damage = damaged.message
            raise
        if tx.has_effects:
            # Not by the caller: it may be gone, and what is committed must still be told. It comes before the result.
            loop.call_soon_threadsafe(tx.committed)
        return result

    def _transact(self, asked_at: float, work: Callable[[Tx], T]) -> tuple[Tx, T]:
        for _ in range(_MORE_ATTEMPTS):
            try:
                return self._transact_once(asked_at, work)
            except exc.OperationalError as error:
                if self.is_sqlite or not postgres.is_in_the_way(error.orig):
                    raise
        return self._transact_once(asked_at, work)

    def _transact_once(self, asked_at: float, work: Callable[[Tx], T]) -> tuple[Tx, T]:
        with self.writer.connect() as connection:
            if self.is_sqlite:
                # A lock that somebody else holds must not keep many callers waiting one after the other.
                sqlite.be_patient(connection, time.monotonic() - asked_at)
            with connection.begin() as transaction:
                tx = Tx(connection, self._clock)
                result = work(tx)
                with self.commits.sent():
                    transaction.commit()
                return tx, result

    def _read(self, work: Callable[[Tx], T]) -> T:
        try:
            with translated(self._reader, writing=False), self._reader.begin() as connection:
                return work(Tx(connection, self._clock))
        except DatabaseDamaged as damaged:
            self.damage = damaged.message
            raise


@contextmanager
def translated(engine: Engine, *, writing: bool = True) -> Iterator[None]:
    """Turns the driver's many words for "not now" into DatabaseAway; a mistake in a statement stays what it is."""
    is_sqlite = engine.dialect.name == "sqlite"
    driver = sqlite if is_sqlite else postgres
    try:
        yield
    except exc.DBAPIError as error:
        if sqlite.is_damaged(error.orig):
            raise DatabaseDamaged(
                f"The file of the database is damaged: {_first_line(error)}. Stop the panel and restore a backup."
            ) from error
        if sqlite.is_full(error.orig, engine.url) if is_sqlite else postgres.is_full(error.orig):
            raise DatabaseFull(f"The disk of the database is full ({_first_line(error)}). Make room on it.") from error
        if not driver.is_away(error.orig, writing=writing):
            raise
        raise DatabaseAway(f"The database cannot be used now: {_first_line(error)}. Try again shortly.") from error
    except exc.TimeoutError as error:  # no connection of the pool came free
        raise DatabaseAway("The database cannot be used now: it is too busy. Try again shortly.") from error


def _first_line(error: exc.DBAPIError) -> str:
    return str(error.orig).strip().split("\n", 1)[0].rstrip(".")
