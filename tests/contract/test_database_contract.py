"""What every database promises: atomic transactions off the event loop, one time for each, effects after the commit."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from headway.infra.db.engine import DatabaseAway, SqlDatabase
from headway.infra.db.tables import metadata
from headway.infra.db.tables.access import organizations
from headway.infra.db.tables.deployments import outbox
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id


class Refused(Exception):
    """What a transaction's function raises."""


async def test_what_a_write_transaction_wrote_is_read_afterwards(database: SqlDatabase) -> None:
    organization_id = await database.run(lambda tx: add_organization(tx, "Acme"))
    assert await database.read(lambda tx: name_of(tx, organization_id)) == "Acme"


async def test_a_write_transaction_that_raises_leaves_nothing(database: SqlDatabase) -> None:
    def work(tx: Tx) -> None:
        add_organization(tx, "first")
        add_organization(tx, "second")
        raise Refused

    with pytest.raises(Refused):
        await database.run(work)
    assert await database.read(count) == 0


async def test_a_unique_violation_in_a_savepoint_leaves_the_rest_of_the_transaction(database: SqlDatabase) -> None:
    def work(tx: Tx) -> None:
        organization_id = add_organization(tx, "first")
        with pytest.raises(IntegrityError), tx.connection.begin_nested():
            add_organization(tx, "again", organization_id)
        add_organization(tx, "second")

    await database.run(work)
    assert await database.read(count) == 2


async def test_references_are_enforced(database: SqlDatabase) -> None:
    from headway.infra.db.tables.projects import projects

    def work(tx: Tx) -> None:
        tx.execute(
            insert(projects).values(
                project_id=new_id(), organization_id=new_id(), name="", env="", created_at=datetime.now(UTC)
            )
        )

    with pytest.raises(IntegrityError):
        await database.run(work)


async def test_a_read_sees_no_uncommitted_write_and_does_not_wait_for_one(database: SqlDatabase) -> None:
    wrote, go_on = threading.Event(), threading.Event()

    def work(tx: Tx) -> None:
        add_organization(tx, "slow")
        wrote.set()
        assert go_on.wait(60)

    writing = asyncio.create_task(database.run(work))
    await asyncio.to_thread(wrote.wait, 10)
    assert await asyncio.wait_for(database.read(count), 20) == 0
    go_on.set()
    await writing
    assert await database.read(count) == 1


async def test_a_transaction_that_only_reads_cannot_write(database: SqlDatabase) -> None:
    with pytest.raises(DBAPIError):
        await database.read(lambda tx: add_organization(tx, "never"))
    assert await database.read(count) == 0


async def test_the_event_loop_is_free_while_a_transaction_works(database: SqlDatabase) -> None:
    def work(_tx: Tx) -> int:
        assert released.wait(10), "the loop could not set this while the transaction held it"
        return 7

    released = threading.Event()
    working = asyncio.create_task(database.run(work))
    asyncio.get_running_loop().call_later(0.02, released.set)
    assert await working == 7


async def test_a_mistake_in_a_statement_is_not_called_absence(database: SqlDatabase) -> None:
    with pytest.raises(DBAPIError):
        await database.run(lambda tx: tx.execute(text("SELECT * FROM no_such_table")))
    with pytest.raises(DBAPIError):
        await database.read(lambda tx: tx.execute(text("SELEKT 1")))


async def test_many_transactions_at_once_all_happen(database: SqlDatabase) -> None:
    await asyncio.gather(*(database.run(lambda tx: add_organization(tx, "one of many")) for _ in range(60)))
    assert await database.read(count) == 60


# Time.


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
        datetime(2262, 4, 12, tzinfo=UTC),
    ],
)
async def test_a_time_comes_back_as_it_went_in(database: SqlDatabase, moment: datetime) -> None:
    organization_id = await database.run(lambda tx: add_organization(tx, "", created_at=moment))
    back = await database.read(lambda tx: created_at_of(tx, organization_id))
    assert back == moment
    assert back.tzinfo is UTC


async def test_a_time_of_another_zone_comes_back_in_utc(database: SqlDatabase) -> None:
    from zoneinfo import ZoneInfo

    moment = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    organization_id = await database.run(lambda tx: add_organization(tx, "", created_at=moment))
    back = await database.read(lambda tx: created_at_of(tx, organization_id))
    assert back == moment
    assert back.isoformat() == "2026-07-01T10:00:00+00:00"


async def test_times_compare_in_the_database(database: SqlDatabase) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def work(tx: Tx) -> list[str]:
        for minutes in (3, 1, 2):
            add_organization(tx, str(minutes), created_at=start + timedelta(minutes=minutes))
        c = organizations.c
        later = c.created_at > start + timedelta(minutes=1)
        return list(tx.execute(select(c.name).where(later).order_by(c.created_at)).scalars())

    assert await database.run(work) == ["2", "3"]


async def test_one_transaction_has_one_time_and_the_next_a_later_one(database: SqlDatabase) -> None:
    def work(tx: Tx) -> datetime:
        first = tx.now
        until = time.monotonic() + 0.002
        while time.monotonic() < until:
            pass
        assert tx.now == first
        assert first.tzinfo is UTC
        return first

    first, second = await database.run(work), await database.run(work)
    assert first < second
    assert abs(datetime.now(UTC) - second) < timedelta(seconds=10)


