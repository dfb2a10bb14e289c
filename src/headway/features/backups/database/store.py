"""Backups in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from headway.core.access.policy import Missing, Noun
from headway.core.deployments.run import Owner
from headway.drivers.dumps.base import Engine
from headway.features.backups.database.model import Backup, BackupForm, BackupSettings
from headway.infra.db.tables.backups import backups
from headway.infra.db.tables.projects import environments, projects
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c = backups.c


def find(tx: Tx, backup_id: str, vault: Vault) -> Backup:
    """The backup with this id. Raises Missing."""
    row = tx.execute(select(backups).where(_c.backup_id == backup_id)).one_or_none()
    if row is None:
        raise Missing(Noun.BACKUP)
    return _record(row, vault)


def owner(tx: Tx, backup_id: str) -> Owner | None:
    """Whose a backup is, None when there is none."""
    columns = (_c.organization_id, _c.project_id)
    row = tx.execute(select(*columns).where(_c.backup_id == backup_id)).one_or_none()
    return None if row is None else Owner(organization_id=row.organization_id, project_id=row.project_id)


def of_organization(tx: Tx, organization_id: str, vault: Vault) -> list[Backup]:
    """An organisation's backups, newest first."""
    mine = select(backups).where(_c.organization_id == organization_id)
    return [_record(row, vault) for row in tx.execute(mine.order_by(_c.created_at.desc(), _c.backup_id))]


def every(tx: Tx, vault: Vault) -> list[Backup]:
    """All backups."""
    return [_record(row, vault) for row in tx.execute(select(backups))]


def of_service(tx: Tx, service_id: str) -> list[str]:
    """The ids of the backups of a service."""
    return list(tx.execute(select(_c.backup_id).where(_c.service_id == service_id)).scalars())


def give_to_project(tx: Tx, backup_id: str, project_id: str) -> None:
    """The backup belongs to another project, with what it is of."""
    tx.execute(update(backups).where(_c.backup_id == backup_id).values(project_id=project_id))


def owner_of_environment(tx: Tx, environment_id: str) -> Owner | None:
    """Whose an environment is, None when there is none."""
    row = tx.execute(
        select(projects.c.organization_id, projects.c.project_id)
        .join(environments, environments.c.project_id == projects.c.project_id)
        .where(environments.c.environment_id == environment_id)
    ).one_or_none()
    return None if row is None else Owner(organization_id=row.organization_id, project_id=row.project_id)


def add(tx: Tx, backup: Backup, vault: Vault) -> None:
    """Adds a backup."""
    tx.execute(
        insert(backups).values(
            backup_id=backup.backup_id,
            organization_id=backup.organization_id,
            project_id=backup.project_id,
            environment_id=backup.environment_id,
            destination_id=backup.destination_id,
            form=backup.form,
            engine=backup.engine,
            service_id=backup.service_id,
            app_name=backup.app_name,
            settings=vault.seal(backup.settings.dump()),
            created_at=backup.created_at,
        )
    )


def change(tx: Tx, backup_id: str, destination_id: str, settings: BackupSettings, vault: Vault) -> None:
    """Writes where a backup goes, and its settings."""
    values = {"destination_id": destination_id, "settings": vault.seal(settings.dump())}
    tx.execute(update(backups).where(_c.backup_id == backup_id).values(**values))


def remove(tx: Tx, backup_id: str) -> None:
    """Deletes a backup."""
    tx.execute(delete(backups).where(_c.backup_id == backup_id))


def _record(row: Row[Any], vault: Vault) -> Backup:
    return Backup(
        backup_id=row.backup_id,
        organization_id=row.organization_id,
        project_id=row.project_id,
        environment_id=row.environment_id,
        destination_id=row.destination_id,
        form=BackupForm(row.form),
        engine=None if row.engine is None else Engine(row.engine),
        service_id=row.service_id,
        app_name=row.app_name,
        settings=BackupSettings.load(vault.open(row.settings)),
        created_at=row.created_at,
    )
