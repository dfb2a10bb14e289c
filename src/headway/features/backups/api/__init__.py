"""The operations of backups: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.features.services.api import relations_of

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"backup": partial(_backup, panel), "volumeBackups": partial(_volume_backups, panel)}


def _backup(panel: PanelParts) -> Routed:
    from headway.features.backups.api import database

    features = panel.features
    needs = database.BackupNeeds(
        backups=features.backups.databases,
        deployment_reads=features.deployments.reads,
        destinations=features.destinations.service,
        overviews=features.backups.overviews,
        relations=relations_of(panel),
    )
    return database.router.over(needs)


def _volume_backups(panel: PanelParts) -> Routed:
    from headway.features.backups.api import volume

    features = panel.features
    needs = volume.VolumeBackupsNeeds(
        backups=features.backups.volumes,
        deployment_reads=features.deployments.reads,
        relations=relations_of(panel),
    )
    return volume.router.over(needs)
