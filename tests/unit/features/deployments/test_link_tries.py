"""Whoever tries links that are none waits, and a page that goes on asking by one that has ended does not."""

from __future__ import annotations

import pytest

from headway.core.access.throttle import TooManyTries
from headway.features.deployments.link_tries import LinkTries

HERE, THERE = "192.0.2.7", "192.0.2.8"


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def digest(number: int) -> str:
    return f"{number:064d}"[::-1]


def test_thirty_different_tokens_within_a_minute_are_looked_at_and_no_more() -> None:
    clock = Clock()
    tries = LinkTries(clock)
    for number in range(30):
        tries.admit(HERE)
        tries.failed(HERE, digest(number))
    with pytest.raises(TooManyTries) as refused:
        tries.admit(HERE)
    assert refused.value.retry_after_seconds == 60
    tries.admit(THERE)
    clock.seconds += 60
    tries.admit(HERE)


def test_one_token_that_is_tried_again_and_again_counts_once() -> None:
    tries = LinkTries(Clock())
    for _ in range(100):
        tries.admit(HERE)
        tries.failed(HERE, digest(1))
    tries.admit(HERE)


def test_a_network_of_ipv6_is_one_place() -> None:
    tries = LinkTries(Clock())
    for number in range(30):
        tries.failed(f"2001:db8::{number:x}", digest(number))
    with pytest.raises(TooManyTries):
        tries.admit("2001:db8::ffff")


def test_what_is_remembered_is_bounded() -> None:
    tries = LinkTries(Clock())
    for number in range(5_000):
        tries.failed(f"10.{number // 65_536}.{number // 256 % 256}.{number % 256}", digest(number))
    assert len(tries._windows) == 4_096
