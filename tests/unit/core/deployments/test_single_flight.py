"""What many ask for at once: how often it is made, and that nobody is given what is older than their question."""

from __future__ import annotations

import asyncio
import gc
import random

import pytest

from headway.core.deployments.response_cache import SingleFlight


class Reading:
    """What changes all the time, read by a maker that takes a while."""

    def __init__(self) -> None:
        self.state = 0
        self.begun = 0
        self.flights: SingleFlight[int] = SingleFlight()

    async def make(self) -> int:
        """What it was when this began, so that nothing of what came meanwhile is in it."""
        self.begun += 1
        seen = self.state
        for _ in range(random.randrange(1, 6)):
            await asyncio.sleep(0)
            self.state += 1
        return seen

    async def ask(self) -> None:
        """Asks, and looks that what was asked after is in it."""
        known = self.state
        assert await self.flights.get("key", self.make) >= known


async def test_who_asks_meanwhile_waits_for_what_is_under_way_and_one_more() -> None:
    flights: SingleFlight[int] = SingleFlight()
    begun, may_end = 0, asyncio.Event()

    async def make() -> int:
        nonlocal begun
        begun += 1
        number = begun
        await may_end.wait()
        return number

    first = asyncio.create_task(flights.get("key", make))
    await asyncio.sleep(0)
    others = [asyncio.create_task(flights.get("key", make)) for _ in range(100)]
    await asyncio.sleep(0)
    assert begun == 1
    may_end.set()
    assert await asyncio.gather(first, *others) == [1, *[2] * 100]


@pytest.mark.parametrize("seed", range(20))
async def test_nobody_is_given_what_began_before_they_asked(seed: int) -> None:
    random.seed(seed)
    reading = Reading()

    async def ask_now_and_then() -> None:
        for _ in range(20):
            for _ in range(random.randrange(8)):
                await asyncio.sleep(0)
            await reading.ask()

    await asyncio.gather(*(ask_now_and_then() for _ in range(10)))
    assert reading.begun < 10 * 20 / 2


async def test_what_fails_or_is_given_up_is_made_again_by_the_next() -> None:
    flights: SingleFlight[str] = SingleFlight()
    begun, second_began = 0, asyncio.Event()

    async def make() -> str:
        nonlocal begun
        begun += 1
        number = begun
        await asyncio.sleep(0)
        if number == 1:
            raise LookupError
        if number == 2:
            second_began.set()
            await asyncio.Event().wait()
        return "made"

    asked = [asyncio.create_task(flights.get("key", make)) for _ in range(4)]
    await second_began.wait()
    asked[1].cancel()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(found[0], LookupError)
    assert isinstance(found[1], asyncio.CancelledError)
    assert (found[2:], begun) == (["made", "made"], 3)


async def test_what_may_not_be_shared_is_made_for_each() -> None:
    made = iter(range(10))
    flights: SingleFlight[int] = SingleFlight(lambda _made: False)

    async def make() -> int:
        await asyncio.sleep(0)
        return next(made)

    assert await asyncio.gather(*(flights.get("key", make) for _ in range(5))) == [0, 1, 2, 3, 4]


async def test_each_key_has_its_own_and_nothing_stays() -> None:
    flights: SingleFlight[int] = SingleFlight()

    async def make(number: int) -> int:
        await asyncio.sleep(0)
        return number

    asked = [flights.get(number % 3, lambda number=number: make(number % 3)) for number in range(12)]  # type: ignore[misc]
    assert await asyncio.gather(*asked) == [number % 3 for number in range(12)]
    gc.collect()
    assert len(flights._flights) == 0
