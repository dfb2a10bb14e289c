"""Visits to the containers of a machine, as one who is there, or is told by the panel, begins and ends them."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Protocol

from headway.drivers.runtimes.container.exec_session import ExecSession
from headway.infra.docker.api import DockerApi
from headway.kernel.dataclass import dataclass


class Visiting(Protocol):
    """What visits a machine allows."""

    async def begin(
        self, container_id: str, pid: int | None, run_id: str, gate: str, *, use_group: bool
    ) -> ExecSession:
        """The visit of a run to a container whose first process is ``pid``."""
        ...

    async def let_in(self, within: ExecSession) -> None: ...

    async def end(self, within: ExecSession, grace_seconds: float) -> None:
        """See ``Within.end``. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class ExecSessions:
    """Those to this machine."""

    api: DockerApi

    async def begin(
        self, container_id: str, pid: int | None, run_id: str, gate: str, *, use_group: bool
    ) -> ExecSession:
        """See the contract."""
        return await asyncio.to_thread(ExecSession.of, container_id, pid, run_id, gate, use_group=use_group)

    async def let_in(self, within: ExecSession) -> None:
        """See the contract."""
        await within.let_in(partial(asyncio.to_thread, _open, Path(within.gate)))

    async def end(self, within: ExecSession, grace_seconds: float) -> None:
        """See the contract."""
        await within.end(self.api, grace_seconds=grace_seconds)


def _open(gate: Path) -> None:
    gate.touch(mode=0o600)
