"""When a cron expression is due, worked out the long way from its definition: every minute is looked at, nothing of the
product's own way is used.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def due_times(expression: str, timezone: str, after: datetime, until: datetime) -> list[datetime]:
    """All due times after ``after`` and not after ``until``, for five fields of numbers, lists, ranges and steps."""
    zone = ZoneInfo(timezone)
    fields = expression.split()
    sets = [_numbers(field, *bounds) for field, bounds in zip(fields, _RANGES, strict=True)]
    if fields[0].startswith("*") or fields[1].startswith("*"):
        found = _by_time_that_passes(fields, sets, zone, after, until)
    else:
        found = _by_the_clock_on_the_wall(fields, sets, zone, after, until)
    return sorted({due for due in found if after < due <= until})


def _by_time_that_passes(
    fields: list[str], sets: list[set[int]], zone: ZoneInfo, after: datetime, until: datetime
) -> list[datetime]:
    moment = after.replace(second=0, microsecond=0)
    found = []
    while moment <= until:
        local = moment.astimezone(zone)
        if local.minute in sets[0] and local.hour in sets[1] and _on_day(fields, sets, local):
            found.append(moment)
        moment += MINUTE
    return found


def _by_the_clock_on_the_wall(
    fields: list[str], sets: list[set[int]], zone: ZoneInfo, after: datetime, until: datetime
) -> list[datetime]:
    day = after.astimezone(zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    last = until.astimezone(zone).replace(tzinfo=None) + timedelta(days=1)
    found = []
    while day <= last:
        if _on_day(fields, sets, day):
            found += [
                _real(day + timedelta(hours=hour, minutes=minute), zone) for hour in sets[1] for minute in sets[0]
            ]
        day += timedelta(days=1)
    return found


def _real(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first time at which the clock on the wall shows this; the end of the gap where it never does."""
    while True:
        moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == wall:
            return moment
        wall += MINUTE


def _on_day(fields: list[str], sets: list[set[int]], local: datetime) -> bool:
    if local.month not in sets[3]:
        return False
    of_month = local.day in sets[2]
    of_week = bool({local.isoweekday(), local.isoweekday() % 7} & sets[4])
    if fields[2].startswith("*") or fields[4].startswith("*"):
        return of_month and of_week
    return of_month or of_week


def _numbers(field: str, first: int, last: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            begin, end = first, last
        elif "-" in span:
            begin, end = (int(number) for number in span.split("-"))
        else:
            begin = int(span)
            end = last if step else begin
        found |= set(range(begin, end + 1, int(step or 1)))
    return found
