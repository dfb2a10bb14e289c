"""Where an engine of a machine has containers begin, and what builds reach of it: the kernel judges where they go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from headway.drivers.runtimes.gates.mark_code import SETTING
from headway.drivers.runtimes.gates.panel_gates import CONTAINERS, SWARM, Gates
from headway.infra.docker import labels
from headway.infra.docker.api import DockerApi
from headway.kernel.dataclass import dataclass

log = logging.getLogger(__name__)

_TASK = "com.docker.swarm.task.id"
_LACKING: Mapping[str, str] = {
    CONTAINERS: "containers reach whatever listens on this machine",
    SWARM: "copies in a swarm reach whatever listens on this machine",
}


class StartNetworks(Protocol):
    """Where containers of one panel begin on a machine, and its builds."""

    async def build(self, account: int | None, ports: Sequence[int]) -> None:
        """From now on what builds under an account reaches these ports of the loopback, and no others that are not
        open to all builds.
        """
        ...

    async def kept_from(self, account: int | None) -> list[int]:
        """The ports that it was kept from, since then."""
        ...

    async def ready(self) -> None:
        """Sees to it that what containers begin in is judged, before one is started that was made earlier. Raises
        EngineAway.
        """
        ...

    async def group(self, *, ruled: bool) -> str | None:
        """What the engine is told; None where the kernel does not judge. What is ``ruled`` reaches of the machine what
        is open to all only. Raises EngineAway.
        """
        ...

    async def settings(self, *, ruled: bool) -> dict[str, str]:
        """The same for copies in a swarm, which begin where it puts them: settings of their networks."""
        ...


@dataclass(slots=True, kw_only=True)
class OwnBeginning:
    """The one of this machine. Nothing of it without ``gates``."""

    api: DockerApi
    gates: Gates | None
    _slices: bool | None = field(default=None)
    _told: set[str] = field(default_factory=set)

    async def build(self, account: int | None, ports: Sequence[int]) -> None:
        """See the contract."""
        if self.gates is not None and account is not None:
            await asyncio.to_thread(self.gates.build, account, ports)

    async def kept_from(self, account: int | None) -> list[int]:
        """See the contract."""
        if self.gates is None or account is None:
            return []
        return sorted(await asyncio.to_thread(self.gates.kept_from, account))

    async def clear(self) -> None:
        """Removes the groups where nothing is in them."""
        if self.gates is not None:
            await asyncio.to_thread(self.gates.clear)

    async def ready(self) -> None:
        """See the contract."""
        await self._contained()

    async def group(self, *, ruled: bool) -> str | None:
        """See the contract."""
        shown = await self._contained()
        return None if shown is None else shown[ruled]

    async def settings(self, *, ruled: bool) -> dict[str, str]:
        """See the contract."""
        if self.gates is None:
            return {}
        mark = await asyncio.to_thread(lambda gates: gates.mark(ruled=ruled), self.gates)
        self._tell(SWARM)
        return {} if mark is None else {SETTING: mark}

    async def take_up(self) -> None:
        """After a start: copies of a swarm that the engine has begun while no kernel noted it. Raises EngineAway."""
        if self.gates is None:
            return
        swarm = (await self.api.get("/info")).get("Swarm") or {}
        if swarm.get("LocalNodeState") != "active":
            return
        await self.settings(ruled=False)
        found: dict[int, str] = {}
        mine = labels.labelled(panel=self.gates.panel_id)
        for each in await self.api.get("/containers/json", filters={"label": [*mine["label"], _TASK]}):
            container = await self.api.find(f"/containers/{each['Id']}/json")
            setting = ((container or {}).get("HostConfig") or {}).get("Sysctls") or {}
            if container is not None and SETTING in setting and container["State"]["Pid"]:
                found[container["State"]["Pid"]] = setting[SETTING]
        await asyncio.to_thread(self.gates.find, found)

    async def _contained(self) -> tuple[str, str] | None:
        """What the engine calls that of the others, and of those that are ruled."""
        if self.gates is None:
            return None
        if self._slices is None:
            self._slices = (await self.api.get("/info")).get("CgroupDriver") == "systemd"
        slices = self._slices
        found = await asyncio.to_thread(lambda gates: gates.contain(slices=slices), self.gates)
        self._tell(CONTAINERS)
        return found

    def _tell(self, what: str) -> None:
        problem = None if self.gates is None else self.gates.problems.get(what)
        if problem is not None and what not in self._told:
            self._told.add(what)
            log.warning("%s: %s", _LACKING[what], problem)
