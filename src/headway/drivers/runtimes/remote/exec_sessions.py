"""Visits to the containers of a server."""

from __future__ import annotations

from headway.drivers.runtimes.container.exec_session import ExecSession
from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.kernel.dataclass import dataclass

_AS_LONG_AS_IT_TAKES = 10 * 365 * 24 * 3600.0  # a script may; and the link tells when the server is gone


@dataclass(frozen=True, slots=True)
class RemoteExecSessions:
    """Fits ``Visiting``. Every call raises HostUnreachable where the server does not answer."""

    agent: RuntimeAgentClient

    async def begin(
        self, container_id: str, pid: int | None, run_id: str, gate: str, *, use_group: bool
    ) -> ExecSession:
        """See the contract."""
        found: ExecSession = await self.agent.call(
            "visits",
            "begin",
            container_id=container_id,
            pid=pid,
            run_id=run_id,
            gate=gate,
            use_group=use_group,
        )
        return found

    async def let_in(self, within: ExecSession) -> None:
        """See the contract."""
        await self.agent.call("visits", "let_in", seconds=_AS_LONG_AS_IT_TAKES, within=within)

    async def end(self, within: ExecSession, grace_seconds: float) -> None:
        """See the contract."""
        await self.agent.call("visits", "end", within=within, grace_seconds=grace_seconds)
