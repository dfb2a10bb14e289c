"""From when on something is asked for, as people write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel.errors import InvalidInput
from headway.kernel.time_range import begins

NOW = datetime(2026, 11, 28, 7, 30, tzinfo=UTC)


def test_how_long_ago_a_day_an_instant_and_all_are_read() -> None:
    assert {text: begins(text, NOW) for text in ("all", "90s", "10m", "2h", "3d", "999999999d")} == {
        "all": None,
        "90s": NOW - timedelta(seconds=90),
        "10m": NOW - timedelta(minutes=10),
        "2h": NOW - timedelta(hours=2),
        "3d": NOW - timedelta(days=3),
        "999999999d": None,
    }
    assert {begins(text, NOW) for text in ("2026-11-28T06:00:00Z", "2026-11-28 06:00", "2026-11-28T07:00+01:00")} == {
        datetime(2026, 11, 28, 6, tzinfo=UTC)
    }
    assert begins("2026-11-28", NOW) == datetime(2026, 11, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "10", "m", "-5m", "1.5h", "10 m", "2026-13-45", "0001-01-01T00:00:00+23:00", "m1"]
)
def test_what_it_cannot_be_is_said_with_what_it_takes(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"not possible; it takes how long ago \(90s, 10m"):
        begins(text, NOW)


def test_what_has_not_come_yet_is_told_with_the_time_of_now() -> None:
    with pytest.raises(InvalidInput, match=r"2026-11-29 has not come yet; it is 2026-11-28T07:30:00Z now"):
        begins("2026-11-29", NOW)


@given(st.text(max_size=30))
def test_whatever_is_written_is_an_instant_of_before_or_refused(text: str) -> None:
    try:
        found = begins(text, NOW)
    except InvalidInput:
        return
    assert found is None or found <= NOW
