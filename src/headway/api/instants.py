"""A time that an input carries as text: ISO 8601, in UTC where no offset is given."""

from __future__ import annotations

from datetime import UTC, datetime

from headway.api.problems import invalid


def instant(name: str, text: str | None) -> datetime | None:
    """The time that the field of this name holds, None where it holds none. Raises Problem."""
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
        # A moment within a day of the calendar's ends has none in UTC.
        return given.astimezone(UTC) if given.tzinfo is not None else given.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        message = "Invalid input: a time as ISO 8601 writes it"
        raise invalid([{"code": "custom", "path": [name], "message": message}]) from None
