"""Kept answers on both databases: never older than a commit that whoever asks may know of, whoever committed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from headway.core.deployments.response_cache import ResponseCache
from headway.core.deployments.store import find, set_fields
from headway.infra.db.engine import SqlDatabase
from headway.kernel.errors import NotFound
from tests.support.panel.factories import add_host, ledger, request


class Reader:
    """Reads a deployment's title, and counts how often."""

    def __init__(self, database: SqlDatabase, most_bytes: int = 1_000) -> None:
        self.database = database
        self.shelf: ResponseCache[str] = ResponseCache(database.version, len, most_bytes)
        self.readings = 0

    async def title(self, deployment_id: str) -> str:
        """The title as it is, or is kept."""

        async def make() -> str:
            self.readings += 1
            return (await self.database.read(lambda tx: find(tx, deployment_id))).title

        return await self.shelf.get(deployment_id, make)


@pytest.fixture
def elsewhere(database: SqlDatabase) -> Iterator[SqlDatabase]:
    """The same database, as another process has it."""
    other = SqlDatabase(database.url)
    yield other
    other.close()


async def _deployment(database: SqlDatabase) -> str:
    await database.run(add_host)
    return (await database.run(lambda tx: ledger().enqueue(tx, request(title="0")))).deployment_id


async def test_what_is_kept_is_given_until_somebody_commits(database: SqlDatabase) -> None:
    reader, deployment_id = Reader(database), await _deployment(database)
    assert [await reader.title(deployment_id) for _ in range(5)] == ["0"] * 5
    assert reader.readings == 1
    await database.run(lambda tx: set_fields(tx, deployment_id, title="1"))
    assert (await reader.title(deployment_id), reader.readings) == ("1", 2)


async def test_no_answer_is_older_than_a_commit_of_another_process(
    database: SqlDatabase, elsewhere: SqlDatabase
) -> None:
    reader, deployment_id = Reader(database), await _deployment(database)
    for number in range(20):
        await elsewhere.run(lambda tx, title=str(number): set_fields(tx, deployment_id, title=title))  # type: ignore[misc]
        assert await reader.title(deployment_id) == str(number)


async def test_no_answer_is_older_than_a_commit_whose_writer_has_not_been_told(database: SqlDatabase) -> None:
    reader, deployment_id = Reader(database), await _deployment(database)
    written = 0

    async def write() -> None:
        nonlocal written
        for number in range(1, 60):
            await database.run(lambda tx, title=str(number): set_fields(tx, deployment_id, title=title))  # type: ignore[misc]
            written = number

    async def ask() -> None:
        while written < 59:
            told = written
            seen = int((await database.read(lambda tx: find(tx, deployment_id))).title)
            assert int(await reader.title(deployment_id)) >= max(seen, told)

    await asyncio.gather(write(), *(ask() for _ in range(4)))


async def test_many_that_ask_at_once_cause_one_reading(database: SqlDatabase) -> None:
    reader, deployment_id = Reader(database), await _deployment(database)
    assert set(await asyncio.gather(*(reader.title(deployment_id) for _ in range(50)))) == {"0"}
    assert reader.readings == 1


async def test_a_refusal_is_kept_by_nobody(database: SqlDatabase) -> None:
    reader = Reader(database)
    for _ in range(2):
        with pytest.raises(NotFound):
            await reader.title("missing")
    assert reader.readings == 2


async def test_more_than_there_is_room_for_is_made_again(database: SqlDatabase) -> None:
    deployment_id = await _deployment(database)
    for most_bytes, readings in ((0, 3), (100, 1)):
        reader = Reader(database, most_bytes)
        assert [await reader.title(deployment_id) for _ in range(3)] == ["0"] * 3
        assert reader.readings == readings


async def test_answers_of_nothing_take_room_by_what_they_were_asked(database: SqlDatabase) -> None:
    shelf: ResponseCache[str] = ResponseCache(database.version, len, 10_000)
    made = list[int]()

    async def nothing(number: int) -> str:
        made.append(number)
        return ""

    for number in range(20):
        await shelf.get((number, "x" * 1_000), lambda number=number: nothing(number))  # type: ignore[misc]
    await shelf.get((19, "x" * 1_000), lambda: nothing(19))
    await shelf.get((0, "x" * 1_000), lambda: nothing(0))
    assert made == [*range(20), 0]
