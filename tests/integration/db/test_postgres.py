"""PostgreSQL as it is used here: every wait bounded; away when it is stopped, read-only or held by somebody else."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import func, insert, select, text

from headway.infra.db.engine import DatabaseAway, SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.tables.access import users
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from tests.support.databases.postgres import Cluster, running_cluster

pytestmark = pytest.mark.postgres


@pytest.fixture
def database(postgres_database_url: str) -> Iterator[SqlDatabase]:
    database = SqlDatabase(postgres_database_url)
    yield database
    database.close()


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """A server that a test may stop."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def own_database(own_cluster: Cluster) -> Iterator[SqlDatabase]:
    database = SqlDatabase(own_cluster.loopback_url("postgres"))
    migrate(database)
    yield database
    database.close()


async def test_while_the_server_is_stopped_it_is_away_and_afterwards_nothing_was_lost(
    own_cluster: Cluster, own_database: SqlDatabase
) -> None:
    before = await own_database.read(count)
    await asyncio.gather(*(own_database.run(add_user) for _ in range(10)))
    own_cluster.stop()
    try:
        results = await asyncio.gather(
            *(call(count) for call in [own_database.run, own_database.read] * 6), return_exceptions=True
        )
        assert {type(result) for result in results} == {DatabaseAway}
        with pytest.raises(DatabaseAway):
            migrate(own_database)
    finally:
        own_cluster.start()
    await own_database.run(add_user)
    assert await own_database.read(count) == before + 11


async def test_a_server_that_was_started_again_is_not_noticed(own_cluster: Cluster, own_database: SqlDatabase) -> None:
    before = await own_database.read(count)
    own_cluster.stop()
    own_cluster.start()
    assert await own_database.read(count) == before


async def test_a_transaction_whose_server_stops_is_away_and_leaves_nothing(
    own_cluster: Cluster, own_database: SqlDatabase
) -> None:
    before = await own_database.read(count)
    begun, go_on = threading.Event(), threading.Event()

    def work(tx: Tx) -> None:
        add_user(tx)
        begun.set()
        assert go_on.wait(10)
        add_user(tx)

    working = asyncio.create_task(own_database.run(work))
    await asyncio.to_thread(begun.wait, 10)
    own_cluster.stop()
    own_cluster.start()
    go_on.set()
    with pytest.raises(DatabaseAway):
        await working
    assert await own_database.read(count) == before


async def test_a_read_only_database_is_away_for_writes_and_can_be_read(database: SqlDatabase) -> None:
    await database.run(add_user)
    name = await database.read(lambda tx: tx.scalar(select(func.current_database())))
    await database.run(lambda tx: tx.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on")))
    again = SqlDatabase(database.url)
    try:
        with pytest.raises(DatabaseAway, match="read-only"):
            await again.run(add_user)
        assert await again.read(count) == 1
    finally:
        again.close()


@pytest.mark.slow
async def test_a_row_that_somebody_else_locks_is_waited_for_and_then_away(database: SqlDatabase) -> None:
    await database.run(add_user)
    with psycopg.connect(database.url) as other:
        other.execute("SELECT * FROM users FOR UPDATE")
        begun = time.monotonic()
        with pytest.raises(DatabaseAway, match="lock timeout"):
            await database.run(lambda tx: tx.execute(select(users).with_for_update()))
        assert time.monotonic() - begun > 2.5
    assert await database.run(lambda tx: len(tx.execute(select(users).with_for_update()).all())) == 1


async def test_two_that_wait_for_each_other_both_commit_in_the_end(database: SqlDatabase) -> None:
    both = threading.Barrier(2)

    def locks(first: str, second: str) -> Callable[[Tx], None]:
        def work(tx: Tx) -> None:
            add_user(tx)
            tx.lock(first)
            with contextlib.suppress(threading.BrokenBarrierError):  # the second time the other has gone on
                both.wait(5)
            both.abort()
            tx.lock(second)

        return work

    await asyncio.gather(database.run(locks("a", "b")), database.run(locks("b", "a")))
    assert await database.read(count) == 2


async def test_a_session_that_is_ended_in_a_transaction_is_away(database: SqlDatabase) -> None:
    def work(tx: Tx) -> None:
        pid = tx.scalar(select(func.pg_backend_pid()))
        add_user(tx)
        with psycopg.connect(database.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        add_user(tx)

    with pytest.raises(DatabaseAway):
        await database.run(work)
    assert await database.read(count) == 0


@pytest.mark.parametrize(
    ("setting", "value"),
    [("timezone", "UTC"), ("lock_timeout", "3s"), ("idle_in_transaction_session_timeout", "15s")],
)
async def test_a_setting_is_in_force(database: SqlDatabase, setting: str, value: str) -> None:
    assert await database.run(lambda tx: tx.scalar(text(f"SHOW {setting}"))) == value


async def test_what_is_committed_is_on_the_disk_whatever_the_servers_own_default_is(postgres_database_url: str) -> None:
    with psycopg.connect(postgres_database_url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as made:
        made.execute(f'ALTER DATABASE "{made.info.dbname}" SET synchronous_commit = off')
        assert made.execute("SELECT 1").fetchone()
    database = SqlDatabase(postgres_database_url)
    try:
        for ask in (database.run, database.read):
            assert await ask(lambda tx: tx.scalar(text("SHOW synchronous_commit"))) == "on"
    finally:
        database.close()


async def test_options_of_the_url_come_last(postgres_database_url: str) -> None:
    database = SqlDatabase(f"{postgres_database_url}&options=-c%20lock_timeout%3D7s")
    try:
        assert await database.run(lambda tx: tx.scalar(text("SHOW lock_timeout"))) == "7s"
        assert await database.run(lambda tx: tx.scalar(text("SHOW timezone"))) == "UTC"
    finally:
        database.close()


async def test_the_time_of_a_transaction_is_the_servers(database: SqlDatabase) -> None:
    def work(tx: Tx) -> None:
        before = tx.scalar(select(func.clock_timestamp()))
        now = tx.now
        assert before <= now <= tx.scalar(select(func.clock_timestamp()))

    await database.run(work)


def add_user(tx: Tx) -> None:
    tx.execute(insert(users).values(user_id=new_id(), name="", created_at=tx.now))


def count(tx: Tx) -> int:
    number: int = tx.scalar(select(func.count()).select_from(users))
    return number
