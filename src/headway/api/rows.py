"""What all shapes share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import overload

from headway.core.deployments.hosts import LOCAL_HOST

_BEGINNING = datetime(1970, 1, 1)  # noqa: DTZ001 - as every time here in UTC, which need not be said a million times


@overload
def moment(time: datetime) -> str: ...
@overload
def moment(time: None) -> None: ...
def moment(time: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and ``Z``."""
    return None if time is None else time.isoformat(timespec="milliseconds")[:-6] + "Z"


def server_id_of(host_id: str) -> str | None:
    """The server that a host is; None for the panel's own machine."""
    return None if host_id == LOCAL_HOST else host_id


@overload
def instant(microseconds: int) -> str: ...
@overload
def instant(microseconds: None) -> None: ...
def instant(microseconds: int | None) -> str | None:
    """As ``moment``, of microseconds since 1970."""
    if microseconds is None:
        return None
    return (_BEGINNING + timedelta(milliseconds=microseconds // 1000)).isoformat(timespec="milliseconds") + "Z"
