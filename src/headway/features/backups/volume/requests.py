"""What a run of a volume backup is asked for with, by a person or by its timer."""

from __future__ import annotations

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Lane, Request, SubjectType
from headway.core.engine.scheduler.cron import Cron
from headway.core.engine.scheduler.timer import CatchUp, Overlap, Policy, Tick
from headway.features.backups.volume import store
from headway.features.backups.volume.model import DEFAULT_TOTAL_SECONDS, VolumeBackup, VolumeSettings
from headway.features.backups.volume.run import KIND, VERSION
from headway.features.backups.volume.services import VolumeServices, Whose
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault


class VolumeBackupSource:
    """What the timers of volume backups ask for; fits the scheduler's ``Source``."""

    def __init__(self, vault: Vault, services: VolumeServices) -> None:
        self._vault = vault
        self._services = services

    def request(self, tx: Tx, subject_id: str, tick: Tick) -> Request | None:
        """A run of the volume backup, None where it is gone."""
        try:
            found = store.find(tx, subject_id, self._vault)
        except NotFound:
            return None
        return request_of(found, self._services.whose(tx, found.service_type, found.service_id))


def timer_of(settings: VolumeSettings) -> tuple[Cron, Policy] | None:
    """When a volume backup is due, None where it is started by hand only. One that nobody saw is made up for, once."""
    if not settings.cron_expression.strip():
        return None
    policy = Policy(overlap=Overlap.SKIP, catch_up=CatchUp.ONCE)
    return Cron(expression=settings.cron_expression, timezone=settings.timezone), policy


def request_of(found: VolumeBackup, whose: Whose | None, *, alone: bool = False) -> Request:
    """A run that makes the volume backup: on the panel's machine, with effects on the server that the service is on.
    While that is stopped for it, or the volume is exchanged (``alone``), nothing is deployed to it.
    """
    own = f"volumeBackup:{found.volume_backup_id}"
    shares = whose is not None and (alone or found.settings.turn_off)
    return Request(
        kind=KIND,
        kind_version=VERSION,
        subject_type=SubjectType.VOLUME_BACKUP,
        subject_id=found.volume_backup_id,
        host_id=LOCAL_HOST,
        release_host_id=None if whose is None or whose.host_id == LOCAL_HOST else whose.host_id,
        organization_id=found.organization_id,
        project_id=found.project_id,
        exclusive_key=whose.exclusive_key if whose is not None and shares else own,
        lane=Lane.BACKUP,
        default_title="Volume backup",
        input={"total_seconds": found.settings.total_seconds or DEFAULT_TOTAL_SECONDS},
    )
