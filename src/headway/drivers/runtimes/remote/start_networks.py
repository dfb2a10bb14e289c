"""Where containers and builds of a server begin, asked over the link."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.kernel.dataclass import dataclass

_PART = "beginning"


@dataclass(frozen=True, slots=True)
class RemoteStartNetworks:
    """Fits ``Beginning``, and closes ports. Every call raises HostUnreachable where the server does not answer."""

    agent: RuntimeAgentClient

    async def build(self, account: int | None, ports: Sequence[int]) -> None:
        """See the contract."""
        await self.agent.call(_PART, "build", account=account, ports=ports)

    async def kept_from(self, account: int | None) -> list[int]:
        """See the contract."""
        found: list[int] = await self.agent.call(_PART, "kept_from", account=account)
        return found

    async def ready(self) -> None:
        """See the contract."""
        await self.agent.call(_PART, "ready")

    async def group(self, *, ruled: bool) -> str | None:
        """See the contract."""
        group: str | None = await self.agent.call(_PART, "group", ruled=ruled)
        return group

    async def settings(self, *, ruled: bool) -> dict[str, str]:
        """See the contract."""
        found: dict[str, str] = await self.agent.call(_PART, "settings", ruled=ruled)
        return found

    async def close(self, ports: Collection[int]) -> None:
        """Keeps native applications there from ports that lead to something else."""
        await self.agent.call("closing", "close_ports", ports=sorted(ports))
