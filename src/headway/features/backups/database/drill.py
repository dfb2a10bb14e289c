"""How a kept file is tried in a database that is made for that and thrown away, and when one is tried by itself."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.run import Run, Success
from headway.drivers.dumps.base import Engine
from headway.features.backups.database.model import DatabaseBackup
from headway.features.backups.database.plan import DatabaseBackupPlan
from headway.features.backups.database.requests import DATABASE_JOB, DRILL, can_be_restored, drill_request
from headway.features.backups.database.restore import fill, make, require_bounded
from headway.features.backups.database.target import DatabaseTarget, require_engine
from headway.features.backups.run import BackupKind, Then
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import KeptFile
from headway.infra.db.transaction import Tx
from headway.kernel.phrase import phrase
from headway.kernel.vault import Vault


def drill_kind(target: DatabaseTarget) -> BackupKind[DatabaseBackup, DatabaseBackupPlan]:
    """Restores a kept file on trial."""
    return BackupKind(target=target, name=DRILL, work=partial(_drill, target), fills=True)


def drill_when_due(ledger: Ledger, vault: Vault) -> Then[DatabaseBackupPlan]:
    """Queues a trial of what was just made, in the transaction that made it, where the last one is too long ago."""

    def queue(tx: Tx, plan: DatabaseBackupPlan, file: KeptFile) -> None:
        if plan.drill_days is None or not can_be_restored(plan.engine):
            return
        mine = stored_backup_store.of_subject(tx, file.subject_type, file.subject_id)
        beyond = tx.now + stored_backup_store.AHEAD  # by a clock that was ahead
        tried = [each.proven_at for each in mine if each.proven_at is not None and each.proven_at <= beyond]
        if not tried or max(tried) <= tx.now - timedelta(days=plan.drill_days):
            backup = DATABASE_JOB.store.find(tx, file.subject_id, vault)
            ledger.enqueue(tx, drill_request(tx, backup, vault, file))

    return queue


async def _drill(target: DatabaseTarget, run: Run, plan: DatabaseBackupPlan) -> Success:
    """Makes a database, fills it, counts its tables, and throws it away."""
    require_engine(plan)
    asked = await target.servers.find(run, plan)
    if not plan.trusted and plan.engine is Engine.POSTGRES:
        require_bounded(plan, await asked.held(plan.database))
    await run.say(phrase("Restoring {} on trial into {}, which is removed afterwards.", plan.place.path, plan.target))
    await run.step("open a folder", lambda: target.transfer.open_folder(run))
    await make(asked, plan, plan.target)
    tables = await fill(asked, plan, over=False, on_trial=True)
    await asked.drop(plan.target)
    await target.transfer.close_folder(run)
    return Success(
        message=f"{plan.place.path} can be restored: {tables} tables.",
        settle=lambda tx: stored_backup_store.prove(tx, plan.place.destination_id, plan.place.path),
    )
