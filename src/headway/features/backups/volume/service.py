"""Use cases of backups of volumes, beside those of any: make, list, run, restore."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.model import Request
from headway.features.backups.service import BackupService
from headway.features.backups.subject import restore_request
from headway.features.backups.volume.model import (
    ServiceType,
    VolumeBackup,
    VolumeBackupSettings,
    check,
    check_volume,
)
from headway.features.backups.volume.requests import backup_request
from headway.features.backups.volume.services import VolumeServices, Whose
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import new_id

_NOUNS: Mapping[ServiceType, Noun] = MappingProxyType({each: Noun[each.name] for each in ServiceType})


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackupService(BackupService[VolumeBackup, VolumeBackupSettings]):
    """What callers may ask of backups of volumes."""

    services: VolumeServices

    async def create(
        self,
        actor: Actor,
        permission: Permission,
        service_type: ServiceType,
        service_id: str,
        settings: VolumeBackupSettings,
        *,
        destination_id: str | None,
    ) -> VolumeBackup:
        """Makes a backup that nothing has been kept of yet. Raises InvalidInput, Missing, Forbidden."""
        check(settings)

        def write(tx: Tx) -> VolumeBackup:
            whose = self._service(tx, actor, permission, service_type, service_id)
            if whose.lacks:
                raise InvalidInput(whose.lacks)
            made = VolumeBackup(
                backup_id=new_id(),
                organization_id=whose.owner.organization_id,
                project_id=whose.owner.project_id or "",
                destination_id=self.destination(tx, actor, permission, destination_id),
                service_type=service_type,
                service_id=service_id,
                app_name=whose.app_name,
                settings=settings,
                created_at=tx.now,
            )
            self.add(tx, made)
            return made

        return await self.db.run(write)

    async def of_service(
        self, actor: Actor, permission: Permission, service_type: ServiceType, service_id: str
    ) -> list[VolumeBackup]:
        """The backups of a service's volumes, newest first. Raises Missing, Forbidden."""

        def read(tx: Tx) -> list[VolumeBackup]:
            self._service(tx, actor, permission, service_type, service_id)
            return self.job.store.of_service(tx, service_id, self.vault)

        return await self.db.read(read)

    async def start(self, actor: Actor, permission: Permission, backup_id: str, once: Once | None = None) -> Queued:
        """Queues a run now. Raises Missing, Forbidden."""
        return await self.queue(actor, permission, backup_id, once, self._request)

    async def restore(
        self,
        actor: Actor,
        permission: Permission,
        backup_id: str,
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

        def request(tx: Tx, backup: VolumeBackup) -> Request:
            given = self.file_at(tx, actor, permission, backup, file=file, destination_id=destination_id)
            asked = self._request(tx, backup, alone=target is None)
            return restore_request(asked, self.job.restore_kind, {**given, "target": target or ""})

        return await self.queue(actor, permission, backup_id, once, request)

    def _request(self, tx: Tx, backup: VolumeBackup, *, alone: bool = False) -> Request:
        """A run; where the service is stopped meanwhile, or ``alone``, nothing is deployed to it at the same time."""
        return backup_request(backup, self.services.whose(tx, backup.service_type, backup.service_id), alone=alone)

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


def judged_volume(_actor: Actor, _before: VolumeBackup, settings: VolumeBackupSettings) -> VolumeBackupSettings:
    """What the settings of a backup are to be. Raises InvalidInput."""
    check(settings)
    return settings
