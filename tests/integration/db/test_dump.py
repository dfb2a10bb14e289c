"""A copy of a SQLite database is taken in one go, however much is written beside it."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from headway.infra.db.dump import check_dump, dump
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.sqlite import sqlite_url

_MIB = 1 << 20


def test_a_busy_database_is_copied_in_seconds(tmp_path: Path) -> None:
    url, copy = sqlite_url(tmp_path / "headway.db"), tmp_path / "copy.db"
    SqlDatabase(url).close()
    with closing(sqlite3.connect(tmp_path / "headway.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE filled (number INTEGER PRIMARY KEY, data BLOB)")
        connection.executemany("INSERT INTO filled (data) VALUES (?)", [(b"x" * _MIB,)] * 60)
    ended, written = threading.Event(), list[int]()

    def write() -> None:
        with closing(sqlite3.connect(tmp_path / "headway.db", isolation_level=None, timeout=30)) as connection:
            while not ended.wait(0.01):
                connection.execute("INSERT INTO filled (data) VALUES ('y')")
                written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        began = time.monotonic()
        dump(url, copy)
        took = time.monotonic() - began
    finally:
        ended.set()
        writer.join()
    check_dump(url, copy)
    assert written, "nothing was written beside the copy"
    assert took < 20
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM filled").fetchone()[0] >= 60
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
