"""Turns of what takes a process: few at a time, and fewer of each organisation, so that none holds up another."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from headway.kernel.errors import Unavailable

_IN_ALL = 8
_OF_ORGANIZATION = 2
_WAIT_SECONDS = 60.0


class Turns:
    """Whose turn has not come waits, and is sent away after a while."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(_IN_ALL)
        self._of = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(_OF_ORGANIZATION))

    @asynccontextmanager
    async def of(self, organization_id: str) -> AsyncIterator[None]:
        """A turn of an organisation's. Raises Unavailable."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    await held.enter_async_context(self._of[organization_id])
                    await held.enter_async_context(self._all)
            except TimeoutError:
                raise Unavailable("Too many services are being told at once; try it again.") from None
            yield
