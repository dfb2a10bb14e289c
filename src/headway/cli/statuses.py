"""The exit statuses of the command, which scripts and CI decide by: documented, and never given another meaning."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from headway.kernel.errors import Code


class Status(IntEnum):
    """How a call of the command ended."""

    DONE = 0
    ERROR = 1  # the deployment ended in an error, or the panel refused for another reason than those below
    USAGE = 2
    KEY_REFUSED = 3
    UNREACHABLE = 4
    NOT_FOUND = 5
    TIMED_OUT = 6  # what was waited for has not come in time
    INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it


STATUSES: Mapping[Code, Status] = {
    Code.BAD_REQUEST: Status.USAGE,
    Code.UNAUTHORIZED: Status.KEY_REFUSED,
    Code.FORBIDDEN: Status.KEY_REFUSED,
    Code.UNAVAILABLE: Status.UNREACHABLE,
    Code.NOT_FOUND: Status.NOT_FOUND,
}
