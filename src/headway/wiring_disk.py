"""Makes what knows of the disk, for ``wiring`` among the others."""

from __future__ import annotations

from headway.domains.applications.operate import Operating as Applications
from headway.domains.composes.operate import Operating as Composes
from headway.domains.disk.asking import Asking, There
from headway.domains.disk.cleaning import Cleaning
from headway.domains.disk.measuring import Measuring
from headway.domains.disk.places import Places
from headway.domains.disk.service import DiskService
from headway.domains.servers.fleet import Fleet
from headway.infra.db.engine import SqlDatabase
from headway.infra.panel.data_dir import DataDir
from headway.kernel.events import Events
from headway.kernel.settings import Settings


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
    api = composes.tools.engine.api

    def there(server_id: str) -> There:
        mine, theirs = applications.toolboxes.at(server_id), composes.toolboxes.at(server_id)
        places = Places(applications=mine.folders, composes=theirs.folders)
        return There(host=fleet.server(server_id), api=theirs.engine.api, panel_id=theirs.panel_id, places=places)

    measuring = Measuring(
        db=db,
        api=api,
        panel_id=data_dir.panel_id,
        places=Places(applications=applications.tools.folders, composes=composes.tools.folders),
        logs=data_dir.logs,
        asking=Asking(there=there),
        floor=settings.least_free_bytes,
        cache_bound=settings.build_cache_bytes,
    )
    cleaning = Cleaning(
        db=db,
        api=api,
        panel_id=data_dir.panel_id,
        measuring=measuring,
        applications=applications,
        composes=composes,
        cache_bound=settings.build_cache_bytes,
    )
    return DiskService(db=db, measuring=measuring, cleaning=cleaning, events=events)
