"""Where an engine of this machine has containers begin, and what builds reach of it: the kernel judges where they
go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from headway.infra.docker.api import DockerApi
from headway.seams.runtimes.gates import Gates

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Beginning:
    """The groups for containers of one panel's engine, and its builds. Nothing of it without ``gates``."""

    api: DockerApi
    gates: Gates | None
    _slices: bool | None = field(default=None)
    _told: bool = field(default=False)

    async def build(self, account: int | None, ports: Sequence[int]) -> None:
        """From now on what builds under an account reaches these ports of the loopback, and no others that are not
        open to all builds.
        """
        if self.gates is not None and account is not None:
            await asyncio.to_thread(self.gates.build, account, ports)

    async def kept_from(self, account: int | None) -> list[int]:
        """The ports that it was kept from, since then."""
        if self.gates is None or account is None:
            return []
        return sorted(await asyncio.to_thread(self.gates.kept_from, account))

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
        found = await asyncio.to_thread(lambda gates: gates.contain(slices=slices, ruled=ruled), self.gates)
        if found is None and not self._told:
            self._told = True
            log.warning("containers reach whatever listens on this machine: %s", self.gates.problem or "no such kernel")
        return found
