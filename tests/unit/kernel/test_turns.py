"""Turns come in order, one after the other, and a lone pump waits for next to nothing."""

from __future__ import annotations

import pytest

from headway.kernel.turns import Turns


async def test_a_lone_pump_reads_again_almost_at_once() -> None:
    assert Turns(0.002).next() == pytest.approx(0.002)


async def test_a_hundred_pumps_share_what_one_could_take() -> None:
    turns = Turns(0.002)
    waits = [turns.next() for _ in range(100)]
    assert waits == sorted(waits)
    assert 0.1 < waits[-1] <= 0.2
