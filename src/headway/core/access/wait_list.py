"""What waits for an answer: good once, for so long, and for whoever was asked. It lies in memory, so that strangers
write nothing down; a panel that starts anew asks anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST = 4_096


class WaitList(Generic[T]):
    """Things by whom they wait for, of whom each has one. Where there are too many the oldest goes."""

    def __init__(self, seconds: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._waiting: dict[str, tuple[float, T]] = {}

    def put(self, whose: str, thing: T) -> None:
        """This waits, in place of what waited for the same one."""
        self._waiting.pop(whose, None)
        while len(self._waiting) >= _MOST:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[whose] = (self._monotonic() + self._seconds, thing)

    def take(self, whose: str) -> T | None:
        """What waits for this one, which nobody gets again; None where nothing does, or it is over."""
        found = self._waiting.pop(whose, None)
        return None if found is None or found[0] <= self._monotonic() else found[1]
