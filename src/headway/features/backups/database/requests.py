"""What the runs of a database's backup are, and what a restore of one is asked for with."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.access.policy import Noun
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Request, SubjectType
from headway.drivers.dumps.base import Engine
from headway.features.backups import subject
from headway.features.backups.base import BackupJob
from headway.features.backups.database.model import BackupForm, DatabaseBackup
from headway.features.backups.store import BackupStore
from headway.features.destinations.stored_backup_model import KeptFile
from headway.features.services import store as services_store
from headway.features.services.database import store as databases
from headway.infra.db.tables.backups import backups
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault

DRILL = "backup.drill"
FILL = "fill the database"
DATABASE_JOB = BackupJob(
    kind="backup",
    version=6,
    title="Backup",
    subject_type=SubjectType.BACKUP,
    store=BackupStore(table=backups, noun=Noun.BACKUP, load=DatabaseBackup.load),
    restores_once=FILL,
)


def backup_request(tx: Tx, backup: DatabaseBackup, vault: Vault) -> Request:
    """A run that makes the backup."""
    return subject.request_of(DATABASE_JOB, backup, host_of(tx, backup, vault))


def restore_request(
    tx: Tx,
    backup: DatabaseBackup,
    vault: Vault,
    given: Mapping[str, object],
    *,
    kind: str = DATABASE_JOB.restore_kind,
    title: str = "Restore",
) -> Request:
    """A run that restores a file. Raises InvalidInput where this version does not."""
    if backup.engine is None:
        raise InvalidInput("Headway's own data is restored where no panel runs: headway restore FILE.")
    if not can_be_restored(backup.engine):
        raise InvalidInput(
            f"This version does not restore {backup.engine} by itself: fetch the file from the destination and unpack"
            " it with zstd -d."
        )
    return subject.restore_request(backup_request(tx, backup, vault), kind, given, title)


def drill_request(tx: Tx, backup: DatabaseBackup, vault: Vault, file: KeptFile) -> Request:
    """A run that restores a file on trial. Raises InvalidInput where this version does not."""
    given = {"file": file.path, "destination_id": file.destination_id, "target": scratch_name(), "over": False}
    return restore_request(tx, backup, vault, given, kind=DRILL, title="Restore on trial")


def can_be_restored(engine: Engine | None) -> bool:
    """Whether this version restores what such a server dumps."""
    return engine in {Engine.POSTGRES, Engine.MARIADB, Engine.MYSQL}


def scratch_name() -> str:
    """The name of a database that is thrown away."""
    return f"headway_drill_{new_id().lower().replace('-', '_')[:12]}"


def host_of(tx: Tx, backup: DatabaseBackup, vault: Vault) -> str:
    """The host that what is backed up is on: the panel's own machine for what is reached over the network."""
    if backup.form is BackupForm.COMPOSE:
        return services_store.host_of(tx, backup.service_id or "") or LOCAL_HOST
    if backup.form is not BackupForm.DATABASE:
        return LOCAL_HOST
    database = databases.find(tx, backup.service_id or "", vault)
    return LOCAL_HOST if database is None or database.settings.elsewhere is not None else database.runs.host_id
