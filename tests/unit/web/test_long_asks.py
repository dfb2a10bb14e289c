"""What takes longer than a page: one of it at a time, told to each who looks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from headway.kernel.errors import InvalidInput, Unavailable
from headway.pages.page import UnderWay
from headway.web import long_asks
from headway.web.long_asks import LongAsks

NOW = datetime(2026, 11, 29, tzinfo=UTC)
SINCE = UnderWay(since=NOW)


class Work:
    """What is asked, and how often it was begun and ended from outside."""

    def __init__(self) -> None:
        self.asks = LongAsks()
        self.go, self.at_work = asyncio.Event(), asyncio.Event()
        self.begun = self.ended = 0

    async def ask(self) -> str:
        self.begun += 1
        number = self.begun
        self.at_work.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ended += 1
            raise
        return f"answer {number}"

    async def look(self, state: str = "a", *, anew: bool = False, key: str = "key") -> object:
        return await self.asks.of(key, state, NOW, self.ask, anew=anew)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setattr(long_asks, "AT_ONCE_SECONDS", 0.01)
    return Work()


async def test_it_goes_on_while_nobody_waits_and_is_asked_once(work: Work) -> None:
    assert [await work.look(anew=True), await work.look(anew=True), await work.look()] == [SINCE] * 3
    assert work.begun == 1
    work.go.set()
    assert await work.look(anew=True) == "answer 1", "what was found before somebody came is told first"
    assert await work.look() == "answer 1"
    assert await work.look(anew=True) == "answer 2"


async def test_another_state_is_another_one_in_place_of_the_one_before(work: Work) -> None:
    first = asyncio.create_task(work.look("a"))
    await asyncio.wait_for(work.at_work.wait(), 5)
    assert await work.look("b") == SINCE
    assert await first == SINCE
    assert (work.begun, work.ended) == (2, 1)


async def test_what_goes_wrong_is_told_to_each_who_looks(work: Work) -> None:
    async def fail() -> str:
        raise InvalidInput("There is no such repository.")

    for _ in range(2):
        with pytest.raises(InvalidInput, match="no such repository"):
            await work.asks.of("key", "a", NOW, fail, anew=False)


async def test_nothing_is_kept_for_ever(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_asks, "KEPT_SECONDS", 0.01)
    work.go.set()
    assert await work.look() == "answer 1"
    await asyncio.sleep(0.1)
    assert await work.look() == "answer 2"


async def test_there_are_so_many_at_a_time_and_none_after_the_end(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_asks, "MOST", 2)
    for key in ("one", "two"):
        assert await work.look(key=key) == SINCE
    with pytest.raises(Unavailable):
        await work.look(key="three")
    work.asks.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert work.ended == 2
    with pytest.raises(Unavailable):
        await work.look(key="four")
