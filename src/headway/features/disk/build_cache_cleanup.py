"""Bounds what builds without an engine keep on a host: that of an application goes as a whole."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping

from headway.features.disk import store
from headway.features.disk.files import GONE, caches_on
from headway.features.disk.model import Kind, ServiceUsage, Waste, longest_unused
from headway.features.disk.rounds import Round
from headway.features.services import store as services_store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.infra.db.engine import Database
from headway.infra.hosts.base import FileFailed, Host, HostUnreachable
from headway.infra.hosts.measure import Folder
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheCleaning:
    """``bound`` is what all of them on one host may hold together, in bytes; 0: any size."""

    db: Database
    applications: ApplicationLifecycle
    bound: int

    async def clean(self, round_: Round) -> AsyncIterator[Waste]:
        """What goes, each once it is out of the way: of services that are no more, then the longest unused first,
        until the others are within the bound. Raises HostUnreachable.
        """
        host, folder = round_.there.host, round_.there.places.caches
        found = await caches_on(round_.there)
        if not round_.dry:
            for name in [name for name in found if name.startswith(GONE)]:  # the power failed in the middle
                await _removed(host, f"{folder}/{name}")
        found = {name: each for name, each in found.items() if not name.startswith(GONE)}
        services = {each.service_id: each for each in round_.services}
        for name, why in (await self._going(round_, services, found)).items():
            service, path, gone = services.get(name), f"{folder}/{name}", f"{folder}/{GONE}{name}"
            if await self._set_aside(host, name, path, gone, dry=round_.dry):
                shown = name if service is None else service.name
                yield round_.waste(Kind.CACHE, service, shown, why, found[name].bytes)
                if not round_.dry:
                    await _removed(host, gone)

    async def _going(
        self, round_: Round, services: Mapping[str, ServiceUsage], found: Mapping[str, Folder]
    ) -> Mapping[str, str]:
        """Those that go, and why."""
        whys = {}
        if round_.takes_strangers:
            # Asked after the look: whatever has a folder by then had a row before.
            known = await self.db.read(lambda tx: store.known_services(tx, found))
            whys = {name: "its application is no more" for name in found if name not in known}
        mine = [name for name in found if name in services and round_.chosen.service(services[name])]
        host_id = round_.there.host.host_id
        built = await self.db.read(lambda tx: store.last_built(tx, host_id, mine))
        # A build that finds everything in its cache writes nothing there.
        used = {name: max(found[name].used_at, built[name].timestamp() if name in built else 0.0) for name in mine}
        sizes = {name: (found[name].bytes, used[name]) for name in mine}
        beyond = f"all caches together are beyond HEADWAY_BUILD_CACHE ({self.bound >> 20} MiB)"
        return {**whys, **dict.fromkeys(longest_unused(sizes, self.bound), beyond)}

    async def _set_aside(self, host: Host, name: str, path: str, gone: str, *, dry: bool) -> bool:
        """Whether it is out of the way (``dry``: may go), at once for whoever begins to build whatever time its removal
        takes; not while something is being deployed to its application.
        """
        async with self.applications.turn(name):
            if not await self.db.read(lambda tx: services_store.is_at_rest(tx, name)):
                return False
            if not dry:
                try:
                    await host.rename(path, gone)
                except (Conflict, FileFailed) as error:  # it has gone meanwhile, or its removal is under way
                    log.debug("the cache %s stays for now: %s", path, error.message)
                    return False
            return True


async def _removed(host: Host, path: str) -> None:
    try:
        await host.remove_tree(path)
    except (FileFailed, HostUnreachable) as error:  # a server goes on with what takes long; the next round looks again
        log.info("%s", error.message)
