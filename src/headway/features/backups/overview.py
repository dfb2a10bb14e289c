"""Every backup beside what is kept of it, when it is due and how its newest run stands: asked of the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headway.core.access.model import Actor
from headway.core.access.policy import sees
from headway.core.deployments.latest_runs import LatestRun, latest_runs
from headway.core.engine.scheduler.timer import Timer
from headway.core.engine.scheduler.timers import Timers
from headway.features.backups.base import BackupJob
from headway.features.backups.database.model import DatabaseBackup
from headway.features.backups.database.requests import DATABASE_JOB
from headway.features.backups.volume.model import VolumeBackup
from headway.features.backups.volume.requests import VOLUME_JOB
from headway.features.destinations import store, stored_backup_store
from headway.features.destinations.stored_backup_model import KeptOf
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOverview:
    """A backup with its timer (None: it is started by hand only), what is kept of it (None: nothing yet), its newest
    run, be it a backup, a restore or a trial, and what its destination is called.
    """

    backup: DatabaseBackup | VolumeBackup
    timer: Timer | None
    kept: KeptOf | None
    run: LatestRun | None
    destination_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOverviewReader:
    """What callers may see of backups whatever they are of."""

    db: Database
    vault: Vault
    timers: Timers

    async def all(self, actor: Actor) -> Sequence[BackupOverview]:
        """Every backup that the caller may see, by name."""

        def look(tx: Tx) -> Sequence[BackupOverview]:
            names = store.names(tx, actor.organization_id)
            return [*self._of(tx, actor, DATABASE_JOB, names), *self._of(tx, actor, VOLUME_JOB, names)]

        found = await self.db.read(look)
        return sorted(found, key=lambda each: (each.backup.settings.name.casefold(), each.backup.backup_id))

    def _of(self, tx: Tx, actor: Actor, job: BackupJob[Any], names: Mapping[str, str]) -> Sequence[BackupOverview]:
        backups = job.store.of_organization(tx, actor.organization_id, self.vault)
        if not backups:
            return []  # home asks this for everybody, and most have none
        ids, subject_type = job.store.ids(actor.organization_id), job.subject_type
        timers, runs = self.timers.of(tx, subject_type, ids), latest_runs(tx, subject_type, ids)
        kept = stored_backup_store.kept_of(tx, subject_type, ids)
        return [
            BackupOverview(
                backup=each,
                timer=timers.get(each.backup_id),
                kept=kept.get(each.backup_id),
                run=runs.get(each.backup_id),
                destination_name=names.get(each.destination_id, ""),
            )
            for each in backups
            if sees(actor, each.organization_id, each.project_id)
        ]
