"""What a wait for a release says before it is over, so that whoever follows it need not wait for its end to know."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from headway.kernel.phrase import phrase

SECONDS_UNTIL_TOLD = 3.0


@dataclass(slots=True, kw_only=True)
class Patience:
    """Says once, when a release has not become healthy for some seconds, what is lacking, and how long it has yet."""

    say: Callable[[str], Awaitable[None]]
    deadline_seconds: float
    _begun: float = field(default_factory=time.monotonic)
    _has_told: bool = False

    async def tell(self, lacking: str) -> None:
        """To be called at each turn of the wait, with what is lacking now."""
        if self._has_told or time.monotonic() - self._begun < SECONDS_UNTIL_TOLD:
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
