"""What a run of a backup is asked for with, by a person or by its timer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Lane, Request, SubjectType
from headway.core.engine.scheduler.cron import Cron
from headway.core.engine.scheduler.timer import CatchUp, Overlap, Policy, Tick
from headway.features.backups.database import store
from headway.features.backups.database.model import DEFAULT_TOTAL_SECONDS, Backup, BackupSettings
from headway.features.backups.database.restore import DRILL, RESTORE, can_be_restored, scratch_name
from headway.features.backups.database.restore import VERSION as RESTORE_VERSION
from headway.features.backups.database.run import KIND, VERSION, Enqueue
from headway.features.backups.database.where import host_of
from headway.features.destinations.stored_backup_model import KeptFile
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput, NotFound
from headway.kernel.vault import Vault


class BackupSource:
    """What the timers of backups ask for; fits the scheduler's ``Source``."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def request(self, tx: Tx, subject_id: str, tick: Tick) -> Request | None:
        """A run of the backup, None where it is gone."""
        try:
            return request_of(tx, store.find(tx, subject_id, self._vault), self._vault)
        except NotFound:
            return None


def timer_of(settings: BackupSettings) -> tuple[Cron, Policy] | None:
    """When a backup is due, None where it is started by hand only. One that nobody saw is made up for, once."""
    if not settings.schedule.strip():
        return None
    policy = Policy(overlap=Overlap.SKIP, catch_up=CatchUp.ONCE)
    return Cron(expression=settings.schedule, timezone=settings.timezone), policy


def exclusive_key(backup: Backup) -> str:
    """What one run at a time may hold."""
    return f"backup:{backup.backup_id}"


def request_of(tx: Tx, backup: Backup, vault: Vault) -> Request:
    """A run that makes the backup: on the panel's machine, with effects on the server that the database is on."""
    host_id = host_of(tx, backup, vault)
    return Request(
        kind=KIND,
        kind_version=VERSION,
        subject_type=SubjectType.BACKUP,
        subject_id=backup.backup_id,
        host_id=LOCAL_HOST,
        release_host_id=None if host_id == LOCAL_HOST else host_id,
        organization_id=backup.organization_id,
        project_id=backup.project_id,
        exclusive_key=exclusive_key(backup),
        lane=Lane.BACKUP,
        default_title="Backup",
        input={"total_seconds": backup.settings.total_seconds or DEFAULT_TOTAL_SECONDS},
    )


def restore_request(tx: Tx, backup: Backup, vault: Vault, given: Mapping[str, object]) -> Request:
    """A run that restores a file. Raises InvalidInput where this version does not."""
    return _trial(request_of(tx, backup, vault), backup, RESTORE, "Restore", given)


def drill_request(tx: Tx, backup: Backup, vault: Vault, file: KeptFile) -> Request:
    """A run that restores a file on trial. Raises InvalidInput where this version does not."""
    given = {"file": file.path, "destination_id": file.destination_id, "target": scratch_name(), "over": False}
    return _trial(request_of(tx, backup, vault), backup, DRILL, "Restore on trial", given)


def drill_of(ledger: Ledger, vault: Vault) -> Enqueue:
    """Queues a trial of what was just made, in the transaction that made it."""

    def enqueue(tx: Tx, backup_id: str, file: KeptFile) -> None:
        backup = store.find(tx, backup_id, vault)
        if can_be_restored(backup.engine):
            ledger.enqueue(tx, drill_request(tx, backup, vault, file))

    return enqueue


def _trial(made: Request, backup: Backup, kind: str, title: str, given: Mapping[str, object]) -> Request:
    if backup.engine is None:
        raise InvalidInput("Headway's own data is restored where no panel runs: headway restore FILE.")
    if not can_be_restored(backup.engine):
        raise InvalidInput(
            f"This version does not restore {backup.engine} by itself: fetch the file from the destination and unpack"
            " it with zstd -d."
        )
    return replace(made, kind=kind, kind_version=RESTORE_VERSION, default_title=title, input={**made.input, **given})
