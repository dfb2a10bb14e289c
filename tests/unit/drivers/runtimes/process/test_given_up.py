"""When supervisord is to start once more what it has given up."""

from __future__ import annotations

import pytest

from headway.drivers.runtimes.process.supervisord import is_long_ago


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [(0, False), (59, False), (60, True), (3600, True), (-28_800, True)],  # the last: the clock was ahead
)
def test_it_is_tried_again_after_a_minute_whatever_the_clock_said_before(seconds: int, wanted: bool) -> None:  # noqa: FBT001 - a case
    assert is_long_ago(1_000_000, 1_000_000 - seconds) is wanted
