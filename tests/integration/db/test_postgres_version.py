"""Asking a PostgreSQL what is committed: through restarts and cut connections, for many at once, for who gives up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.tables.access import users
from headway.infra.db.transaction import Tx
from tests.support.databases.postgres import Cluster, running_cluster
from tests.support.panel.factories import add_host

pytestmark = pytest.mark.postgres

_OTHERS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


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


def cut_off(url: str) -> None:
    """Ends all connections to a database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_OTHERS, [connection.info.dbname])


async def test_it_changes_with_each_commit_and_with_nothing_else(database: SqlDatabase) -> None:
    marks = []
    for number in range(5):
        marks += [await database.version.now(), await database.version.now()]
        await database.read(lambda tx: tx.execute(users.select()).all())
        marks.append(await database.version.now())
        await database.run(lambda tx, number=number: add_host(tx, host_id=f"host{number}"))  # type: ignore[misc]
    assert None not in marks
    assert [marks[at] == marks[at + 1] for at in range(len(marks) - 1)] == ([True, True, False] * 5)[:-1]


async def test_many_who_ask_at_once_are_all_answered_with_few_questions(database: SqlDatabase) -> None:
    await database.version.now()
    marks = await asyncio.gather(*(database.version.now() for _ in range(500)))
    assert set(marks) == {await database.version.now()} != {None}


async def test_who_gives_up_takes_nobodys_answer_away(database: SqlDatabase) -> None:
    for _ in range(20):
        asking = [asyncio.ensure_future(database.version.now()) for _ in range(6)]  # noqa: TID251 - cancelled below
        await asyncio.sleep(0)
        for task in asking[::2]:
            task.cancel()
        marks = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(mark, asyncio.CancelledError) for mark in marks[::2])
        assert all(isinstance(mark, bytes) for mark in marks[1::2])


async def test_a_connection_that_was_cut_is_made_again(database: SqlDatabase, postgres_database_url: str) -> None:
    assert await database.version.now() is not None
    await asyncio.to_thread(cut_off, postgres_database_url)
    marks = [await database.version.now() for _ in range(3)]
    assert None not in marks[1:]  # the first may be the one that notices the cut


async def test_while_the_server_is_stopped_it_cannot_be_told(own_cluster: Cluster) -> None:
    database = SqlDatabase(own_cluster.loopback_url("postgres"))
    try:
        migrate(database)
        before = await database.version.now()
        own_cluster.stop()
        assert [await database.version.now() for _ in range(3)] == [None] * 3
        own_cluster.start()
        assert None not in {before, await database.version.now()}
    finally:
        database.close()


async def test_a_transaction_that_ends_while_a_question_is_under_way_is_seen_by_the_next(
    database: SqlDatabase,
) -> None:
    def add(tx: Tx, number: int) -> None:
        add_host(tx, host_id=f"host{number}")

    seen = await database.version.now()
    for number in range(50):
        asked = asyncio.gather(*(database.version.now() for _ in range(3)))
        await database.run(lambda tx, number=number: add(tx, number))  # type: ignore[misc]
        after = await database.version.now()
        assert after != seen
        assert after not in {seen, None}
        await asked
        seen = after
