"""The space held back for the ends of deployments: given up on a full disk, and taken again later."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from headway.infra.panel.ballast import drop_ballast, take_ballast

log = logging.getLogger(__name__)

_LEAST_FREE_BYTES = 16 << 20
_REST = 5.0


async def watch_ballast(path: Path, size: int) -> float:
    """Gives the room held back up on a full disk, and takes it again later. Seconds to rest."""
    if await asyncio.to_thread(drop_ballast, path, _LEAST_FREE_BYTES):
        log.warning("The disk is full: the space held back for the ends of deployments was given up. Free some space.")
    else:
        await asyncio.to_thread(take_ballast, path, size)
    return _REST
