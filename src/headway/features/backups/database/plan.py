"""What a run of a database's backup works from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from headway.core.access.machine_store import is_guarded
from headway.drivers.dumps.base import Engine
from headway.features.backups.base import BackupPlan
from headway.features.backups.database.model import WEB_SERVER, BackupForm, Connection, DatabaseBackup
from headway.features.destinations.transfer import ObjectPlace
from headway.features.services.database import store
from headway.features.services.database.probe import server_of
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseBackupPlan(BackupPlan):
    """``service_id`` is the compose service or the database that the server runs in; ``over``: what ``target`` holds is
    replaced, ``trusted``: who restores may use the machine.
    """

    backup_id: str
    form: BackupForm
    engine: Engine | None
    database: str
    service_id: str | None
    service_name: str | None
    connection: Connection = field(repr=False)
    over: bool = False
    trusted: bool = False
    with_logs: bool = True
    drill_days: int | None = None

    @staticmethod
    def load(values: Mapping[str, Any]) -> DatabaseBackupPlan:
        """The plan that ``dump`` wrote."""
        engine = values["engine"]
        made = {
            "form": BackupForm(values["form"]),
            "engine": None if engine is None else Engine(engine),
            "connection": Connection(**values["connection"]),
            "place": ObjectPlace.load(values["place"]),
        }
        return DatabaseBackupPlan(**{**values, **made})

    @property
    def what(self) -> str:
        """What the stream says that it is of."""
        return WEB_SERVER if self.engine is None else self.engine.value

    @property
    def said(self) -> str:
        """What is backed up, in words."""
        if self.engine is None:
            return "Headway's own data"
        where = self.connection.host if self.form is BackupForm.CONNECTION else f"service {self.service_name}{self.at}"
        return f"the database {self.database} ({self.engine}, {where})"

    @property
    def server_known_as(self) -> str:
        """By what two plans are known to be of one server: its host, or the service that it runs in."""
        if self.form is BackupForm.CONNECTION:
            return f"{self.connection.host}:{self.connection.port}"
        return f"{self.host_id}/{self.service_id}/{self.service_name}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not show of its server."""
        return (self.connection.password,)


def reached(tx: Tx, backup: DatabaseBackup, vault: Vault) -> tuple[BackupForm, Connection, str | None]:
    """How the server is reached, and its service's name: of a database as it is set now. Raises InvalidInput."""
    settings = backup.settings
    if backup.form is not BackupForm.DATABASE:
        guarded = is_guarded(tx, backup.organization_id, settings.connection.guarded)
        return backup.form, replace(settings.connection, guarded=guarded), settings.service_name
    database = store.find(tx, backup.service_id or "", vault)
    if database is None:
        raise InvalidInput("The database of this backup was removed. Its files are there; restore them by hand.")
    server = server_of(database.kind, database.settings)
    connection = Connection(host=server.host, port=server.port, username=server.username, password=server.password)
    if database.settings.elsewhere is not None:
        guarded = is_guarded(tx, backup.organization_id, database.settings.elsewhere.guarded)
        return BackupForm.CONNECTION, replace(connection, guarded=guarded), None
    return BackupForm.DATABASE, connection, database.name
