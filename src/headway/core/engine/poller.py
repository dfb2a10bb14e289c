"""The shape of every loop: do a round, say how long to rest, be woken or stopped in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from headway.kernel.errors import HeadwayError, Unavailable

log = logging.getLogger(__name__)

_REST_AFTER_FAILURE = 1.0


class Poller:
    """Calls ``work`` again and again; it returns how many seconds to rest. ``wake`` ends a rest, ``stop`` the loop."""

    def __init__(self, name: str, work: Callable[[], Awaitable[float]]) -> None:
        self.name = name
        self._work = work
        self._wake = asyncio.Event()
        self._stopped = False

    async def run(self) -> None:
        """Loops until stopped. A round that fails is logged, and does not end the loop."""
        while not self._stopped:
            self._wake.clear()
            rest = await self._round()
            try:
                async with asyncio.timeout(rest):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def wake(self) -> None:
        """Ends the current rest at once."""
        self._wake.set()

    def stop(self) -> None:
        """Ends the loop after the current round; safe before the start and more than once."""
        self._stopped = True
        self._wake.set()

    async def _round(self) -> float:
        try:
            return await self._work()
        except Unavailable as away:
            log.warning("%s waits: %s", self.name, away.message)
        except HeadwayError as error:
            log.warning("%s: %s", self.name, error.message)
        except Exception:
            log.exception("%s failed in a round", self.name)
        return _REST_AFTER_FAILURE
