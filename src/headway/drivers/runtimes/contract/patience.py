"""The wait for a release: what it says before it is over, so that whoever follows it need not wait for its end to know,
how often there is a look, and when it is given up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import field

from headway.drivers.runtimes.contract.runtime import Unhealthy
from headway.kernel.dataclass import dataclass
from headway.kernel.phrase import phrase

SECONDS_UNTIL_TOLD = 3.0
CRASHES = 3  # after so many ends of a process nobody waits any longer


@dataclass(slots=True, kw_only=True)
class Patience:
    """Says once, when a release has not become healthy for some seconds, what is lacking, and how long it has yet. The
    pause between two looks grows to the longest.
    """

    say: Callable[[str], Awaitable[None]]
    deadline_seconds: float
    pause_seconds: float = 0.01
    longest_pause_seconds: float = 0.25
    growth: float = 1.1
    _begun: float = field(default_factory=time.monotonic)
    _has_told: bool = False

    @property
    def seconds(self) -> float:
        """For how long it has been waited."""
        return time.monotonic() - self._begun

    async def tell(self, lacking: str) -> None:
        """To be called at each turn of the wait, with what is lacking now."""
        if self._has_told or self.seconds < SECONDS_UNTIL_TOLD:
            return
        self._has_told = True
        await self.say(
            phrase(
                "Not healthy after {} s: {} It is waited for until {} s have passed.",
                f"{SECONDS_UNTIL_TOLD:g}",
                lacking,
                f"{self.deadline_seconds:g}",
            )
        )

    async def pause(self, lacking: str) -> None:
        """Tells it, and returns when the next look is due. Raises Unhealthy once the deadline has passed."""
        if self.seconds > self.deadline_seconds:
            raise Unhealthy(f"The release did not become healthy within {self.deadline_seconds:g} s: {lacking}")
        await self.tell(lacking)
        await asyncio.sleep(self.pause_seconds)
        self.pause_seconds = min(self.pause_seconds * self.growth, self.longest_pause_seconds)
