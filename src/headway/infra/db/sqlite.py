"""SQLite: durable and private by settings, one writer, several readers."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from tempfile import TemporaryFile

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

PATIENCE_SECONDS = 3.0
READERS = 4
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
# By which SQLite tells of a quota that is used up, among much else.
_PERHAPS_FULL = frozenset(
    {
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
        sqlite3.SQLITE_CANTOPEN,
    }
)
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_PROBE_BYTES = 64 << 10
_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite database in a file."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def engines(url: str) -> tuple[Engine, Engine]:
    """The engine that writes (one connection) and the one that only reads."""
    _make_private(make_url(url))
    return _engine(url, "BEGIN IMMEDIATE", connections=1), _engine(url, "BEGIN", connections=READERS, query_only=True)


def be_patient(connection: Connection, waited_seconds: float) -> None:
    """Before a transaction: bounds the wait for the lock by what is left of the patience of who asked for it."""
    left = max(0, round((PATIENCE_SECONDS - waited_seconds) * 1000))
    connection.connection.cursor().execute(f"PRAGMA busy_timeout={left}")


def is_damaged(error: BaseException | None) -> bool:
    """Whether a driver's error says that the file is no whole database: asking again does not help."""
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED


def is_full(error: BaseException | None, url: URL) -> bool:
    """Whether a driver's error says that there is no room on the disk, or no more of what the panel's account may have
    of it, which is looked for beside the file. Blocks.
    """
    code = getattr(error, "sqlite_errorcode", 0) if isinstance(error, sqlite3.Error) else 0
    return code in _FULL or (code in _PERHAPS_FULL and bool(url.database) and _has_no_room(Path(str(url.database))))


def is_away(error: BaseException | None, *, writing: bool) -> bool:
    """Whether a driver's error says that the database cannot be used now, rather than that a statement is wrong."""
    if not isinstance(error, sqlite3.Error):
        return False
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the rest tells forms of one error apart
    return code in _AWAY and (writing or code != sqlite3.SQLITE_READONLY)


def _has_no_room(file: Path) -> bool:
    try:
        with TemporaryFile(dir=file.parent) as probe:
            os.posix_fallocate(probe.fileno(), 0, _PROBE_BYTES)
    except OSError as error:
        return error.errno in _NO_ROOM
    return False


def _make_private(url: URL) -> None:
    """SQLite gives its journal and its shared memory the mode of the file, which must therefore exist before."""
    if url.database and url.database != ":memory:":
        os.close(os.open(url.database, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        Path(url.database).chmod(0o600)


def _engine(url: str, begin: str, *, connections: int, query_only: bool = False) -> Engine:
    engine = create_engine(url, poolclass=QueuePool, pool_size=connections, max_overflow=0)

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        # We say BEGIN ourselves: the driver's own comes too late for IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={round(PATIENCE_SECONDS * 1000)}",
            "journal_mode=WAL",
            "synchronous=FULL",  # acknowledged work survives a power cut
            "foreign_keys=ON",
            "cache_size=-8000",  # 8 MB
            f"query_only={int(query_only)}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
