"""Seats: whose address is bounded, and that who is refused leaves others theirs."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from headway.http.seats import Bounds, Seats
from headway.kernel.errors import Unavailable

FEW = Bounds(in_all=8, of_token=8, of_address=2, wait_seconds=0.01)


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::/64", "2001:db8::7"])
async def test_one_place_takes_its_own_seats_and_leaves_others_theirs(address: str) -> None:
    seats = Seats(FEW, "forms")
    async with AsyncExitStack() as held:
        for _ in range(2):
            await held.enter_async_context(seats.one("", address))
        with pytest.raises(Unavailable):
            await held.enter_async_context(seats.one("", address))
        await held.enter_async_context(seats.one("", "198.51.100.9"))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::1/128", ""])
async def test_a_proxy_of_this_machine_has_the_seats_of_all_who_come_through_it(address: str) -> None:
    seats = Seats(FEW, "forms")
    async with AsyncExitStack() as held:
        for _ in range(8):
            await held.enter_async_context(seats.one("", address))
        with pytest.raises(Unavailable):
            await held.enter_async_context(seats.one("", address))


async def test_an_organisation_takes_as_many_seats_as_it_leaves_to_others() -> None:
    seats = Seats(FEW, "forms")
    async with AsyncExitStack() as held:
        for organization, most in (("one", 4), ("another", 2), ("a third", 1), ("a fourth", 1)):
            for number in range(most):
                await held.enter_async_context(seats.one(f"person {number}", "", organization))
            with pytest.raises(Unavailable):
                await held.enter_async_context(seats.one("somebody else", "", organization))
    async with AsyncExitStack() as held:
        for _ in range(4):  # nothing is kept of those who have left
            await held.enter_async_context(seats.one("person", "", "one"))
