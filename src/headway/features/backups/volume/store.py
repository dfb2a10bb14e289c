"""Volume backups in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from headway.core.access.policy import Missing, Noun
from headway.core.deployments.run import Owner
from headway.features.backups.volume.model import ServiceType, VolumeBackup, VolumeSettings
from headway.infra.db.tables.backups import volume_backups
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c = volume_backups.c


def find(tx: Tx, volume_backup_id: str, vault: Vault) -> VolumeBackup:
    """The volume backup with this id. Raises Missing."""
    row = tx.execute(select(volume_backups).where(_c.volume_backup_id == volume_backup_id)).one_or_none()
    if row is None:
        raise Missing(Noun.VOLUME_BACKUP)
    return _record(row, vault)


def owner(tx: Tx, volume_backup_id: str) -> Owner | None:
    """Whose a volume backup is, None when there is none."""
    columns = (_c.organization_id, _c.project_id)
    row = tx.execute(select(*columns).where(_c.volume_backup_id == volume_backup_id)).one_or_none()
    return None if row is None else Owner(organization_id=row.organization_id, project_id=row.project_id)


def of_service(tx: Tx, service_type: ServiceType, service_id: str, vault: Vault) -> list[VolumeBackup]:
    """The volume backups of a service, newest first."""
    mine = (_c.service_type == service_type, _c.service_id == service_id)
    rows = tx.execute(select(volume_backups).where(*mine).order_by(_c.created_at.desc(), _c.volume_backup_id))
    return [_record(row, vault) for row in rows]


def every(tx: Tx, vault: Vault) -> list[VolumeBackup]:
    """All volume backups."""
    return [_record(row, vault) for row in tx.execute(select(volume_backups))]


def give_to_project(tx: Tx, service_id: str, project_id: str) -> list[str]:
    """The volume backups of a service belong to another project, with it; their ids."""
    mine = update(volume_backups).where(_c.service_id == service_id).values(project_id=project_id)
    return list(tx.execute(mine.returning(_c.volume_backup_id)).scalars())


def add(tx: Tx, made: VolumeBackup, vault: Vault) -> None:
    """Adds a volume backup."""
    tx.execute(
        insert(volume_backups).values(
            volume_backup_id=made.volume_backup_id,
            organization_id=made.organization_id,
            project_id=made.project_id,
            destination_id=made.destination_id,
            service_type=made.service_type,
            service_id=made.service_id,
            app_name=made.app_name,
            settings=vault.seal(made.settings.dump()),
            created_at=made.created_at,
        )
    )


def change(tx: Tx, volume_backup_id: str, destination_id: str, settings: VolumeSettings, vault: Vault) -> None:
    """Writes where a volume backup goes, and its settings."""
    values = {"destination_id": destination_id, "settings": vault.seal(settings.dump())}
    tx.execute(update(volume_backups).where(_c.volume_backup_id == volume_backup_id).values(**values))


def remove(tx: Tx, volume_backup_id: str) -> None:
    """Deletes a volume backup."""
    tx.execute(delete(volume_backups).where(_c.volume_backup_id == volume_backup_id))


def _record(row: Row[Any], vault: Vault) -> VolumeBackup:
    return VolumeBackup(
        volume_backup_id=row.volume_backup_id,
        organization_id=row.organization_id,
        project_id=row.project_id,
        destination_id=row.destination_id,
        service_type=ServiceType(row.service_type),
        service_id=row.service_id,
        app_name=row.app_name,
        settings=VolumeSettings.load(vault.open(row.settings)),
        created_at=row.created_at,
    )
