"""Brings what knows of the disks: what holds them, and what is cleaned of them."""

from __future__ import annotations

from dataclasses import dataclass
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
from headway.features.services.compose.module import Composes
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """What callers may ask."""

    service: DiskService
    module: Module


def install_disk(base: Base, servers: Servers, applications: Applications, composes: Composes) -> Disk:
    """The disks of all hosts, and what is held back on the panel's own."""
    service = _service(base, servers, applications, composes)
    keeping, ballast = DiskKeeping(service), partial(watch_ballast, base.data_dir.ballast, base.settings.ballast_bytes)
    module = Module(loops=(Poller("ballast", ballast), Poller("disk", keeping.keep_round)), released=(keeping,))
    return Disk(service=service, module=module)


def _service(base: Base, servers: Servers, applications: Applications, composes: Composes) -> DiskService:
    mine, theirs = applications.lifecycle, composes.lifecycle
    here, bound = _here(base, servers, applications, composes), base.settings.build_cache_bytes

    def there(host_id: str) -> DiskHost:
        return here if host_id == here.host.host_id else at(host_id)

    def at(server_id: str) -> DiskHost:
        tools, compose_tools = mine.contexts.at(server_id), theirs.contexts.at(server_id)
        host = servers.fleet.server(server_id)
        places = Places(root=host.root, applications=tools.folders, composes=compose_tools.folders)
        return DiskHost(host=host, api=compose_tools.engine.api, panel_id=compose_tools.panel_id, places=places)

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
        applications=mine,
        composes=theirs,
        engine=EngineCleaning(leftovers=leftovers, bound=bound),
        caches=CacheCleaning(db=base.db, applications=mine, bound=bound),
        toolchains=_toolchains(base, here, applications, bound),
    )
    return DiskService(db=base.db, measuring=measuring, cleaning=cleaning, events=base.events)


def _here(base: Base, servers: Servers, applications: Applications, composes: Composes) -> DiskHost:
    tools, compose_tools = applications.lifecycle.tools, composes.lifecycle.tools
    places = Places(root=str(base.data_dir.work), applications=tools.folders, composes=compose_tools.folders)
    api, panel_id = compose_tools.engine.api, base.data_dir.panel_id
    return DiskHost(host=servers.fleet.here, api=api, panel_id=panel_id, places=places)


def _toolchains(base: Base, here: DiskHost, applications: Applications, bound: int) -> ToolchainCleaning:
    kept = applications.lifecycle.tools.toolchains
    turns = Turns() if kept is None else kept.turns
    return ToolchainCleaning(db=base.db, vault=base.vault, turns=turns, bound=bound, here=here.places.toolchains)
