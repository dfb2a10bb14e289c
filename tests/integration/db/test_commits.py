"""Asking a PostgreSQL less where the panel alone commits: nothing that it says is older than a commit of anybody's whom
its seat keeps away, nor by more than a second than one of those whom nothing does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import psycopg
import pytest

from headway.core.deployments.response_cache import ResponseCache
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.seat import Seat
from headway.infra.db.transaction import Tx
from tests.integration.db.test_postgres_version import cut_off
from tests.support.panel.factories import add_host
from tests.support.panel.panel import until

pytestmark = pytest.mark.postgres

_QUESTIONS = "SELECT state_change FROM pg_stat_activity WHERE query LIKE 'SELECT CAST(pg_current_snapshot()%'"
_THE_SEATS = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"


@pytest.fixture
def seat(postgres_database_url: str) -> Iterator[Seat]:
    """The seat at a database, which a panel has."""
    database = SqlDatabase(postgres_database_url)
    seat = Seat(database)
    seat.take()
    seat.hold()  # as the panel does, some seconds later
    yield seat
    seat.leave()
    database.close()


@pytest.fixture
def alone(seat: Seat) -> SqlDatabase:
    """The database of the seat."""
    return seat.database


@pytest.fixture
def elsewhere(alone: SqlDatabase) -> Iterator[SqlDatabase]:
    """The same database, as another process has it."""
    other = SqlDatabase(alone.url)
    yield other
    other.close()


def add(tx: Tx, number: int) -> None:
    add_host(tx, host_id=f"host{number}")


def count(tx: Tx) -> int:
    return int(tx.connection.exec_driver_sql("SELECT count(*) FROM hosts").scalar_one())


def last_question(url: str) -> object:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        return connection.execute(_QUESTIONS).fetchone()


async def test_who_is_alone_and_commits_nothing_is_asked_no_question(alone: SqlDatabase) -> None:
    first = await alone.version.now()
    before = await asyncio.to_thread(last_question, alone.url)
    assert before is not None
    assert {await alone.version.now() for _ in range(100)} == {first}
    assert await asyncio.to_thread(last_question, alone.url) == before


async def test_nothing_kept_is_older_than_a_commit_of_ones_own_even_before_that_is_told(alone: SqlDatabase) -> None:
    shelf: ResponseCache[int] = ResponseCache(alone.version, lambda _: 1)
    written = 0

    async def write() -> None:
        nonlocal written
        for number in range(1, 100):
            await alone.run(lambda tx, number=number: add(tx, number))  # type: ignore[misc]
            written = number

    async def ask() -> None:
        while written < 99:
            told, seen = written, await alone.read(count)
            assert await shelf.get("hosts", lambda: alone.read(count)) >= max(told, seen)

    await asyncio.gather(write(), *(ask() for _ in range(4)))


async def test_a_commit_whose_answer_is_lost_may_come_at_any_time(alone: SqlDatabase, seat: Seat) -> None:
    async def marks() -> set[object]:
        return {await alone.version.now() for _ in range(3)}

    with psycopg.connect(alone.url.replace("postgresql+psycopg", "postgresql")) as late:
        late.execute("CREATE TABLE late (n int)")
        with pytest.raises(ConnectionError), alone.commits.sent():
            raise ConnectionError
        before = await marks()
        await asyncio.to_thread(seat.hold)
        assert alone.commits.in_doubt
        late.commit()
        assert not before & await marks()
    await asyncio.to_thread(seat.hold)
    assert not alone.commits.in_doubt


async def test_a_seat_that_is_lost_keeps_nobody_away(alone: SqlDatabase, elsewhere: SqlDatabase) -> None:
    before = await alone.version.now()
    with psycopg.connect(alone.url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute(_THE_SEATS)
    await elsewhere.run(lambda tx: add(tx, 1))
    assert await alone.version.now() != before


async def test_a_seat_of_which_nothing_was_heard_for_long_keeps_nobody_away(
    alone: SqlDatabase, elsewhere: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await alone.version.now()
    late, clock = time.clock_gettime(time.CLOCK_BOOTTIME) + 10.5, time.clock_gettime
    # As after a machine was suspended: the other clocks of the process stand still meanwhile.
    monkeypatch.setattr(
        "headway.infra.db.seat.time.clock_gettime", lambda which: late if which == time.CLOCK_BOOTTIME else clock(which)
    )
    await elsewhere.run(lambda tx: add(tx, 1))
    assert await alone.version.now() != before


async def test_what_is_changed_by_hand_is_seen_after_a_second(
    alone: SqlDatabase, elsewhere: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await alone.version.now()
    await elsewhere.run(lambda tx: add(tx, 1))
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "time", lambda clock=loop.time: clock() + 1)
    assert await alone.version.now() != before


async def test_a_seat_that_is_taken_again_keeps_others_away_again(alone: SqlDatabase, seat: Seat) -> None:
    await asyncio.to_thread(cut_off, alone.url)
    await asyncio.to_thread(until, lambda: not alone.commits.alone(), 5, what="the server has closed what it cut off")
    await asyncio.to_thread(seat.hold)
    assert alone.commits.alone()
    seat.leave()
    assert not alone.commits.alone()


async def test_a_seat_that_was_just_taken_vouches_for_nothing_of_before(alone: SqlDatabase, seat: Seat) -> None:
    async def marks() -> set[object]:
        return {await alone.version.now() for _ in range(3)}

    with psycopg.connect(alone.url.replace("postgresql+psycopg", "postgresql")) as late:
        late.execute("CREATE TABLE late (n int)")  # as a panel that was here before, or oneself, may have left it
        begun, before = alone.commits.begun, await marks()
        await asyncio.to_thread(seat.leave)
        await asyncio.to_thread(seat.take)
        assert alone.commits.in_doubt
        assert alone.commits.begun > begun, "what was answered before is asked again"
        late.commit()
        assert not before & await marks()
    await asyncio.to_thread(seat.hold)
    assert not alone.commits.in_doubt
