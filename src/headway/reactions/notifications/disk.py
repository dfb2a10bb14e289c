"""Watches the room on the disk of the panel's data, and says once when it gets short."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

from headway.core.deployments.store import announce_later
from headway.infra.db.engine import Database

_LEAST_BYTES = 1 << 30
_ENOUGH_BYTES = 3 << 29  # half as much again, so that it is not said again and again at the border
_REST = 30.0


@dataclass(slots=True, kw_only=True)
class DiskWatch:
    """``is_low`` is what was said last."""

    db: Database
    folder: Path
    is_low: bool = False

    async def look(self) -> float:
        """Looks once; seconds to rest."""
        free = (await asyncio.to_thread(shutil.disk_usage, self.folder)).free
        if not self.is_low and free < _LEAST_BYTES:
            payload = {"freeBytes": free}
            await self.db.run(lambda tx: announce_later(tx, "disk.low", {**payload, "time": tx.now.isoformat()}))
        self.is_low = free < (_ENOUGH_BYTES if self.is_low else _LEAST_BYTES)
        return _REST
