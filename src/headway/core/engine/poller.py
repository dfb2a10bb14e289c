"""The shape of every loop: do a round, say how long to rest, be woken or stopped in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from headway.core.engine import explanations
from headway.kernel.errors import HeadwayError, Unavailable

log = logging.getLogger(__name__)

_REST_AFTER_FAILURE = 1.0
_DAY = 24 * 3600.0


class Poller:
    """Calls ``work`` again and again; it returns how many seconds to rest. ``wake`` ends a rest, ``stop`` the loop."""

    def __init__(self, name: str, work: Callable[[], Awaitable[float]]) -> None:
        self.name = name
        self._work = work
        self._wake = asyncio.Event()
        self._stopped = False

    async def run(self) -> None:
        """Loops until stopped. A round or a rest that fails is logged, and does not end the loop."""
        while not self._stopped:
            self._wake.clear()
            rest = await self._round(self._work)
            await self._round(partial(self._rest, rest))

    def wake(self) -> None:
        """Ends the current rest at once."""
        self._wake.set()

    def stop(self) -> None:
        """Ends the loop after the current round; safe before the start and more than once."""
        self._stopped = True
        self._wake.set()

    async def _rest(self, seconds: float) -> float:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        return 0.0

    async def _round(self, work: Callable[[], Awaitable[float]]) -> float:
        try:
            return await work()
        except Unavailable as away:
            log.warning("%s waits: %s", self.name, away.message)
        except HeadwayError as error:
            log.warning("%s: %s", self.name, error.message)
        except Exception as error:
            if explanations.is_full_disk(error):
                log.warning("%s: %s", self.name, explanations.unforeseen(error))
            else:
                log.exception("%s failed in a round", self.name)
        return _REST_AFTER_FAILURE


def daily(name: str, settle: Callable[[], Awaitable[None]]) -> Poller:
    """What is tried until it succeeds, and then again each day."""

    async def work() -> float:
        await settle()
        return _DAY

    return Poller(name, work)
