"""Use cases of any backup: keep, change, run, list what is kept, restore; each asked of the policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Permission, permit
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Request, asked_by
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.core.engine.scheduler.timers import Timers
from headway.features.backups.base import BackupJob
from headway.features.backups.model import B, S
from headway.features.backups.subject import timer_of
from headway.features.destinations import stored_backup_store
from headway.features.destinations.service import DestinationService
from headway.features.destinations.stored_backup_model import KeptFile, checked_path
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupService(Generic[B, S]):
    """What callers may ask of the backups of any target. ``judge`` looks at what the settings of one are to be."""

    job: BackupJob[B]
    judge: Callable[[Actor, B, S], S]
    db: Database
    vault: Vault
    ledger: Ledger
    stopping: Stopping
    timers: Timers
    destinations: DestinationService

    async def one(self, actor: Actor, permission: Permission, backup_id: str) -> B:
        """One backup. Raises Missing, Forbidden."""
        return await self.db.read(lambda tx: self.permitted(tx, actor, permission, backup_id))

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        backup_id: str,
        change: Callable[[S], S],
        destination_id: str | None = None,
    ) -> B:
        """Changes a backup; the next run works from it. Raises InvalidInput, Missing, Forbidden."""

        def write(tx: Tx) -> B:
            current = self.permitted(tx, actor, permission, backup_id)
            settings, where = self.judge(actor, current, change(current.settings)), current.destination_id
            if destination_id is not None and destination_id != where:
                where = self.destination(tx, actor, permission, destination_id)
            self.job.store.change(tx, backup_id, where, settings, self.vault)
            changed = self.job.store.find(tx, backup_id, self.vault)
            self._set_timer(tx, changed)
            return changed

        return await self.db.run(write)

    async def remove(self, actor: Actor, permission: Permission, backup_id: str) -> B:
        """Ends its runs and forgets a backup; its files stay where they lie. Raises Missing, Forbidden."""
        backup, subject_type = await self.one(actor, permission, backup_id), self.job.subject_type
        await end_unfinished(self.db, self.stopping, subject_type, backup_id, Intent.CANCEL)

        def write(tx: Tx) -> B:
            self.timers.remove(tx, subject_type, backup_id)
            stored_backup_store.forget_subject(tx, subject_type, backup_id)
            self.job.store.remove(tx, backup_id)
            return backup

        return await self.db.run(write)

    async def files(self, actor: Actor, permission: Permission, backup_id: str) -> list[KeptFile]:
        """What is kept of a backup, newest first. Raises Missing, Forbidden."""

        def read(tx: Tx) -> list[KeptFile]:
            self.permitted(tx, actor, permission, backup_id)
            return stored_backup_store.of_subject(tx, self.job.subject_type, backup_id)

        return await self.db.read(read)

    async def queue(
        self,
        actor: Actor,
        permission: Permission,
        backup_id: str,
        once: Once | None,
        request: Callable[[Tx, B], Request],
    ) -> Queued:
        """Queues a run of a backup. Raises Missing, Forbidden."""

        def write(tx: Tx) -> Queued:
            backup = self.permitted(tx, actor, permission, backup_id)
            return self.ledger.enqueue_once(tx, once, lambda: asked_by(actor, request(tx, backup)))

        return await self.db.run(write)

    def file_at(
        self, tx: Tx, actor: Actor, permission: Permission, backup: B, *, file: str, destination_id: str | None
    ) -> dict[str, Any]:
        """What a restore is asked for with: a file, and where it lies (None: where the backup goes)."""
        where = destination_id or backup.destination_id
        self.destinations.permitted(tx, actor, permission, where)
        return {"file": checked_path(file), "destination_id": where}

    def add(self, tx: Tx, backup: B) -> None:
        """Keeps a new backup, which is due from now on."""
        self.job.store.add(tx, backup, self.vault)
        self._set_timer(tx, backup)

    def destination(self, tx: Tx, actor: Actor, permission: Permission, destination_id: str | None) -> str:
        """Where it goes: the destination that is named, else the organisation's folder of this machine."""
        if destination_id:
            return self.destinations.permitted(tx, actor, permission, destination_id).destination_id
        return self.destinations.local(tx, actor).destination_id

    def permitted(self, tx: Tx, actor: Actor, permission: Permission, backup_id: str) -> B:
        """One backup, asked of the policy. Raises Missing, Forbidden."""
        owner = self.job.store.owner(tx, backup_id)
        if owner is None:
            raise Missing(self.job.store.noun)
        permit(actor, permission, owner.organization_id, owner.project_id, noun=self.job.store.noun)
        return self.job.store.find(tx, backup_id, self.vault)

    def _set_timer(self, tx: Tx, backup: B) -> None:
        timer, subject = timer_of(backup.settings), (self.job.subject_type, backup.backup_id)
        if timer is None:
            self.timers.remove(tx, *subject)
        else:
            self.timers.put(tx, *subject, *timer, enabled=backup.settings.enabled)
