"""What all shapes share."""

from __future__ import annotations

from datetime import datetime
from typing import overload


@overload
def moment(time: datetime) -> str: ...
@overload
def moment(time: None) -> None: ...
def moment(time: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and ``Z``."""
    return None if time is None else time.isoformat(timespec="milliseconds")[:-6] + "Z"


def milliseconds(time: datetime) -> int:
    """Whole milliseconds since 1970."""
    return int(time.timestamp() * 1000)
