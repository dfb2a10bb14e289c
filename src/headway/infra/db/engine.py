"""The database, SQLite or PostgreSQL: synchronous transactions, each on a thread, never on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Engine, create_engine, event, exc, make_url
from sqlalchemy.pool import SingletonThreadPool

from headway.infra.db.transaction import Tx
from headway.kernel.clock import Clock, SystemClock
from headway.kernel.errors import Unavailable

T = TypeVar("T")

BUSY_MILLISECONDS = 3_000
_READERS = 4
_PG_POOL = 10
_READ_ONLY = "25006"  # PostgreSQL, appendix A: read_only_sql_transaction


class DatabaseAway(Unavailable):
    """The database cannot be reached, is locked by somebody else or refuses to write; nothing was changed."""


class Database(Protocol):
    """Runs synchronous functions in transactions."""

    async def run(self, work: Callable[[Tx], T]) -> T:
        """``work`` in a write transaction, committed when it returns, rolled back when it raises. Raises DatabaseAway."""
        ...

    async def read(self, work: Callable[[Tx], T]) -> T:
        """``work`` in a transaction that only reads. Raises DatabaseAway."""
        ...


class SqlDatabase:
    """A database behind a URL. On SQLite one thread writes, so that writers queue here and not in its lock."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.url = url
        self._clock = clock or SystemClock()
        if make_url(url).get_backend_name() == "sqlite":
            self.writer = _sqlite(url, begin="BEGIN IMMEDIATE")
            self._reader = _sqlite(url, begin="BEGIN", query_only=True)
            self._write_threads = ThreadPoolExecutor(1, "db-write")
            self._read_threads = ThreadPoolExecutor(_READERS, "db-read")
        else:
            self.writer = self._reader = _postgres(url)
            self._write_threads = self._read_threads = ThreadPoolExecutor(_PG_POOL, "db")

    async def run(self, work: Callable[[Tx], T]) -> T:
        """See ``Database.run``. A cancelled caller waits for nothing, but a transaction once begun is finished."""
        tx, result = await asyncio.get_running_loop().run_in_executor(self._write_threads, self._transact, self.writer, work)
        tx.committed()
        return result

    async def read(self, work: Callable[[Tx], T]) -> T:
        """See ``Database.read``."""
        loop = asyncio.get_running_loop()
        return (await loop.run_in_executor(self._read_threads, self._transact, self._reader, work))[1]

    def close(self) -> None:
        """Waits for what runs and closes all connections."""
        self._write_threads.shutdown()
        self._read_threads.shutdown()
        self.writer.dispose()
        self._reader.dispose()

    def _transact(self, engine: Engine, work: Callable[[Tx], T]) -> tuple[Tx, T]:
        with translated(), engine.begin() as connection:
            tx = Tx(connection, self._clock)
            return tx, work(tx)


@contextmanager
def translated() -> Iterator[None]:
    """Turns the drivers' many words for "not now" into DatabaseAway."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError) as error:
        raise DatabaseAway(f"The database cannot be used now: {_first_line(error)}. Try again shortly.") from error
    except exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _READ_ONLY and not error.connection_invalidated:
            raise
        raise DatabaseAway(f"The database refuses to write: {_first_line(error)}. Try again shortly.") from error


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite database in a file."""
    return f"sqlite:///{path}"


def _first_line(error: exc.DBAPIError) -> str:
    return str(error.orig).strip().split("\n", 1)[0].rstrip(".")


def _sqlite(url: str, *, begin: str, query_only: bool = False) -> Engine:
    engine = create_engine(url, poolclass=SingletonThreadPool, pool_size=_READERS + 1)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:  # noqa: ANN401 - the driver's own
        connection.isolation_level = None  # we say BEGIN ourselves: the driver's own comes too late for IMMEDIATE
        for pragma in (
            f"busy_timeout={BUSY_MILLISECONDS}",
            "journal_mode=WAL",
            "synchronous=FULL",  # acknowledged work survives a power cut
            "foreign_keys=ON",
            "cache_size=-8000",
            f"query_only={int(query_only)}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:  # noqa: ANN401 - the driver's own
        connection.exec_driver_sql(begin)

    return engine


def _postgres(url: str) -> Engine:
    target = make_url(url)
    if target.drivername in {"postgres", "postgresql"}:
        target = target.set(drivername="postgresql+psycopg")
    return create_engine(
        target,
        pool_size=_PG_POOL,
        max_overflow=0,
        pool_pre_ping=True,
        pool_timeout=5,
        connect_args={"connect_timeout": 3, "options": "-c timezone=UTC"},
    )


