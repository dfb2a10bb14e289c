"""The times at which what comes bit by bit is handed on to those who follow it."""

from __future__ import annotations

import asyncio
import math

# Each piece that is handed on costs a send and a turn of the event loop for each who follows, whether it holds a line
# or a hundred. A person takes for one moment what is less than a tenth of a second apart; a line's own way through the
# panel and the network fits into the rest of that.
GATHERED_SECONDS = 0.07


class Cadence:
    """When the pieces of one thing that is followed go: the first after a pause at once, so that a line that stands
    alone is there as soon as it is written; what follows it is gathered for 70 milliseconds, less than a person sees as
    a delay, and goes as one piece. It keeps nothing itself: whoever asks it keeps what is gathered.
    """

    def __init__(self) -> None:
        self._sent_at = -math.inf

    def wait(self, gathered_seconds: float | None = None) -> float:
        """In how many seconds what is there goes; 0 where it goes at once. ``gathered_seconds`` is for what is not to
        be gathered for as long as other things are, because there is as much of it as one piece may hold.
        """
        seconds = GATHERED_SECONDS if gathered_seconds is None else gathered_seconds
        return max(0.0, self._sent_at + seconds - asyncio.get_running_loop().time())

    def sent(self) -> None:
        """A piece went now."""
        self._sent_at = asyncio.get_running_loop().time()
