"""What the heart must know of backups: whose one is, and that its timer hears how its runs end."""

from __future__ import annotations

from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.run import Owner
from headway.core.deployments.store import give_to_project
from headway.core.engine.scheduler.timers import Timers
from headway.features.backups.database import store
from headway.infra.db.transaction import Tx


class BackupSubject:
    """Fits ``core.deployments.run.Subject``."""

    noun = "Backup"

    def __init__(self, timers: Timers) -> None:
        self._timers = timers

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the backup is."""
        return store.owner(tx, subject_id)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """A backup has no status of its own: its newest deployment tells."""
        self._timers.moved(tx, deployment)


def carry_backups_along(tx: Tx, service_id: str, project_id: str) -> None:
    """The backups of a service, and their runs, go with it to another project."""
    for backup_id in store.of_service(tx, service_id):
        store.give_to_project(tx, backup_id, project_id)
        give_to_project(tx, SubjectType.BACKUP, backup_id, project_id)
