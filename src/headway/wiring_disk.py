"""Makes what knows of the disk, for ``wiring`` among the others."""

from __future__ import annotations

from headway.core.engine.engine import Engine
from headway.core.engine.poller import Poller
from headway.domains.applications.operate import Operating as Applications
from headway.domains.composes.operate import Operating as Composes
from headway.domains.disk.asking import Asking
from headway.domains.disk.cache_cleaning import CacheCleaning
from headway.domains.disk.cleaning import Cleaning
from headway.domains.disk.engine_cleaning import EngineCleaning
from headway.domains.disk.engines import Engines
from headway.domains.disk.keeping import DiskKeeping
from headway.domains.disk.leftovers import Leftovers
from headway.domains.disk.measuring import Measuring
from headway.domains.disk.places import Places, There
from headway.domains.disk.reaching import Reaching
from headway.domains.disk.service import DiskService
from headway.domains.disk.toolchain_cleaning import ToolchainCleaning
from headway.domains.servers.fleet import Fleet
from headway.infra.db.engine import SqlDatabase
from headway.infra.panel.data_dir import DataDir
from headway.kernel.events import Events
from headway.kernel.settings import Settings
from headway.seams.buildplan.toolchains.store import Turns


def disk_service(
    settings: Settings,
    data_dir: DataDir,
    db: SqlDatabase,
    events: Events,
    *,
    applications: Applications,
    composes: Composes,
    fleet: Fleet,
) -> DiskService:
    """What callers may ask of the disk, and its rounds."""
    ours = Places(root=str(data_dir.work), applications=applications.tools.folders, composes=composes.tools.folders)
    here = There(host=fleet.here, api=composes.tools.engine.api, panel_id=data_dir.panel_id, places=ours)

    def there(host_id: str) -> There:
        return here if host_id == here.host.host_id else at(host_id)

    def at(server_id: str) -> There:
        mine, theirs = applications.toolboxes.at(server_id), composes.toolboxes.at(server_id)
        host = fleet.server(server_id)
        places = Places(root=host.root, applications=mine.folders, composes=theirs.folders)
        return There(host=host, api=theirs.engine.api, panel_id=theirs.panel_id, places=places)

    reaching, engines, bound = Reaching(there=at), Engines(there), settings.build_cache_bytes
    leftovers = Leftovers(db=db, panel_id=data_dir.panel_id, engine_of=engines.id_of)
    measuring = Measuring(
        db=db,
        here=here,
        engines=engines,
        logs=data_dir.logs,
        asking=Asking(reaching=reaching, engines=engines, leftovers=leftovers),
        floor=settings.least_free_bytes,
        cache_bound=bound,
    )
    cleaning = Cleaning(
        db=db,
        here=here,
        reaching=reaching,
        engines=engines,
        applications=applications,
        composes=composes,
        engine=EngineCleaning(leftovers=leftovers, bound=bound),
        caches=CacheCleaning(db=db, applications=applications, bound=bound),
        toolchains=_toolchains(db, data_dir, here, applications, bound),
    )
    return DiskService(db=db, measuring=measuring, cleaning=cleaning, events=events)


def _toolchains(
    db: SqlDatabase, data_dir: DataDir, here: There, applications: Applications, bound: int
) -> ToolchainCleaning:
    kept = applications.tools.toolchains
    turns = Turns() if kept is None else kept.turns
    return ToolchainCleaning(db=db, vault=data_dir.vault, turns=turns, bound=bound, here=here.places.toolchains)


def keep_disks(engine: Engine, disk: DiskService) -> None:
    """Has the engine see to the disks of all hosts."""
    keeping = DiskKeeping(disk)
    engine.keep(Poller("disk", keeping.keep_round))
    engine.release_also(keeping)
