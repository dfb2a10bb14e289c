"""What a cron expression says, in words, where it is one of those that people write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

EXAMPLES = (
    "Minute, hour, day of month, month, day of week: “30 4 * * *” is each day at 04:30, “*/15 * * * *” every 15 "
    "minutes, “0 3 * * 1-5” Monday to Friday at 03:00, “0 2 1 * *” day 1 of each month at 02:00, “@weekly” Sunday at "
    "00:00."
)
ZONE = "Such as Europe/Berlin or UTC, which it is where nothing is said."

_NAMED: Mapping[str, str] = MappingProxyType(
    {
        "@hourly": "0 * * * *",
        "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *",
        "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *",
        "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
    }
)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("", "January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_FIELDS = 5
_MOST_TIMES = 4
_MOST_DIGITS = 2


def cron_words(expression: str) -> str:
    """The expression in words; "" for one that is none of the usual."""
    fields = _NAMED.get(expression.strip().lower(), expression).split()
    if len(fields) != _FIELDS:
        return ""
    minute, hour, day, month, weekday = fields
    time, day_words = _time(minute, hour), _days(day, month, weekday)
    if time is None or day_words is None:
        return ""
    said, is_of_a_day = time
    if not day_words:
        return f"each day {said}" if is_of_a_day else said
    return f"{day_words} {said}" if is_of_a_day else f"{said}, {day_words}"


def _time(minute: str, hour: str) -> tuple[str, bool] | None:
    """When within a day, and whether that is some times of a day; None for what is unusual."""
    step, minutes, hours = _step(minute, 60), _numbers(minute, 59), _numbers(hour, 23)
    if hour == "*":
        if minute == "*":
            return "each minute", False
        if step is not None:
            return f"every {step} minutes", False
        if minutes == [0]:
            return "each hour", False
        return (f"each hour at minute {_listed(map(str, minutes))}", False) if minutes else None
    if (every := _step(hour, 24)) is not None and minutes is not None and len(minutes) == 1:
        at = f" at minute {minutes[0]}" if minutes[0] else ""
        return f"every {every} hours{at}", False
    if not minutes or not hours or len(minutes) * len(hours) > _MOST_TIMES:
        return None
    return f"at {_listed(f'{each:02}:{past:02}' for each in hours for past in minutes)}", True


def _days(day: str, month: str, weekday: str) -> str | None:
    """On which days; "" for all, None for what is unusual."""
    months = _named(month, _MONTHS, 12)
    if months is None or (day != "*" and weekday != "*"):
        return None
    of = f"of {months}" if months else "of each month"
    if day != "*":
        days = _numbers(day, 31)
        return f"on day {_listed(map(str, days))} {of}" if days else None
    named = _named(weekday, _DAYS, 7)
    if named is None:
        return None
    within = f"in {months}" if months else ""
    return " ".join(each for each in (named, within) if each)


def _named(field: str, names: Sequence[str], most: int) -> str | None:
    """The field in names; "" for all, None for what is unusual."""
    if field == "*":
        return ""
    if found := re.fullmatch(r"(\d{1,2})-(\d{1,2})", field):
        first, last = int(found[1]), int(found[2])
        return f"{names[first]} to {names[last]}" if first < last <= most and names[first] else None
    numbers = _numbers(field, most)
    return _listed(names[each] for each in numbers) if numbers and all(names[each] for each in numbers) else None


def _numbers(field: str, most: int) -> list[int] | None:
    parts = field.split(",")
    if not all(part.isascii() and part.isdecimal() and len(part) <= _MOST_DIGITS for part in parts):
        return None
    numbers = [int(part) for part in parts]
    return numbers if max(numbers) <= most else None


def _step(field: str, of: int) -> int | None:
    """The step; None for one that does not divide: it begins anew with each hour or day, so its last is shorter."""
    found = re.fullmatch(r"\*/(\d{1,2})", field, re.ASCII)
    step = int(found[1]) if found else 0
    return step if 1 < step < of and of % step == 0 else None


def _listed(words: Iterable[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last
