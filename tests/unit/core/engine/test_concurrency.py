"""Work side by side: bounded, and each to its end."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from headway.core.engine.concurrency import at_once
from headway.kernel.errors import Conflict, Unavailable


async def test_no_more_than_the_bound_goes_on_at_a_time_and_all_of_it_is_done() -> None:
    going, most, done = 0, 0, 0

    async def work() -> None:
        nonlocal going, most, done
        going += 1
        most = max(most, going)
        await asyncio.sleep(0.001)
        going -= 1
        done += 1

    await at_once((work() for _ in range(20)), 3)
    assert (most, done) == (3, 20)


@pytest.mark.parametrize("first", [Unavailable("away"), FileNotFoundError("away")])
async def test_what_goes_wrong_with_one_is_told_when_the_others_are_done(first: Exception) -> None:
    ended = list[int]()

    async def work(number: int) -> None:
        await asyncio.sleep(0.001 * number)
        if number in {1, 2}:
            raise first if number == 1 else Conflict("taken")
        ended.append(number)

    with pytest.raises(type(first), match="away"):
        await at_once((work(number) for number in range(5)), 2)
    assert ended == [0, 3, 4]


async def test_cancelled_it_leaves_nothing_under_way() -> None:
    ends = list[str]()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ends.append("ended")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await at_once((work() for _ in range(3)), 2)
    assert ends == ["ended", "ended"]


async def test_what_is_ended_before_it_began_is_closed_too() -> None:
    async def work() -> None:
        """Nothing; what is never begun nor closed is told of wherever it is collected."""

    given = [work() for _ in range(3)]
    going = asyncio.create_task(at_once(given, 2))
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert {inspect.getcoroutinestate(each) for each in given} == {inspect.CORO_CLOSED}


async def test_where_the_work_itself_cannot_be_told_what_was_made_is_told_of_by_nobody() -> None:
    async def work() -> None:
        raise AssertionError("it was not to begin")

    def works() -> Iterator[Coroutine[Any, Any, None]]:
        yield work()
        yield work()
        raise Conflict("no more")

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(ExceptionGroup):
            await at_once(works())
        gc.collect()
    assert [str(each.message) for each in told] == []
