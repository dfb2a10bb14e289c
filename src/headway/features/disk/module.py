"""Brings what knows of the disks: what holds them, and what is cleaned of them."""

from __future__ import annotations

from functools import partial

from headway.core.engine.poller import Poller
from headway.drivers.buildplan.toolchains.store import Turns
from headway.features.disk.ballast import watch_ballast
from headway.features.disk.build_cache_cleanup import CacheCleaning
from headway.features.disk.cleanup import Cleaning
from headway.features.disk.engine_cleanup import EngineCleaning
from headway.features.disk.engines import DiskEngines
from headway.features.disk.leftovers import Leftovers
from headway.features.disk.measurement import Measuring
from headway.features.disk.places import DiskHost, Places
from headway.features.disk.pollers import DiskKeeping
from headway.features.disk.server_access import DiskServerAccess
from headway.features.disk.server_usage import ServerUsage
from headway.features.disk.service import DiskService
from headway.features.disk.toolchain_cleanup import ToolchainCleaning
from headway.features.servers.module import Servers
from headway.features.services.application.module import Applications
from headway.features.services.application.tools import ApplicationContext
from headway.features.services.kinds import ServiceKinds
from headway.infra.hosts.base import Host
from headway.kernel.dataclass import dataclass
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """What callers may ask."""

    service: DiskService
    module: Module


def install_disk(base: Base, servers: Servers, kinds: ServiceKinds, applications: Applications) -> Disk:
    """The disks of all hosts, and what is held back on the panel's own."""
    service = _service(base, servers, kinds, applications)
    keeping, ballast = DiskKeeping(service), partial(watch_ballast, base.data_dir.ballast, base.settings.ballast_bytes)
    module = Module(loops=(Poller("ballast", ballast), Poller("disk", keeping.keep_round)), released=(keeping,))
    return Disk(service=service, module=module)


def _service(base: Base, servers: Servers, kinds: ServiceKinds, applications: Applications) -> DiskService:
    lifecycle, bound = applications.lifecycle, base.settings.build_cache_bytes
    root = str(base.data_dir.work)
    here = _disk_host(servers.fleet.here, root, kinds, lifecycle.tools)

    def there(host_id: str) -> DiskHost:
        return here if host_id == here.host.host_id else at(host_id)

    def at(server_id: str) -> DiskHost:
        tools, host = lifecycle.contexts.at(server_id), servers.fleet.server(server_id)
        return _disk_host(host, host.root, kinds, tools)

    reaching, engines = DiskServerAccess(there=at), DiskEngines(there)
    leftovers = Leftovers(db=base.db, panel_id=base.data_dir.panel_id, engine_of=engines.id_of)
    measuring = Measuring(
        db=base.db,
        here=here,
        engines=engines,
        logs=base.data_dir.logs,
        asking=ServerUsage(reaching=reaching, engines=engines, leftovers=leftovers),
        floor=base.settings.least_free_bytes,
        cache_bound=bound,
    )
    cleaning = Cleaning(
        db=base.db,
        here=here,
        reaching=reaching,
        engines=engines,
        kinds=kinds,
        engine=EngineCleaning(leftovers=leftovers, bound=bound),
        caches=CacheCleaning(db=base.db, applications=lifecycle, bound=bound),
        toolchains=_toolchains(base, here, applications, bound),
        troubles=base.engine.troubles,
    )
    return DiskService(db=base.db, measuring=measuring, cleaning=cleaning, events=base.events)


def _disk_host(host: Host, root: str, kinds: ServiceKinds, tools: ApplicationContext) -> DiskHost:
    folders = {name: each.disk.folders(host.host_id) for name, each in kinds.by_type.items()}
    places = Places(root=root, caches=tools.folders.caches, toolchains=tools.folders.toolchains, folders=folders)
    return DiskHost(host=host, api=tools.imaging.api, panel_id=tools.imaging.panel_id, places=places, kinds=kinds)


def _toolchains(base: Base, here: DiskHost, applications: Applications, bound: int) -> ToolchainCleaning:
    kept = applications.lifecycle.tools.toolchains
    turns = Turns() if kept is None else kept.turns
    return ToolchainCleaning(db=base.db, vault=base.vault, turns=turns, bound=bound, here=here.places.toolchains)
