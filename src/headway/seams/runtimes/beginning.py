"""Where an engine of this machine has containers begin: in a group in which the kernel judges where they go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from headway.infra.docker.api import DockerApi
from headway.seams.runtimes.gates import Gates


@dataclass(slots=True, kw_only=True)
class Beginning:
    """The groups for containers of one panel's engine. None of them without ``gates``."""

    api: DockerApi
    gates: Gates | None
    _slices: bool | None = field(default=None)

    async def clear(self) -> None:
        """Removes the groups where nothing is in them."""
        if self.gates is not None:
            await asyncio.to_thread(self.gates.clear)

    async def group(self, *, ruled: bool) -> str | None:
        """What the engine is told; None where the kernel does not judge. What is ``ruled`` reaches of the machine what
        is open to all only. Raises EngineAway.
        """
        if self.gates is None:
            return None
        if self._slices is None:
            self._slices = (await self.api.get("/info")).get("CgroupDriver") == "systemd"
        slices = self._slices
        return await asyncio.to_thread(lambda gates: gates.contain(slices=slices, ruled=ruled), self.gates)
