"""A run's output as a host keeps it: a file that grows, read from any offset."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from headway.kernel.errors import Unavailable


class Spool:
    """A source for pumps over a real file; ``away`` makes as many calls fail as a host out of reach would."""

    def __init__(self, path: Path, *, piece: int = 1 << 30) -> None:
        self.path = path
        self.away = 0
        self.reads = 0
        self._piece = piece
        self._grown = asyncio.Condition()
        path.touch()

    async def append(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)
        async with self._grown:
            self._grown.notify_all()

    async def read(self, offset: int, limit: int) -> bytes:
        self._reach()
        self.reads += 1
        file = os.open(self.path, os.O_RDONLY)
        try:
            return os.pread(file, min(limit, self._piece), offset)
        finally:
            os.close(file)

    async def changed(self, offset: int) -> None:
        self._reach()
        async with self._grown:
            await self._grown.wait_for(lambda: self.path.stat().st_size > offset)

    def _reach(self) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("The host does not answer.")
