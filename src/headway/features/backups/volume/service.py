"""Use cases of volume backups: make, change, run, list what is kept, restore; each asked of the policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Request, SubjectType, asked_by
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.core.engine.scheduler.timers import Timers
from headway.features.backups.volume import store
from headway.features.backups.volume.model import ServiceType, VolumeBackup, VolumeSettings, check, check_volume
from headway.features.backups.volume.requests import request_of, timer_of
from headway.features.backups.volume.restore import RESTORE
from headway.features.backups.volume.services import VolumeServices, Whose
from headway.features.destinations import stored_backup_store
from headway.features.destinations.service import DestinationService
from headway.features.destinations.stored_backup_model import KeptFile, checked_path
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault

_NOUNS: Mapping[ServiceType, Noun] = MappingProxyType({each: Noun[each.name] for each in ServiceType})


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackupService:
    """What callers may ask of volume backups."""

    db: Database
    vault: Vault
    ledger: Ledger
    stopping: Stopping
    timers: Timers
    destinations: DestinationService
    services: VolumeServices

    async def create(
        self,
        actor: Actor,
        permission: Permission,
        service_type: ServiceType,
        service_id: str,
        settings: VolumeSettings,
        *,
        destination_id: str | None,
    ) -> VolumeBackup:
        """Makes a volume backup that nothing has been kept of yet. Raises InvalidInput, Missing, Forbidden."""
        check(settings)

        def write(tx: Tx) -> VolumeBackup:
            whose = self._service(tx, actor, permission, service_type, service_id)
            if whose.lacks:
                raise InvalidInput(whose.lacks)
            made = VolumeBackup(
                volume_backup_id=new_id(),
                organization_id=whose.owner.organization_id,
                project_id=whose.owner.project_id or "",
                destination_id=self._destination(tx, actor, permission, destination_id),
                service_type=service_type,
                service_id=service_id,
                app_name=whose.app_name,
                settings=settings,
                created_at=tx.now,
            )
            store.add(tx, made, self.vault)
            self._set_timer(tx, made)
            return made

        return await self.db.run(write)

    async def one(self, actor: Actor, permission: Permission, volume_backup_id: str) -> VolumeBackup:
        """One volume backup. Raises Missing, Forbidden."""
        return await self.db.read(lambda tx: self._permitted(tx, actor, permission, volume_backup_id))

    async def of_service(
        self, actor: Actor, permission: Permission, service_type: ServiceType, service_id: str
    ) -> list[VolumeBackup]:
        """The volume backups of a service, newest first. Raises Missing, Forbidden."""

        def read(tx: Tx) -> list[VolumeBackup]:
            self._service(tx, actor, permission, service_type, service_id)
            return store.of_service(tx, service_type, service_id, self.vault)

        return await self.db.read(read)

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        volume_backup_id: str,
        change: Callable[[VolumeSettings], VolumeSettings],
        destination_id: str | None = None,
    ) -> VolumeBackup:
        """Changes a volume backup; the next run works from it. Raises InvalidInput, Missing, Forbidden."""

        def write(tx: Tx) -> VolumeBackup:
            current = self._permitted(tx, actor, permission, volume_backup_id)
            settings = change(current.settings)
            check(settings)
            where = current.destination_id
            if destination_id is not None and destination_id != where:
                where = self._destination(tx, actor, permission, destination_id)
            store.change(tx, volume_backup_id, where, settings, self.vault)
            changed = store.find(tx, volume_backup_id, self.vault)
            self._set_timer(tx, changed)
            return changed

        return await self.db.run(write)

    async def delete(self, actor: Actor, permission: Permission, volume_backup_id: str) -> VolumeBackup:
        """Ends its runs and forgets a volume backup; its files stay where they lie. Raises Missing, Forbidden."""
        found = await self.one(actor, permission, volume_backup_id)
        await end_unfinished(self.db, self.stopping, SubjectType.VOLUME_BACKUP, volume_backup_id, Intent.CANCEL)

        def write(tx: Tx) -> VolumeBackup:
            self.timers.remove(tx, SubjectType.VOLUME_BACKUP, volume_backup_id)
            stored_backup_store.forget_subject(tx, SubjectType.VOLUME_BACKUP, volume_backup_id)
            store.remove(tx, volume_backup_id)
            return found

        return await self.db.run(write)

    async def start(
        self, actor: Actor, permission: Permission, volume_backup_id: str, once: Once | None = None
    ) -> Queued:
        """Queues a run now. Raises Missing, Forbidden."""

        def write(tx: Tx) -> Queued:
            found = self._permitted(tx, actor, permission, volume_backup_id)
            return self.ledger.enqueue_once(tx, once, lambda: asked_by(actor, self._request(tx, found)))

        return await self.db.run(write)

    async def files(self, actor: Actor, permission: Permission, volume_backup_id: str) -> list[KeptFile]:
        """What is kept of a volume backup, newest first. Raises Missing, Forbidden."""

        def read(tx: Tx) -> list[KeptFile]:
            self._permitted(tx, actor, permission, volume_backup_id)
            return stored_backup_store.of_subject(tx, SubjectType.VOLUME_BACKUP, volume_backup_id)

        return await self.db.read(read)

    async def restore(
        self,
        actor: Actor,
        permission: Permission,
        volume_backup_id: str,
        file: str,
        *,
        destination_id: str | None,
        target: str | None,
        once: Once | None = None,
    ) -> Queued:
        """Queues a restore of a file into a new volume (``target``) or, where none is named, the same one. Raises
        InvalidInput, Missing, Forbidden.
        """
        if target is not None:
            check_volume(target)

        def write(tx: Tx) -> Queued:
            found = self._permitted(tx, actor, permission, volume_backup_id)
            where = destination_id or found.destination_id
            self.destinations.permitted(tx, actor, permission, where)
            given = {"file": checked_path(file), "destination_id": where, "target": target or ""}
            made = self._request(tx, found, alone=target is None)
            request = replace(made, kind=RESTORE, default_title="Restore", input={**made.input, **given})
            return self.ledger.enqueue_once(tx, once, lambda: asked_by(actor, request))

        return await self.db.run(write)

    def _request(self, tx: Tx, found: VolumeBackup, *, alone: bool = False) -> Request:
        """A run; where the service is stopped meanwhile, or ``alone``, nothing is deployed to it at the same time."""
        return request_of(found, self.services.whose(tx, found.service_type, found.service_id), alone=alone)

    def _destination(self, tx: Tx, actor: Actor, permission: Permission, destination_id: str | None) -> str:
        """Where it goes: the destination that is named, else the organisation's folder of this machine."""
        if destination_id:
            return self.destinations.permitted(tx, actor, permission, destination_id).destination_id
        return self.destinations.local(tx, actor).destination_id

    def _set_timer(self, tx: Tx, made: VolumeBackup) -> None:
        timer = timer_of(made.settings)
        if timer is None:
            self.timers.remove(tx, SubjectType.VOLUME_BACKUP, made.volume_backup_id)
        else:
            enabled = made.settings.enabled
            self.timers.put(tx, SubjectType.VOLUME_BACKUP, made.volume_backup_id, *timer, enabled=enabled)

    def _service(
        self, tx: Tx, actor: Actor, permission: Permission, service_type: ServiceType, service_id: str
    ) -> Whose:
        """The service, asked of the policy. Raises Missing, Forbidden."""
        whose = self.services.whose(tx, service_type, service_id)
        place = ("", None) if whose is None else (whose.owner.organization_id, whose.owner.project_id)
        permit(actor, permission, *place, noun=_NOUNS[service_type])
        if whose is None:
            raise Missing(_NOUNS[service_type])
        return whose

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, volume_backup_id: str) -> VolumeBackup:
        owner = store.owner(tx, volume_backup_id)
        if owner is None:
            raise Missing(Noun.VOLUME_BACKUP)
        permit(actor, permission, owner.organization_id, owner.project_id, noun=Noun.VOLUME_BACKUP)
        return store.find(tx, volume_backup_id, self.vault)