# What happens after the commit.


async def test_effects_happen_after_the_commit_in_order_on_the_event_loop(database: SqlDatabase) -> None:
    loop_thread, told = threading.get_ident(), []

    def work(tx: Tx) -> None:
        add_organization(tx, "")
        tx.after(lambda: told.append(("first", threading.get_ident())))
        tx.after(lambda: told.append(("second", threading.get_ident())))
        assert told == []

    await database.run(work)
    assert told == [("first", loop_thread), ("second", loop_thread)]


async def test_an_effect_that_fails_keeps_no_other_from_happening(
    database: SqlDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def fail() -> None:
        raise Refused

    def work(tx: Tx) -> str:
        tx.after(fail)
        tx.after(lambda: told.append("told"))
        return add_organization(tx, "")

    assert await database.run(work)
    assert told == ["told"]
    assert "what was to follow a commit failed" in caplog.messages


async def test_effects_of_a_transaction_that_is_rolled_back_never_happen(database: SqlDatabase) -> None:
    told: list[str] = []

    def work(tx: Tx) -> None:
        tx.after(lambda: told.append("never"))
        raise Refused

    with pytest.raises(Refused):
        await database.run(work)
    await database.run(lambda tx: tx.after(lambda: told.append("the next one")))
    assert told == ["the next one"]


async def test_a_caller_that_is_cancelled_leaves_a_finished_transaction_whose_effects_happen(
    database: SqlDatabase,
) -> None:
    begun, go_on, told = threading.Event(), threading.Event(), asyncio.Event()

    def work(tx: Tx) -> None:
        add_organization(tx, "")
        tx.after(told.set)
        begun.set()
        assert go_on.wait(10)

    caller = asyncio.create_task(database.run(work))
    await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await asyncio.wait_for(told.wait(), 10)
    assert await database.read(count) == 1


# Locks between transactions.


async def test_transactions_that_lock_one_name_do_not_overlap(database: SqlDatabase) -> None:
    inside: list[int] = []
    seen: list[int] = []

    def work(tx: Tx) -> None:
        tx.lock("a name")
        inside.append(1)
        until = time.monotonic() + 0.01
        while time.monotonic() < until:
            seen.append(len(inside))
        inside.pop()

    await asyncio.gather(*(database.run(work) for _ in range(8)))
    assert set(seen) == {1}


async def test_counting_under_a_lock_loses_nothing(database: SqlDatabase) -> None:
    def work(tx: Tx) -> None:
        tx.lock("counter")
        number = tx.scalar(select(func.count()).select_from(outbox))
        tx.execute(insert(outbox).values(topic=str(number), payload={}, created_at=tx.now))

    await asyncio.gather(*(database.run(work) for _ in range(40)))
    topics = await database.read(lambda tx: set(tx.execute(select(outbox.c.topic)).scalars()))
    assert topics == {str(number) for number in range(40)}


@pytest.mark.postgres
async def test_on_postgres_two_names_do_not_wait_for_each_other(postgres_database_url: str) -> None:
    database = SqlDatabase(postgres_database_url)
    both = threading.Barrier(2, timeout=10)

    def work(name: str) -> Callable[[Tx], None]:
        def locked(tx: Tx) -> None:
            tx.lock(name)
            both.wait()

        return locked

    try:
        await asyncio.gather(database.run(work("one")), database.run(work("other")))
    finally:
        database.close()


# Closing.


async def test_close_waits_for_what_runs(database_url: str) -> None:
    database = SqlDatabase(database_url)
    begun = threading.Event()

    def work(tx: Tx) -> None:
        begun.set()
        add_organization(tx, "the last")

    running = asyncio.create_task(database.run(work))
    await asyncio.to_thread(begun.wait, 10)
    await asyncio.to_thread(database.close)
    await running
    again = SqlDatabase(database_url)
    try:
        assert await again.read(count) == 1
    finally:
        again.close()


def test_every_table_can_be_written_and_read(database: SqlDatabase) -> None:
    assert {table.name for table in metadata.sorted_tables} >= {"deployments", "leases", "hosts", "services"}
    for table in metadata.sorted_tables:
        with database.writer.begin() as connection:
            assert connection.scalar(select(func.count()).select_from(table)) == 0, table.name


async def test_absence_is_an_answer_that_says_to_try_again() -> None:
    database = SqlDatabase("postgresql://nobody@127.0.0.1:1/nothing")
    try:
        with pytest.raises(DatabaseAway, match=r"cannot be used now: .*refused.* Try again shortly\.$"):
            await database.read(count)
    finally:
        database.close()


def add_organization(tx: Tx, name: str, organization_id: str = "", created_at: datetime | None = None) -> str:
    organization_id = organization_id or new_id()
    tx.execute(
        insert(organizations).values(organization_id=organization_id, name=name, created_at=created_at or tx.now)
    )
    return organization_id


def name_of(tx: Tx, organization_id: str) -> str:
    name: str = tx.scalar(select(organizations.c.name).where(organizations.c.organization_id == organization_id))
    return name


def created_at_of(tx: Tx, organization_id: str) -> datetime:
    c = organizations.c
    created_at: datetime = tx.scalar(select(c.created_at).where(c.organization_id == organization_id))
    return created_at


def count(tx: Tx) -> int:
    number: int = tx.scalar(select(func.count()).select_from(organizations))
    return number
