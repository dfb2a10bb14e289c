"""Clears away what nobody needs, and nothing else: never a volume, a kept release, or what is not Headway's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import partial

from headway.core.deployments.retention import Attempts
from headway.core.engine.concurrency import at_once
from headway.features.disk import store
from headway.features.disk.build_cache_cleanup import CacheCleaning
from headway.features.disk.engine_cleanup import EngineCleaning
from headway.features.disk.engines import DiskEngines
from headway.features.disk.model import Cleared, DiskServer, Kind, ServiceUsage, Waste
from headway.features.disk.places import DiskHost
from headway.features.disk.rounds import Chosen, Round
from headway.features.disk.server_access import DiskServerAccess, ServerAway
from headway.features.disk.toolchain_cleanup import ToolchainCleaning
from headway.features.services.kinds import ServiceKinds
from headway.infra.db.engine import Database
from headway.infra.docker.usage import EngineUsage
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import NotFound, Unavailable

_REMOVING_SECONDS = 600.0
_LOOP = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """Cleans the panel's machine, ``here``, and the servers that ``reaching`` gives, all at the same time. In rounds of
    everything each part is cleaned by itself, by ``troubles``; who asks for one is told what kept it from being done.
    """

    db: Database
    here: DiskHost
    reaching: DiskServerAccess
    engines: DiskEngines
    kinds: ServiceKinds
    engine: EngineCleaning
    caches: CacheCleaning
    toolchains: ToolchainCleaning
    troubles: Attempts

    async def clean(self, chosen: Chosen, *, dry: bool) -> Cleared:
        """Removes what can go of the chosen services, and of what belongs to none; with ``dry`` only says what. What an
        engine or a server that is away keeps from going is left to the next time.
        """
        services, servers = await self.db.read(lambda tx: (store.services(tx), store.every_server(tx)))
        asked = tuple(each for each in servers if chosen.server(each))
        found: dict[str | None, list[Waste]] = defaultdict(list)
        away: dict[str, str] = {}
        engines: set[str] = set()
        met: set[str] = set()

        def round_on(there: DiskHost, engine: EngineUsage | None, server: DiskServer | None) -> Round:
            is_first = engine is not None and engine.engine_id not in engines
            engines.update({engine.engine_id} if engine is not None else ())
            return Round(there, engine, server, services, chosen, dry=dry, cleans_engine=is_first)

        async def clean_here() -> None:
            engine = await self.engines.usage(self.here, images_only=True)
            await self._clean(found[None], met, round_on(self.here, engine, None))

        async def clean_on(server: DiskServer) -> None:
            looking = self.reaching.seconds
            try:
                async with self.reaching.at(server, looking) as there:
                    engine = await self.engines.usage(there, images_only=True)
                async with self.reaching.at(server, looking if dry else _REMOVING_SECONDS) as there:
                    await self._clean(found[server.server_id], met, round_on(there, engine, server))
            except ServerAway as error:
                away[server.server_id] = error.message

        await at_once([clean_here(), *(clean_on(each) for each in asked)], most=1 + len(asked))
        if chosen.everything:
            self.troubles.forget_others(_LOOP, met)
        places = (None, *(each.server_id for each in asked))
        return Cleared(items=tuple(each for place in places for each in found[place]), servers=asked, away=away)

    async def _clean(self, found: list[Waste], met: set[str], round_: Round) -> None:
        for part, cleaned in self._parts(round_):
            item = f"{part} on {round_.there.host.host_id}"
            met.add(item)
            clear = partial(_taken, found, cleaned)
            if round_.chosen.everything:
                await self.troubles.attempt(_LOOP, item, clear)
            else:
                await clear()

    def _parts(self, round_: Round) -> Iterator[tuple[str, AsyncIterator[Waste]]]:
        for service in round_.mine:
            yield f"releases of {service.service_id}", self._releases(round_, service)
        yield "build caches", self.caches.clean(round_)
        yield "languages", self.toolchains.clean(round_)
        yield "images", self._images(round_)

    async def _images(self, round_: Round) -> AsyncIterator[Waste]:
        with suppress(Unavailable):
            async for each in self.engine.clean(round_):
                yield each

    async def _releases(self, round_: Round, service: ServiceUsage) -> AsyncIterator[Waste]:
        with suppress(NotFound, Unavailable):  # it has gone meanwhile, or the engine has
            disk, freeing = self.kinds.by_type[service.service_type].disk, round_.freeing
            cleared = disk.clear(
                round_.there.host,
                service.service_id,
                round_.there.repository(service),
                freeing=None if freeing is None else freeing.name,
                dry=round_.dry,
            )
            async for each in cleared:
                kind = Kind.IMAGE if each.is_image else Kind.RELEASE
                yield round_.waste(kind, service, each.name, each.why, each.bytes)


async def _taken(found: list[Waste], cleaned: AsyncIterator[Waste]) -> None:
    async for each in cleaned:
        found.append(each)  # noqa: PERF401 - one by one, since it may be ended in the middle
