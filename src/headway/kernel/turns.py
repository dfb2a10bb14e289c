"""Turns of many that want the event loop at once, so that nobody who comes beside them waits for all."""

from __future__ import annotations

import asyncio


class Turns:
    """Shared by all that take them. Each turn has so many seconds, and is over by itself: one that hangs holds up none.
    A lone one waits for no more than those seconds.
    """

    def __init__(self, seconds_each: float) -> None:
        self._seconds_each = seconds_each
        self._taken_until = 0.0

    def next(self) -> float:
        """Takes the next turn; how many seconds are left to its end."""
        now = asyncio.get_running_loop().time()
        self._taken_until = max(now, self._taken_until) + self._seconds_each
        return self._taken_until - now
