"""Asks servers what services hold there: each for itself, within a deadline, and one that cannot be asked is named."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from headway.features.disk.engines import DiskEngines
from headway.features.disk.files import caches_on, files_of, together
from headway.features.disk.leftovers import Leftovers
from headway.features.disk.model import NOTHING, DiskServer, Freeing, OnServer, ServiceUsage, counted
from headway.features.disk.places import DiskHost
from headway.features.disk.server_access import DiskServerAccess, ServerAway
from headway.features.services.folders import Part
from headway.infra.docker.usage import EngineUsage
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUsage:
    """Asks the servers that ``reaching`` gives."""

    reaching: DiskServerAccess
    engines: DiskEngines
    leftovers: Leftovers

    async def all(self, servers: Sequence[DiskServer], services: Sequence[ServiceUsage]) -> tuple[OnServer, ...]:
        """What each of them has said, in their order."""
        return tuple(await asyncio.gather(*(self._asked(each, services) for each in servers)))

    async def _asked(self, server: DiskServer, services: Sequence[ServiceUsage]) -> OnServer:
        try:
            async with self.reaching.at(server, self.reaching.seconds) as there:
                return await self._answer(server, services, there)
        except ServerAway as error:
            return OnServer(server=server, away=error.message, held=NOTHING)

    async def _answer(self, server: DiskServer, services: Sequence[ServiceUsage], there: DiskHost) -> OnServer:
        mine = {each.service_id: each for each in services if each.host_id == server.server_id}
        engine = await self.engines.usage(there)
        held = NOTHING if engine is None else counted(engine, there.owners(mine.values()))
        caches = await caches_on(there)
        known = {each.service_id for each in services}
        # Of those that are elsewhere, and were built here.
        guests = {name: {Part.CACHE: each.bytes} for name, each in caches.items() if name in known - mine.keys()}
        left = sum(each.bytes for name, each in caches.items() if name not in known)
        return OnServer(
            server=server,
            engine=engine is not None,
            free=await there.host.free_bytes(there.places.root),
            left=left + await self._left(engine, server.server_id),
            held=replace(held, of_service=together(held.of_service, await files_of(there, [*mine.values()]), guests)),
        )

    async def _left(self, engine: EngineUsage | None, host_id: str) -> int:
        if engine is None:
            return 0
        freeing = Freeing(engine)
        return sum(each.gained(freeing) for each in await self.leftovers.of(engine, host_id))
