"""A backup: what is backed up, where it goes, how often, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from headway.drivers.dumps.base import Engine
from headway.features.destinations.stored_backup_model import Keep, checked_prefix
from headway.kernel.errors import InvalidInput

WEB_SERVER = "web-server"
DEFAULT_TOTAL_SECONDS = 24 * 3600.0
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
class BackupSettings:
    """What can be changed of a backup. ``password`` encrypts what is kept (None: not encrypted); ``drill_days``: after
    a backup it is restored on trial where the last trial is so long ago (None: only when asked for). ``extra`` are
    fields of the peer's inputs on which Headway does not act.
    """

    name: str = ""
    database: str = ""
    schedule: str = ""
    timezone: str = "UTC"
    enabled: bool = True
    prefix: str = ""
    keep_latest_count: int | None = None
    keep_days: int | None = None
    drill_days: int | None = None
    service_name: str | None = None
    connection: Connection = field(default_factory=Connection)
    password: str | None = field(default=None, repr=False)
    with_logs: bool = True
    total_seconds: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    @staticmethod
    def load(values: Mapping[str, Any]) -> BackupSettings:
        """The settings that ``dump`` wrote; unknown keys are of a later version and dropped."""
        known = {each.name for each in fields(BackupSettings)}
        given = {name: value for name, value in values.items() if name in known}
        return BackupSettings(**{**given, "connection": Connection(**given.get("connection", {}))})

    @property
    def keep(self) -> Keep:
        """What is kept."""
        age = None if self.keep_days is None else timedelta(days=self.keep_days)
        return Keep(number=self.keep_latest_count, age=age)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup, with whose it is. ``service_id`` is the compose service or the database, None for the other forms;
    one of Headway itself lies in no project and has no ``engine``.
    """

    backup_id: str
    organization_id: str
    project_id: str | None
    environment_id: str | None
    destination_id: str
    form: BackupForm
    engine: Engine | None
    service_id: str | None
    app_name: str
    settings: BackupSettings
    created_at: datetime


def check(form: BackupForm, engine: Engine | None, settings: BackupSettings) -> None:
    """Everything that can be told without asking anybody. Raises InvalidInput."""
    checked_prefix(settings.prefix)
    for name, value in (("keepLatestCount", settings.keep_latest_count), ("keepDays", settings.keep_days)):
        if value is not None and value < 1:
            raise InvalidInput(f"{name} is 1 or more: the last good backup is never deleted.")
    if settings.drill_days is not None and settings.drill_days < 1:
        raise InvalidInput("drillDays is 1 or more.")
    if settings.password is not None and len(settings.password) < 8:
        raise InvalidInput("The password that encrypts backups has at least 8 characters.")
    if form is not BackupForm.PANEL:
        _check_database(form, engine, settings)


def _check_database(form: BackupForm, engine: Engine | None, settings: BackupSettings) -> None:
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
