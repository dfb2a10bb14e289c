"""A run on this machine, as sources and builders see it: a real anchor, real accounts, and a log to look at."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from headway.infra.hosts.base import Anchor, AnchorSpec, Exit, Host, StopMode
from headway.infra.hosts.command import Account, Command
from headway.infra.hosts.local import LocalHost
from headway.kernel.errors import HeadwayError
from headway.kernel.ids import new_id
from headway.kernel.phrase import plain

IS_ROOT = os.geteuid() == 0
# Each worker of the suite has accounts of its own: tests count what is left of them.
_FIRST = 61301 + 10 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


class CommandFailed(HeadwayError):
    """What the engine raises for a command that fails."""

    def __init__(self, name: str, ended: Exit, log: str) -> None:
        super().__init__(f"{name} ended with {ended.statuses}, {ended.cause}: {log[-500:]}")
        self.name = name
        self.ended = ended


class Worksite:
    """Fits ``Work``. ``names`` are the commands that were started, ``said`` the lines, ``undos`` what was recorded.

    ``git``, ``build`` and ``runner`` are accounts of their own where we are root, else None.
    """

    def __init__(self, folder: Path, host: Host) -> None:
        self.folder = folder
        self.host: Host = host
        own = [Account(uid=_FIRST + number, gid=_FIRST + number) if IS_ROOT else None for number in range(3)]
        self.git, self.build, self.runner = own
        self.names: list[str] = []
        self.commands: list[Command] = []
        self.said: list[str] = []
        self.undos: list[tuple[str, Any]] = []
        self._anchor: Anchor | None = None
        self._started: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def started(self, name: str) -> None:
        """Returns once a command of that name runs, or has run."""
        await asyncio.wait_for(self._started[name].wait(), 20)

    async def command(self, name: str, command: Command, *, check: bool = True) -> Exit:
        anchor = await self.anchor()
        if name not in self.names:
            self.names.append(name)
            self.commands.append(command)
        await anchor.start(name, replace(command, step_seconds=command.step_seconds or 60))
        self._started[name].set()
        ended = await anchor.wait(name)
        if check and not ended.succeeded:
            raise CommandFailed(name, ended, await self.log())
        return ended

    async def say(self, text: str) -> None:
        self.said.append(plain(text))
        await (await self.anchor()).say(f"say-{len(self.said)}", text)

    def masked(self, text: str) -> str:
        return text

    async def undo(self, name: str, data: Any) -> None:  # noqa: ANN401 - any JSON value
        self.undos.append((name, data))

    def fence(self) -> AbstractAsyncContextManager[None]:
        assert self._anchor is not None
        return self.host.fence(self._anchor.handle.deployment_id, self._anchor.handle.epoch)

    async def log(self) -> str:
        """All output so far."""
        anchor = await self.anchor()
        chunks = []
        offset = 0
        while chunk := await anchor.read(offset, 1 << 16):
            chunks.append(chunk)
            offset += len(chunk)
        return plain(b"".join(chunks).decode(errors="replace"))

    async def anchor(self) -> Anchor:
        """The run's anchor, which is opened when it is first needed."""
        if self._anchor is None:
            self._anchor = await self.host.open_anchor(AnchorSpec(deployment_id=new_id(), epoch=1, total_seconds=300))
            await self._anchor.go()
        return self._anchor

    async def begin_again(self) -> None:
        """Another run on the same machine."""
        await self.end()
        self.names.clear()
        self.commands.clear()
        self.said.clear()
        self.undos.clear()
        self._started.clear()

    async def end(self) -> None:
        """Ends the run with all that it started."""
        if self._anchor is not None:
            await self._anchor.stop(StopMode.KILL)
            await self._anchor.close()
            self._anchor = None


@asynccontextmanager
async def open_worksite() -> AsyncIterator[Worksite]:
    """A work site in a temporary folder that every account can pass through; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="headway-work-"))
    folder.chmod(0o711)
    host = LocalHost(folder / "host", folder.name)
    site = Worksite(folder, host)
    try:
        yield site
    finally:
        await site.end()
        await host.aclose()
        (await host.capabilities()).trees.leave()
        shutil.rmtree(folder)
