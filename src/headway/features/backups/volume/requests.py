"""What the runs of a volume's backup are, and how one is asked for."""

from __future__ import annotations

from headway.core.access.policy import Noun
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Request, SubjectType
from headway.features.backups.base import BackupJob
from headway.features.backups.store import BackupStore
from headway.features.backups.subject import request_of
from headway.features.backups.volume.model import VolumeBackup
from headway.features.backups.volume.services import Whose
from headway.infra.db.tables.backups import volume_backups

VOLUME_JOB = BackupJob(
    kind="volumeBackup",
    version=6,
    title="Volume backup",
    subject_type=SubjectType.VOLUME_BACKUP,
    store=BackupStore(table=volume_backups, noun=Noun.VOLUME_BACKUP, load=VolumeBackup.load),
)


def backup_request(backup: VolumeBackup, whose: Whose | None, *, alone: bool = False) -> Request:
    """A run that makes the backup. While the service is stopped for it, or the volume is exchanged (``alone``), nothing
    is deployed to it.
    """
    if whose is None:
        return request_of(VOLUME_JOB, backup, LOCAL_HOST)
    shares = alone or backup.settings.turn_off
    return request_of(VOLUME_JOB, backup, whose.host_id, whose.exclusive_key if shares else None)
