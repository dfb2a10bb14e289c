"""What comes after a pause goes at once, and what follows it a moment later."""

from __future__ import annotations

import asyncio

import pytest

from headway.kernel.cadence import GATHERED_SECONDS, Cadence


async def test_the_first_goes_at_once() -> None:
    assert Cadence().wait() == 0


async def test_what_follows_waits_for_the_rest_of_a_moment() -> None:
    cadence = Cadence()
    cadence.sent()
    assert 0 < cadence.wait() <= GATHERED_SECONDS
    assert cadence.wait(0.0) == 0, "there is as much as one piece may hold"
    assert 1 < cadence.wait(10.0) <= 10


async def test_a_pause_makes_it_the_first_again() -> None:
    cadence = Cadence()
    cadence.sent()
    await asyncio.sleep(cadence.wait())
    assert cadence.wait() == pytest.approx(0, abs=0.001)


def test_a_moment_is_less_than_a_person_sees() -> None:
    assert GATHERED_SECONDS <= 0.07
