"""When something is due, over every kind of change of the clocks."""

from __future__ import annotations

import errno
import time
from datetime import UTC, datetime, timedelta

import pytest
from cronsim import CronSimError
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from headway.core.engine.scheduler.cron import Cron, checked
from headway.kernel.errors import InvalidInput
from tests.support.panel.due import due_times

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")  # Lord Howe: half an hour


def numbers(first: int, last: int) -> st.SearchStrategy[str]:
    """A field of a cron expression."""
    one = st.integers(first, last).map(str)
    spans = st.tuples(st.integers(first, last), st.integers(first, last)).map(
        lambda pair: "{}-{}".format(*sorted(pair))
    )
    steps = st.integers(1, 12).map("*/{}".format)
    return st.one_of(st.just("*"), one, spans, steps, st.lists(one, min_size=2, max_size=3).map(",".join))


EXPRESSIONS = st.tuples(numbers(0, 59), numbers(0, 23), numbers(1, 31), numbers(1, 12), numbers(0, 6)).map(" ".join)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda time: time.replace(tzinfo=UTC))  # noqa: DTZ001


@pytest.mark.slow
@given(EXPRESSIONS, st.sampled_from(ZONES), MOMENTS, st.integers(1, 40), st.sampled_from(("", "0 ")))
@settings(max_examples=150, deadline=None)
def test_the_due_times_are_those_of_the_definition(
    expression: str, zone: str, after: datetime, most: int, seconds: str
) -> None:
    until = after + timedelta(days=3)
    try:
        wanted = due_times(expression, zone, after, until)
    except CronSimError:  # a thirtieth of February: it never comes, and is refused
        reject()
    given_as = seconds + expression
    found, more = Cron(expression=given_as, timezone=zone).newest(after, until, most)
    assert (found, more) == (wanted[-most:], len(wanted) > most)


@pytest.mark.parametrize("seconds", ["", "0 "])
@pytest.mark.parametrize(
    ("expression", "day", "times"),
    [
        ("30 2 * * *", "2026-03-29", ["01:00"]),  # the hour is skipped: due at its end
        ("0,30 2 * * *", "2026-03-29", ["01:00"]),  # both at the same end: due once
        ("30 2 * * *", "2026-10-25", ["00:30"]),  # the hour comes twice: due the first time
        ("30 * * * *", "2026-10-25", ["00:30", "01:30"]),  # by the time that passes: due both times
    ],
)
def test_hours_that_daylight_saving_skips_or_repeats(expression: str, day: str, times: list[str], seconds: str) -> None:
    begin = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    found, _ = Cron(expression=seconds + expression, timezone="Europe/Berlin").newest(
        begin, begin + timedelta(minutes=119), 10
    )
    assert [f"{due:%H:%M}" for due in found] == times


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "60 * * * *", "a b c d e", "30 2 30 2 *", "* * * * * * *", "*/0 * * * *", "* * * * 1L/2"],
)
def test_what_cannot_be_read_or_never_comes_is_refused(expression: str) -> None:
    with pytest.raises(InvalidInput, match="never due"):
        checked(expression, "UTC", NOW)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", "/etc/localtime", "x" * 300])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidInput, match="no time zone"):
        checked("* * * * *", zone, NOW)


@pytest.mark.parametrize("expression", ["* * LW * */7", "* * 29 2 MON#1", "0 * * LW * */7"])
def test_that_nothing_comes_is_known_in_a_moment(expression: str) -> None:
    began = time.process_time()
    Cron(expression=expression, timezone="Europe/Berlin").after(NOW)
    assert time.process_time() - began < 0.2


def test_a_time_zone_that_cannot_be_read_now_is_none_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_descriptor_left(_name: str) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("headway.core.engine.scheduler.cron.ZoneInfo", no_descriptor_left)
    with pytest.raises(OSError, match="Too many open files"):
        Cron(expression="0 4 * * *", timezone="Europe/Berlin").after(NOW)


def test_names_stand_for_expressions() -> None:
    assert checked("@Daily", None, NOW).after(NOW) == datetime(2026, 11, 26, tzinfo=UTC)


def test_a_long_absence_costs_no_more_than_what_is_told_of_it() -> None:
    every_second = Cron(expression="* * * * * *")
    found, more = every_second.newest(NOW - timedelta(days=3650), NOW, 100)
    assert (len(found), more, found[-1]) == (100, True, NOW)
