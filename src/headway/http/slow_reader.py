"""Whoever takes nearly nothing of what waits for them holds memory here, and is cut off."""

from __future__ import annotations

import asyncio

STUCK_SECONDS = 30.0
_LEAST_TAKEN_BYTES = 32 << 10  # in that time


class SlowReaderCut:
    """Looks at a connection from when something waits for its other side until that is taken, and aborts it where too
    little of it was taken meanwhile.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self._loop = loop
        self._transport = transport
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """From now on; nothing where it looks already, or nothing waits."""
        if self._timer is None and self._transport.get_write_buffer_size():
            self._look(None)

    def end(self) -> None:
        """What waited is taken, or the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, before: int | None) -> None:
        left = self._transport.get_write_buffer_size()
        if before is not None and left > before - _LEAST_TAKEN_BYTES:
            self._timer = None
            self._transport.abort()
        else:
            self._timer = self._loop.call_later(STUCK_SECONDS, self._look, left)
