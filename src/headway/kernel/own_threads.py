"""Threads of their own for going through what tenants have written: nobody else waits for these, and each work in them
has an end.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")
_INTERRUPT = ctypes.pythonapi.PyThreadState_SetAsyncExc
_AGAIN_SECONDS = 1.0


class TookTooLong(Exception):
    """A work was given up, since it had taken as much of a processor as it may. Who asked for it says what it was."""


class OwnThreads:
    """So many threads, in which each work may take so many seconds of a processor: what others take of it counts for
    nobody. A work is interrupted wherever it goes on from one line to the next; a single search of a pattern is not,
    and holds up every other thread of the process until it ends. Patterns that are searched here take linear time, or
    their texts have bounds.
    """

    def __init__(self, number: int, name: str, *, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(number, name)
        self.seconds = seconds

    async def run(self, work: Callable[[], T]) -> T:
        """What the work gives, which goes on to its end or bound though nobody waits for it. Raises TookTooLong, and
        what the work does.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, _Turn(work, self.seconds).take)


class _Interrupted(BaseException):
    """Comes to a work that has taken too long, between two lines of it. No error that it could make something of."""


class _Turn(Generic[T]):
    """One work in its thread, watched from another that lives no longer than the process."""

    def __init__(self, work: Callable[[], T], seconds: float) -> None:
        self._work = work
        self._seconds = seconds
        self._lock = threading.Lock()
        self._is_over = False
        self._thread = 0
        self._clock = 0
        self._until = 0.0
        self._watch: threading.Timer | None = None

    def take(self) -> T:
        self._thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread)
        self._until = time.clock_gettime(self._clock) + self._seconds
        self._look_after(self._seconds)
        try:
            try:
                return self._work()
            finally:
                self._end()
        except _Interrupted:
            self._end()  # it may have come as the work ended; the next one is a second of the processor away
            raise TookTooLong from None

    def _look_after(self, seconds: float) -> None:
        self._watch = threading.Timer(seconds, self._look)
        self._watch.daemon = True
        self._watch.start()

    def _look(self) -> None:
        """Interrupts the work that has had its time, and again as long as it goes on: what comes within a finalizer is
        thrown away there.
        """
        with self._lock:
            if self._is_over:
                return
            left = self._until - time.clock_gettime(self._clock)
            if left <= 0:
                left = _AGAIN_SECONDS
                self._until = time.clock_gettime(self._clock) + left
                _INTERRUPT(ctypes.c_ulong(self._thread), ctypes.py_object(_Interrupted))
            self._look_after(left)

    def _end(self) -> None:
        """From now on nothing comes to the thread, which is another work's then."""
        while not self._is_over:
            try:
                with self._lock:
                    self._is_over = True
                    _INTERRUPT(ctypes.c_ulong(self._thread), None)  # what was sent and has not come yet
            except _Interrupted:
                continue
        if self._watch is not None:
            self._watch.cancel()
