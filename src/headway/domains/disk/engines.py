"""What the engines of all hosts hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from headway.domains.disk.places import There
from headway.infra.docker.api import EngineAway, EngineRefused
from headway.infra.docker.usage import EngineUsage, Layer, measure


@dataclass(frozen=True, slots=True)
class Engines:
    """Keeps what is known of their images from one look to the next."""

    _layers: dict[str, dict[str, tuple[Layer, ...]]] = field(default_factory=lambda: defaultdict(dict))

    async def usage(self, there: There, *, images_only: bool = False) -> EngineUsage | None:
        """What the engine of a host holds; None where there is none that answers. ``images_only`` leaves out containers
        and volumes, which takes much less time where volumes are large.
        """
        try:
            return await measure(there.api, self._layers[there.host.host_id], images_only=images_only)
        except (EngineAway, EngineRefused):
            return None
