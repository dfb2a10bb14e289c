"""Backups in the database: those of databases and those of volumes have a table each, which differ by a few columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic

from sqlalchemy import Column, ColumnElement, Row, Select, Table, delete, insert, select, update

from headway.core.access.policy import Missing, Noun
from headway.core.deployments.run import Owner
from headway.features.backups.model import B, BackupSettings
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupStore(Generic[B]):
    """The backups of one table. ``load`` makes one of its columns, whose settings are opened."""

    table: Table
    noun: Noun
    load: Callable[[Mapping[str, Any]], B]

    def find(self, tx: Tx, backup_id: str, vault: Vault) -> B:
        """The backup with this id. Raises Missing."""
        row = tx.execute(select(self.table).where(self._id == backup_id)).one_or_none()
        if row is None:
            raise Missing(self.noun)
        return self._record(row, vault)

    def owner(self, tx: Tx, backup_id: str) -> Owner | None:
        """Whose a backup is, None when there is none."""
        columns = (self.table.c.organization_id, self.table.c.project_id)
        row = tx.execute(select(*columns).where(self._id == backup_id)).one_or_none()
        return None if row is None else Owner(organization_id=row.organization_id, project_id=row.project_id)

    def every(self, tx: Tx, vault: Vault) -> Mapping[str, B | None]:
        """All backups by their ids, None where one cannot be read."""
        return {getattr(row, self._id.name): self._readable(row, vault) for row in tx.execute(select(self.table))}

    def of_organization(self, tx: Tx, organization_id: str, vault: Vault) -> list[B]:
        """An organisation's backups, newest first."""
        return self._newest(tx, self.table.c.organization_id == organization_id, vault)

    def ids(self, organization_id: str) -> Select[tuple[str]]:
        """Selects the ids of an organisation's backups."""
        return select(self._id).where(self.table.c.organization_id == organization_id)

    def of_service(self, tx: Tx, service_id: str, vault: Vault) -> list[B]:
        """The backups of a service, newest first."""
        return self._newest(tx, self.table.c.service_id == service_id, vault)

    def give_to_project(self, tx: Tx, service_id: str, project_id: str) -> list[str]:
        """The backups of a service belong to another project, with it; their ids."""
        mine = update(self.table).where(self.table.c.service_id == service_id).values(project_id=project_id)
        return list(tx.execute(mine.returning(self._id)).scalars())

    def add(self, tx: Tx, backup: B, vault: Vault) -> None:
        """Adds a backup."""
        own = {self._id.name: backup.backup_id, "settings": vault.seal(backup.settings.dump())}
        others = {each.name: getattr(backup, each.name) for each in self.table.c if each.name not in own}
        tx.execute(insert(self.table).values(**own, **others))

    def change(self, tx: Tx, backup_id: str, destination_id: str, settings: BackupSettings, vault: Vault) -> None:
        """Writes where a backup goes, and its settings."""
        values = {"destination_id": destination_id, "settings": vault.seal(settings.dump())}
        tx.execute(update(self.table).where(self._id == backup_id).values(**values))

    def remove(self, tx: Tx, backup_id: str) -> None:
        """Deletes a backup."""
        tx.execute(delete(self.table).where(self._id == backup_id))

    @property
    def _id(self) -> Column[Any]:
        (column,) = self.table.primary_key
        return column

    def _newest(self, tx: Tx, mine: ColumnElement[bool], vault: Vault) -> list[B]:
        rows = tx.execute(select(self.table).where(mine).order_by(self.table.c.created_at.desc(), self._id))
        return [self._record(row, vault) for row in rows]

    def _readable(self, row: Row[Any], vault: Vault) -> B | None:
        try:
            return self._record(row, vault)
        except (HeadwayError, ValueError, LookupError, TypeError):  # it was sealed with another key, or is damaged
            return None

    def _record(self, row: Row[Any], vault: Vault) -> B:
        values = dict(row._mapping)  # noqa: SLF001 - a row's names
        backup_id = values.pop(self._id.name)
        return self.load({**values, "backup_id": backup_id, "settings": vault.open(row.settings)})
