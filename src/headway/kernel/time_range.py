"""A time from which on something is asked for, as people and programs write it: how long ago, or an instant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from headway.kernel.errors import InvalidInput

ALL = "all"
PATTERN = (
    r"^(all|[0-9]{1,9}[smhd]|[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)$"
)
_AGO = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS: Mapping[str, str] = MappingProxyType({"s": "seconds", "m": "minutes", "h": "hours", "d": "days"})


def begins(text: str, now: datetime) -> datetime | None:
    """The instant that it means; None for all that there is. One without a zone is in UTC. Raises InvalidInput."""
    if not re.fullmatch(PATTERN, text):
        raise _refused(text)
    if text == ALL:
        return None
    if ago := _AGO.fullmatch(text):
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            return None  # longer ago than there are years
    try:
        given = datetime.fromisoformat(text)
        # A moment within a day of the calendar's ends has none in UTC.
        instant = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refused(text) from None
    if instant > now:
        raise InvalidInput(f"since: {text} has not come yet; it is {now:%Y-%m-%dT%H:%M:%SZ} now.")
    return instant


def _refused(text: str) -> InvalidInput:
    return InvalidInput(
        f"since: {text!r} is not possible; it takes how long ago (90s, 10m, 2h, 3d), a day or an instant in UTC "
        "(2026-01-31, 2026-01-31T12:00:00Z), or all."
    )
