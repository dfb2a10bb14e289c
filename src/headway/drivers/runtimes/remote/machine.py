"""What is asked of a server beside its runtimes and its edge, over the link."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from headway.drivers.runtimes.contract.machine import Asked, Port, Ran, Reached
from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.infra.hosts.consumption import MachineReading
from headway.infra.hosts.guarded_files import Seen
from headway.kernel.dataclass import dataclass

_PART = "machine"
_WAY_SECONDS = 10.0  # more than the program has


@dataclass(frozen=True, slots=True)
class RemoteMachine:
    """Fits ``Machine``. Every call raises HostUnreachable where the server does not answer."""

    agent: RuntimeAgentClient

    async def group_of(self, path: str) -> int | None:
        """See the contract."""
        group: int | None = await self.agent.call(_PART, "group_of", path=path)
        return group

    async def is_folder(self, path: str) -> bool:
        """See the contract."""
        return bool(await self.agent.call(_PART, "is_folder", path=path))

    async def look_beneath(self, folder: str, paths: Sequence[str]) -> list[Seen]:
        """See the contract."""
        found: list[Seen] = await self.agent.call(_PART, "look_beneath", folder=folder, paths=paths)
        return found

    async def free(self, wanted: Sequence[int]) -> list[int]:
        """See the contract."""
        found: list[int] = await self.agent.call(_PART, "free", wanted=wanted)
        return found

    async def taken(self, wanted: Sequence[Port]) -> list[Port]:
        """See the contract."""
        found: list[Port] = await self.agent.call(_PART, "taken", wanted=wanted)
        return found

    async def reached(self) -> list[Reached]:
        """See the contract."""
        found: list[Reached] = await self.agent.call(_PART, "reached")
        return found

    async def ask(self, port: Port, *, pid: int | None, expected: bool, within_seconds: float) -> Asked:
        """See the contract."""
        asked: Asked = await self.agent.call(
            _PART,
            "ask",
            seconds=within_seconds + _WAY_SECONDS,
            port=port,
            pid=pid,
            expected=expected,
            within_seconds=within_seconds,
        )
        return asked

    async def run(self, argv: Sequence[str], env: Mapping[str, str], text: str, within_seconds: float) -> Ran:
        """See the contract."""
        ran: Ran = await self.agent.call(
            _PART,
            "run",
            seconds=within_seconds + _WAY_SECONDS,
            argv=argv,
            env=env,
            text=text,
            within_seconds=within_seconds,
        )
        return ran

    async def consumption(
        self, panel_id: str, releases: Collection[str], containers: Collection[str]
    ) -> MachineReading:
        """See the contract."""
        reading: MachineReading = await self.agent.call(
            _PART, "consumption", panel_id=panel_id, releases=releases, containers=containers
        )
        return reading
