"""Watches the room on the disks of the panel's data and of the servers, and says once when it gets short."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from headway.core.access.policy import Missing
from headway.core.deployments.retention import Attempts
from headway.core.deployments.store import add_to_outbox
from headway.core.engine.concurrency import at_once
from headway.features.servers import store
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

LEAST_BYTES = 1 << 30
_SHARE = 20  # of this machine's disk, at most so much of what applications leave
_REST = 30.0
_SECONDS = 10.0
_HERE = ""
_LOOP, _THIS_MACHINE = "disk watch", "this machine"


class Roomy(Protocol):
    """A server, as far as its room goes."""

    @property
    def root(self) -> str:
        """Where it keeps what runs there."""
        ...

    @property
    def link(self) -> int | None:
        """None while it does not answer."""
        ...

    async def free_bytes(self, path: str) -> int:
        """Free space of the file system that holds ``path``. Raises HostUnreachable."""
        ...


@dataclass(slots=True, kw_only=True)
class DiskWatch:
    """``servers`` are those that there are, by their ids; ``low`` are the short of room, "" for ``folder``. Who fills
    the disk there is ended where no more than the ``reserve`` is free: it is short then. By ``troubles`` each disk is
    looked at by itself. ``rooms`` is told what is free on the servers that answer.
    """

    db: Database
    folder: Path
    servers: Mapping[str, Roomy]
    troubles: Attempts
    rooms: dict[str, int]
    reserve: int = 0
    low: set[str] = field(default_factory=set)

    async def look(self) -> float:
        """Looks once; seconds to rest."""
        reached = {each: server for each, server in self.servers.items() if server.link is not None}
        for gone in self.rooms.keys() - reached.keys():
            del self.rooms[gone]
        self.troubles.forget_others(_LOOP, {_THIS_MACHINE, *self.servers})
        work = {_THIS_MACHINE: self._look_here}
        work |= {each: partial(self._look_at, each, server) for each, server in reached.items()}
        await at_once((self.troubles.attempt(_LOOP, *each) for each in work.items()), most=len(work))
        return _REST

    async def _look_here(self) -> None:
        here = await asyncio.to_thread(shutil.disk_usage, self.folder)
        await self._judge(_HERE, here.free, max(LEAST_BYTES, min(self.reserve, here.total // _SHARE)))

    async def _look_at(self, server_id: str, server: Roomy) -> None:
        free = None
        try:
            with suppress(HeadwayError, TimeoutError):  # one that is away is told of elsewhere
                async with asyncio.timeout(_SECONDS):
                    free = await server.free_bytes(server.root)
        finally:
            self.rooms.pop(server_id, None)  # what was not seen anew is not known
        if free is not None:
            self.rooms[server_id] = free
            await self._judge(server_id, free)

    async def _judge(self, host_id: str, free: int, least: int = LEAST_BYTES) -> None:
        if host_id not in self.low and free < least:
            with suppress(Missing):  # a server that was removed just now
                await self.db.run(lambda tx: add_to_outbox(tx, "disk.low", _told(tx, host_id, free)))
        # Half as much again, so that it is not said again and again at the border.
        if free < (least * 3 // 2 if host_id in self.low else least):
            self.low.add(host_id)
        else:
            self.low.discard(host_id)


def _told(tx: Tx, host_id: str, free: int) -> dict[str, Any]:
    bare = {"freeBytes": free, "time": tx.now.isoformat()}
    if host_id == _HERE:
        return bare
    server = store.find(tx, host_id)
    return {**bare, "serverId": host_id, "serverName": server.name, "organizationId": server.organization_id}
