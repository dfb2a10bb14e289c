"""A backup of a database or of Headway itself: where that is, and how its server is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from headway.drivers.dumps.base import Engine
from headway.features.backups.model import Backup, BackupSettings, check_settings, load_settings
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

WEB_SERVER = "web-server"
_LONGEST_NAME = 255


class BackupForm(StrEnum):
    """Where what is backed up is: a server that is reached over the network, a service of a compose service, a database
    that is one of Headway's services, or Headway itself.
    """

    CONNECTION = "connection"
    COMPOSE = "compose"
    DATABASE = "database"
    PANEL = "panel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How a database server is reached, or, in a container, who is asked as. ``guarded``: who said so may not use the
    machine, and it leads to the internet only.
    """

    host: str = ""
    port: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    guarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseBackupSettings(BackupSettings):
    """What can be changed of a backup of a database. ``drill_days``: after a backup it is restored on trial where the
    last trial is so long ago (None: only when asked for).
    """

    database: str = ""
    drill_days: int | None = None
    connection: Connection = field(default_factory=Connection)
    with_logs: bool = True

    @staticmethod
    def load(values: Mapping[str, Any]) -> DatabaseBackupSettings:
        """The settings that ``dump`` wrote."""
        connection = Connection(**values.get("connection", {}))
        return load_settings(DatabaseBackupSettings, {**values, "connection": connection})


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseBackup(Backup[DatabaseBackupSettings]):
    """One backup. ``service_id`` is the compose service or the database, None for the other forms; one of Headway
    itself lies in no project and has no ``engine``.
    """

    environment_id: str | None
    form: BackupForm
    engine: Engine | None

    @staticmethod
    def load(values: Mapping[str, Any]) -> DatabaseBackup:
        """The backup of a row's columns."""
        made = {
            "form": BackupForm(values["form"]),
            "engine": None if values["engine"] is None else Engine(values["engine"]),
            "settings": DatabaseBackupSettings.load(values["settings"]),
        }
        return DatabaseBackup(**{**values, **made})

    @property
    def what(self) -> str:
        """What it is of, by its name on the wire."""
        return WEB_SERVER if self.engine is None else self.engine.value


def check(form: BackupForm, engine: Engine | None, settings: DatabaseBackupSettings) -> None:
    """Everything that can be told without asking anybody. Raises InvalidInput."""
    check_settings(settings)
    if settings.drill_days is not None and settings.drill_days < 1:
        raise InvalidInput("drillDays is 1 or more.")
    if form is not BackupForm.PANEL:
        _check_database(form, engine, settings)


def _check_database(form: BackupForm, engine: Engine | None, settings: DatabaseBackupSettings) -> None:
    if engine is not Engine.LIBSQL and not settings.database.strip():
        raise InvalidInput("Name the database.")
    if len(settings.database) > _LONGEST_NAME or not settings.database.isprintable():
        raise InvalidInput(f"A database's name is printable, and has at most {_LONGEST_NAME} characters.")
    if form is BackupForm.COMPOSE and not settings.service_name:
        raise InvalidInput("Name the service of the compose file that the database is (serviceName).")
    if form is BackupForm.CONNECTION and not settings.connection.host:
        raise InvalidInput("Say how the database server is reached (connection: host, port, username, password).")
    if settings.connection.host.startswith("-") or any(each.isspace() for each in settings.connection.host):
        raise InvalidInput(f"{settings.connection.host!r} is no name of a host.")
