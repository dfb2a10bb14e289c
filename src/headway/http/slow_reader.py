"""Whoever takes nearly nothing of what waits for them holds memory here, and is cut off."""

from __future__ import annotations

import asyncio

STUCK_SECONDS = 30.0
_LEAST_TAKEN_BYTES = 32 << 10  # in that time


class SlowReaderCut:
    """Looks at a connection from when something waits for its other side until that is taken, and aborts it where too
    little of it was taken meanwhile. One timer goes on over all that waits for a moment only, which is most of it.
    """

    __slots__ = ("_before", "_loop", "_timer", "_transport", "_waits")

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop = loop
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None
        self._waits = False
        self._before: int | None = None  # what waited at the last look, since it was all taken

    def begin(self) -> None:
        """Something waits."""
        self._waits = True
        if self._timer is None:
            self._timer = self._loop.call_later(STUCK_SECONDS, self._look)

    def end(self) -> None:
        """What waited is taken."""
        self._waits, self._before = False, None

    def stop(self) -> None:
        """The connection is gone."""
        self.end()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if not self._waits:
            return
        left = self._transport.get_write_buffer_size()
        if self._before is not None and left > self._before - _LEAST_TAKEN_BYTES:
            self._transport.abort()
            return
        self._before = left
        self.begin()
