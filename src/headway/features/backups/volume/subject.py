"""What the heart must know of volume backups: whose one is, and that its timer hears how its runs end."""

from __future__ import annotations

from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.run import Owner
from headway.core.deployments.store import give_to_project
from headway.core.engine.scheduler.timers import Timers
from headway.features.backups.volume import store
from headway.infra.db.transaction import Tx


class VolumeBackupSubject:
    """Fits ``core.deployments.run.Subject``."""

    noun = "Volume backup"

    def __init__(self, timers: Timers) -> None:
        self._timers = timers

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the volume backup is."""
        return store.owner(tx, subject_id)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """A volume backup has no status of its own: its newest deployment tells."""
        self._timers.moved(tx, deployment)


def carry_volume_backups_along(tx: Tx, service_id: str, project_id: str) -> None:
    """The volume backups of a service, and their runs, go with it to another project."""
    for volume_backup_id in store.give_to_project(tx, service_id, project_id):
        give_to_project(tx, SubjectType.VOLUME_BACKUP, volume_backup_id, project_id)
