"""SQLite as it is used here: durable, private, and away when somebody else holds it."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import func, insert, select, text

from headway.core.engine.parts import Logs, Parts
from headway.infra.db.engine import DatabaseAway, DatabaseDamaged, DatabaseFull, SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.probe import why_away
from headway.infra.db.sqlite import PATIENCE_SECONDS, sqlite_url
from headway.infra.db.tables.access import users
from headway.infra.db.transaction import Tx
from headway.kernel.events import Events
from headway.kernel.vault import Vault
from tests.support.panel.factories import ledger

HOLD_THE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
"""

WRITE_AND_TELL = """
import asyncio, sys
from sqlalchemy import insert
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.access import users

async def main():
    database = SqlDatabase(sys.argv[1])
    number = 0
    while True:
        row = dict(user_id=str(number), name="")
        await database.run(lambda tx: tx.execute(insert(users).values(**row, created_at=tx.now)))
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""

WRITE_WITHOUT_QUOTA = """
import asyncio, ctypes, platform, struct, sys
from headway.infra.db.engine import DatabaseAway, SqlDatabase
from sqlalchemy import text

QUOTA, TOO_BROKEN = 122, 5
NUMBERS = {"x86_64": (18, 285, 317), "aarch64": (68, 47, 277)}  # pwrite64, fallocate, seccomp

def refuse(calls, seccomp, error):
    code = [(0x20, 0, 0, 0)]
    code += [(0x15, len(calls) - at, 0, call) for at, call in enumerate(calls)]
    code += [(6, 0, 0, 0x7FFF0000), (6, 0, 0, 0x00050000 | error)]
    packed = b"".join(struct.pack("HBBI", *each) for each in code)
    held = ctypes.create_string_buffer(packed)
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(held)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.syscall(seccomp, 1, 1, program) == 0, ctypes.get_errno()

async def main():
    database = SqlDatabase(sys.argv[1])
    await database.run(lambda tx: tx.execute(text("CREATE TABLE t (x TEXT)")))
    *calls, seccomp = NUMBERS[platform.machine()]
    if sys.argv[2] == "quota":
        refuse(calls, seccomp, QUOTA)
    else:
        refuse(calls[:1], seccomp, TOO_BROKEN)
    try:
        await database.run(lambda tx: tx.execute(text("INSERT INTO t VALUES ('x')")))
    except DatabaseAway as away:
        print(type(away).__name__, away.message)

asyncio.run(main())
"""

OPEN_USE_AND_CLOSE = """
import asyncio, gc, sys
from sqlalchemy import text
from headway.infra.db.engine import SqlDatabase

async def main(database):
    asyncio.get_running_loop().slow_callback_duration = 60  # a busy machine is no fault to be told
    await asyncio.gather(*(call(lambda tx: tx.scalar(text("SELECT 1"))) for call in [database.run, database.read] * 10))

for _ in range(3):
    database = SqlDatabase(sys.argv[1])
    asyncio.run(main(database))
    database.close()
    del database
    gc.collect()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "headway.db"


@pytest.fixture
def database(sqlite_database_url: str) -> Iterator[SqlDatabase]:
    database = SqlDatabase(sqlite_database_url)
    yield database
    database.close()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1), ("cache_size", -8000)],
)
async def test_a_setting_is_in_force_for_every_transaction(database: SqlDatabase, pragma: str, value: object) -> None:
    def ask(tx: Tx) -> object:
        return tx.scalar(text(f"PRAGMA {pragma}"))

    answers = await asyncio.gather(*(call(ask) for call in [database.run, database.read] * 8))
    assert set(answers) == {value}


async def test_the_files_are_readable_by_their_owner_only(file: Path) -> None:
    before = os.umask(0)
    try:
        database = SqlDatabase(sqlite_url(file))
        try:
            migrate(database)
            await database.run(add_user)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
        finally:
            database.close()
    finally:
        os.umask(before)
    assert modes == {"headway.db": 0o600, "headway.db-wal": 0o600, "headway.db-shm": 0o600}


def test_a_file_that_others_could_read_is_closed_to_them(file: Path) -> None:
    file.touch(mode=0o644)
    file.chmod(0o644)
    SqlDatabase(sqlite_url(file)).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "a b?c=d&e#f%20g"
    folder.mkdir()
    database = SqlDatabase(sqlite_url(folder / "headway.db"))
    try:
        migrate(database)
        await database.run(add_user)
    finally:
        database.close()
    assert (folder / "headway.db").stat().st_size > 0


@pytest.mark.slow
async def test_while_another_process_holds_the_lock_writing_is_away_and_reading_works(
    database: SqlDatabase, file: Path
) -> None:
    with lock_held(file):
        begun = time.monotonic()
        with pytest.raises(DatabaseAway, match="locked"):
            await database.run(add_user)
        assert PATIENCE_SECONDS * 0.9 < time.monotonic() - begun < 3 * PATIENCE_SECONDS
        assert await database.read(count) == 0
    await database.run(add_user)
    assert await database.read(count) == 1


