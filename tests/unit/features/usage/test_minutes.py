"""Samples are gathered into minutes, each given once, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from headway.features.usage.minutes import OpenMinutes
from headway.features.usage.model import EMPTY, SAMPLES, UsagePoint, merged

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
POINT = UsagePoint(covered=10_000, cpu=5)


def after(seconds: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(seconds=seconds)


def test_a_minute_is_given_when_it_is_over_with_gaps_where_nothing_was_taken() -> None:
    minutes = OpenMinutes()
    for seconds in (5, 15, 45):
        minutes.add(after(seconds), {"a": POINT})
    minutes.add(after(55), {"b": POINT})
    assert minutes.over(after(59)) == []
    minutes.add(after(65), {"a": POINT})
    ((minute, samples),) = minutes.over(after(65))
    assert minute == NOON
    assert samples == {
        "a": [POINT, POINT, EMPTY, EMPTY, POINT, EMPTY],
        "b": [EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, POINT],
    }
    assert minutes.over(after(66)) == []


def test_two_in_one_slot_are_put_together() -> None:
    minutes = OpenMinutes()
    for seconds in (10, 19.9):
        minutes.add(after(seconds), {"a": POINT})
    ((_, samples),) = minutes.over(after(60))
    assert samples["a"][1] == merged((POINT, POINT))


@given(st.lists(st.integers(-400, 400), max_size=60))
def test_nothing_is_lost_or_given_twice_or_kept_for_ever(moments: list[int]) -> None:
    minutes, given_out, open_at_most = OpenMinutes(), list[UsagePoint](), 0
    for seconds in moments:
        minutes.add(after(seconds), {"a": POINT})
        for _, samples in minutes.over(after(seconds)):
            assert len(samples["a"]) == SAMPLES
            given_out += samples["a"]
        open_at_most = max(open_at_most, len(minutes._open))
    assert open_at_most <= 4
    for _, samples in minutes.over(after(10_000)):
        given_out += samples["a"]
    assert merged(given_out).covered == 10_000 * len(moments)
