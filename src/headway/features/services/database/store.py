"""Databases in the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from headway.features.services import store as services_store
from headway.features.services.application import store as applications_store
from headway.features.services.database.application_spec import settings_for, variables_for
from headway.features.services.database.model import Database, DatabaseKind, DatabaseSettings
from headway.infra.db.tables.services import databases, services
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_a = services.c
_d = databases.c


def find(tx: Tx, database_id: str, vault: Vault) -> Database | None:
    """The database with this id, None where there is none."""
    row = tx.execute(_live().where(_d.database_id == database_id)).one_or_none()
    return None if row is None else _database(tx, row, vault)


def of_organization(tx: Tx, organization_id: str, kind: DatabaseKind, vault: Vault) -> list[Database]:
    """An organisation's databases of a kind, the newest first."""
    mine = (_a.organization_id == organization_id, _a.database == kind)
    rows = tx.execute(_live().where(*mine).order_by(_a.created_at.desc(), _a.service_id)).all()
    return [_database(tx, row, vault) for row in rows]


def of_environment(tx: Tx, environment_id: str, only: Collection[str] | None, vault: Vault) -> list[Database]:
    """An environment's databases, the oldest first; those of ``only`` where it is given."""
    statement = _live().where(_a.environment_id == environment_id).order_by(_a.created_at, _a.service_id)
    rows = tx.execute(statement).all()
    return [_database(tx, row, vault) for row in rows if only is None or row.database_id in only]


def add(tx: Tx, database: Database, vault: Vault) -> None:
    """Adds what is set of a database; what runs of it is there already."""
    tx.execute(
        insert(databases).values(database_id=database.database_id, settings=vault.seal(database.settings.dump()))
    )


def write(tx: Tx, database: Database, vault: Vault) -> None:
    """Writes what is set of a database, and what follows from it for what runs."""
    sealed = vault.seal(database.settings.dump())
    tx.execute(update(databases).where(_d.database_id == database.database_id).values(settings=sealed))
    settings = settings_for(database.kind, database.settings, database.runs.settings)
    services_store.set_fields(
        tx,
        database.database_id,
        name=database.runs.name,
        description=database.runs.description,
        settings=services_store.kept(settings, vault),
        env=vault.seal(variables_for(database.kind, database.settings)),
    )


def _live() -> Select[Any]:
    columns = (_d.database_id, _d.settings, _a.database)
    return select(*columns).join(services, _a.service_id == _d.database_id).where(_a.deleted_at.is_(None))


def _database(tx: Tx, row: Row[Any], vault: Vault) -> Database:
    return Database(
        kind=DatabaseKind(row.database),
        runs=applications_store.find(tx, row.database_id, vault),
        settings=DatabaseSettings.load(vault.open(row.settings)),
    )
