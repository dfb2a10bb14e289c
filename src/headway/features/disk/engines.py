"""What the engines of all hosts hold."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import field

from headway.features.disk.places import DiskHost
from headway.infra.docker.api import EngineAway, EngineRefused
from headway.infra.docker.usage import EngineUsage, Layer, measure
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

_ID_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DiskEngines:
    """``there`` gives what is asked of a host, and raises HostUnreachable where it cannot be entered. What is known of
    images is kept from one look to the next.
    """

    there: Callable[[str], DiskHost]
    _layers: dict[str, dict[str, tuple[Layer, ...]]] = field(default_factory=lambda: defaultdict(dict))

    async def usage(self, there: DiskHost, *, images_only: bool = False) -> EngineUsage | None:
        """What the engine of a host holds; None where there is none that answers. ``images_only`` leaves out containers
        and volumes, which takes much less time where volumes are large.
        """
        try:
            return await measure(there.api, self._layers[there.host.host_id], images_only=images_only)
        except (EngineAway, EngineRefused):
            return None

    async def id_of(self, host_id: str) -> str | None:
        """Which engine a host has now; None where that cannot be told."""
        try:
            async with asyncio.timeout(_ID_SECONDS):
                return await self.there(host_id).api.engine_id()
        except (TimeoutError, HeadwayError):
            return None