@pytest.mark.slow
async def test_many_callers_do_not_wait_for_the_lock_one_after_the_other(database: SqlDatabase, file: Path) -> None:
    with lock_held(file):
        begun = time.monotonic()
        results = await asyncio.gather(*(database.run(add_user) for _ in range(10)), return_exceptions=True)
        seconds = time.monotonic() - begun
    assert [type(result) for result in results] == [DatabaseAway] * 10
    assert seconds < 3 * PATIENCE_SECONDS


async def test_a_lock_that_is_soon_released_is_waited_for(database: SqlDatabase, file: Path) -> None:
    with lock_held(file) as holder:
        writing = asyncio.create_task(database.run(add_user))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(writing), 0.2)
        let_go(holder)
        await writing
    assert await database.read(count) == 1


async def test_a_full_file_is_away_and_loses_nothing(database: SqlDatabase) -> None:
    await database.run(add_user)
    with database.writer.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
        connection.execute(text(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(DatabaseFull, match="The disk of the database is full"):
        await database.run(lambda tx: add_user(tx, name="x" * 1_000_000))
    with database.writer.connect() as connection:
        connection.execute(text("PRAGMA max_page_count=1000000"))
    await database.run(lambda tx: add_user(tx, name="x" * 1_000_000))
    assert await database.read(count) == 2


@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="the numbers of calls are others")
@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("quota", "DatabaseFull The disk of the database is full (disk I/O error)"),
        ("broken", "DatabaseAway The database"),
    ],
)
async def test_a_quota_that_is_used_up_is_a_full_disk_and_a_broken_one_is_not(file: Path, why: str, said: str) -> None:
    argv = [sys.executable, "-c", WRITE_WITHOUT_QUOTA, sqlite_url(file), why]
    told = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False)
    assert told.stdout.startswith(said), told.stderr


async def test_a_file_that_is_no_database_is_damaged(file: Path) -> None:
    file.write_bytes(b"something else entirely\n" * 1000)
    database = SqlDatabase(sqlite_url(file))
    try:
        with pytest.raises(DatabaseDamaged, match="not a database"):
            await database.run(add_user)
        assert "is damaged: file is not a database" in (await why_away(database) or "")
    finally:
        database.close()
    assert file.read_bytes().startswith(b"something else entirely")


@pytest.mark.parametrize("how", ["read", "run"])
async def test_a_file_whose_pages_are_damaged_is_told_as_that_and_not_tried_again(
    database: SqlDatabase, file: Path, how: str
) -> None:
    await database.run(lambda tx: add_user(tx, name="x" * 1_000_000))
    with database.writer.connect() as connection:
        pages: int = connection.scalar(text("SELECT rootpage FROM sqlite_master WHERE name = 'users'"))
        size: int = connection.scalar(text("PRAGMA page_size"))
    database.close()
    with file.open("r+b") as damaged:
        damaged.seek((pages - 1) * size)
        damaged.write(b"\xff" * size)
    again = SqlDatabase(sqlite_url(file))
    tried: list[str] = []

    def work(tx: Tx) -> None:
        tried.append(how)
        tx.scalar(select(func.max(users.c.name)))  # of the rows: their number is told by an index

    try:
        parts = engine_parts(again)
        assert await why_away(again) is None  # nobody has come to that page
        with pytest.raises(DatabaseDamaged, match=r"malformed\. Stop the panel and restore a backup"):
            await asyncio.wait_for(again.read(work) if how == "read" else parts.write(work), 10)
        assert tried == [how]
        assert "Stop the panel and restore a backup" in (await why_away(again) or "")
    finally:
        again.close()


async def test_what_was_acknowledged_is_there_after_the_writer_was_killed(sqlite_database_url: str) -> None:
    command = [sys.executable, "-c", WRITE_AND_TELL, sqlite_database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(50)][-1]
        writer.send_signal(signal.SIGKILL)
        told = (writer.stdout.read().splitlines() or [told])[-1]  # with what was read ahead
    database = SqlDatabase(sqlite_database_url)
    try:
        assert await database.read(count) in {int(told) + 1, int(told) + 2}
    finally:
        database.close()


def test_closing_leaves_no_connection_behind(sqlite_database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", OPEN_USE_AND_CLOSE, sqlite_database_url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@contextmanager
def lock_held(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the write lock until the block ends or it is told to let go."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            let_go(holder)
            holder.wait(10)


def engine_parts(database: SqlDatabase) -> Parts:
    """As much of an engine as writes into a database until it answers."""
    events = Events()
    return Parts(
        db=database,
        ledger=ledger(events),
        events=events,
        vault=Vault(Vault.new_key()),
        logs=cast("Logs", None),
        owner="this start",
    )


def let_go(holder: subprocess.Popen[str]) -> None:
    """Tells the holder to release the lock; no error when it was told before."""
    assert holder.stdin is not None
    holder.stdin.close()


def add_user(tx: Tx, name: str = "") -> None:
    number = count(tx)
    tx.execute(insert(users).values(user_id=str(number), name=name, created_at=tx.now))


def count(tx: Tx) -> int:
    number: int = tx.scalar(select(func.count()).select_from(users))
    return number
