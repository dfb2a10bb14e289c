"""What is written bit by bit, gathered into fewer and larger pieces for one who reads along."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from headway.kernel.cadence import Cadence

_MOST_LETTERS = 64 << 10  # that are gathered: there is no more to wait for


class GatheredOutput:
    """Texts of an output between who reads them where they are written (``fill``) and who tells them on (``next``)."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._letters = 0
        self._ended = False
        self._came = asyncio.Event()
        self._pressing = asyncio.Event()  # there is as much as is gathered, or the end
        self._room = asyncio.Event()
        self._room.set()
        self._cadence = Cadence()

    async def fill(self, output: AsyncIterator[str]) -> None:
        """Takes the output to its end, and no faster than it is told on. Raises what reading it raises."""
        try:
            async for text in output:
                if not text:
                    continue
                self._texts.append(text)
                self._letters += len(text)
                self._came.set()
                if self._letters >= _MOST_LETTERS:
                    self._pressing.set()
                    self._room.clear()
                    await self._room.wait()
        finally:
            self._ended = True
            self._came.set()
            self._pressing.set()

    async def next(self) -> str:
        """What has come since, all in one, as soon as it is to go; "" where there will never be more."""
        await self._came.wait()
        if not self._pressing.is_set() and (seconds := self._cadence.wait()):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._pressing.wait()
        text, self._texts, self._letters = "".join(self._texts), [], 0
        if not self._ended:
            self._came.clear()
            self._pressing.clear()
        self._room.set()
        self._cadence.sent()
        return text
