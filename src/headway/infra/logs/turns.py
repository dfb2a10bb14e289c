"""When a pump reads again: at once where few logs grow, the later the more of them do."""

from __future__ import annotations

import asyncio

# Whoever builds in a hundred places at once must still be answered: a read costs the event loop half a millisecond.
_SECONDS_EACH = 0.002


class Turns:
    """Shared by the pumps of a panel. Each takes one turn at a time, so that a hundred of them get turns in order, and
    what is read in one is all that came since the last.
    """

    def __init__(self, seconds_each: float = _SECONDS_EACH) -> None:
        self._seconds_each = seconds_each
        self._taken_until = 0.0

    def next(self) -> float:
        """Takes the next turn; how many seconds are left to it."""
        now = asyncio.get_running_loop().time()
        self._taken_until = max(now, self._taken_until) + self._seconds_each
        return self._taken_until - now
