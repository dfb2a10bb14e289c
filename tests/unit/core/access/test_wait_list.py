"""What waits for an answer: once, for so long, and whatever strangers put beside it."""

from __future__ import annotations

import pytest

from headway.core.access.wait_list import WaitList


def test_what_waits_is_good_once_and_for_so_long() -> None:
    now = [0.0]
    waiting = WaitList[str](60.0, monotonic=lambda: now[0])
    waiting.put("one", "first", "192.0.2.1")
    waiting.put("one", "second", "198.51.100.1")
    waiting.put("late", "third", "192.0.2.1")
    assert (waiting.take("one"), waiting.take("one")) == ("second", None)
    now[0] = 60.0
    assert waiting.take("late") is None


@pytest.mark.parametrize(
    "strangers",
    [
        ["2001:db8:7:{:x}::{:x}"],
        ["203.0.113.{1}"],
        ["::ffff:203.0.113.{1}", "203.0.113.{1}"],
        [f"2001:db8:{each:x}:{{:x}}::{{:x}}" for each in range(64)],
    ],
    ids=["a network of IPv6", "one of IPv4", "the same in two spellings", "many of them"],
)
def test_strangers_take_each_others_places_and_nobody_elses(strangers: list[str]) -> None:
    waiting = WaitList[str](600.0, monotonic=lambda: 0.0)
    others = [f"198.51.{each}.1" for each in range(40)]
    for each in others:
        waiting.put(each, "theirs", each)
    for number in range(10_000):
        address = strangers[number % len(strangers)].format(number, number % 256)
        waiting.put(f"stranger {number}", "nothing", address)
    assert [waiting.take(each) for each in others] == ["theirs"] * 40
    assert waiting.take("stranger 9999") == "nothing"
    assert waiting.take("stranger 0") is None, "it is bounded as it was"


def test_those_who_are_over_go_before_anybody_else() -> None:
    now = [0.0]
    waiting = WaitList[str](60.0, monotonic=lambda: now[0])
    for number in range(4_096):
        waiting.put(f"before {number}", "over", "203.0.113.1")
    now[0] = 60.0
    for number in range(4_096):
        waiting.put(f"after {number}", "here", f"198.51.{number % 256}.1")
    assert waiting.take("after 0") == "here"
