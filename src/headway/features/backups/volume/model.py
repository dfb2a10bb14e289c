"""A volume backup: which volume of which service, where it goes, how often, and what is kept of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from headway.features.destinations.stored_backup_model import Keep, checked_prefix
from headway.features.services.database.model import DatabaseKind
from headway.kernel.errors import InvalidInput
from headway.kernel.service_names import check_name

DATA = "data"  # what a database keeps, or an application's own folder where no mount is called so
DEFAULT_TOTAL_SECONDS = 24 * 3600.0
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")


class ServiceType(StrEnum):
    """Whose the volume is, by its name on the wire."""

    APPLICATION = "application"
    COMPOSE = "compose"
    POSTGRES = "postgres"
    MYSQL = "mysql"
    MARIADB = "mariadb"
    MONGO = "mongo"
    REDIS = "redis"
    LIBSQL = "libsql"

    @property
    def database(self) -> DatabaseKind | None:
        """The kind of database that it is, None for the others."""
        return DatabaseKind(self) if self in {*DatabaseKind} else None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSettings:
    """What can be changed of a volume backup. With ``turn_off`` the service is stopped while its volume is read;
    ``password`` encrypts what is kept (None: not encrypted). ``extra`` are fields of the peer's inputs on which Headway
    does not act.
    """

    name: str = ""
    volume_name: str = ""
    cron_expression: str = ""
    timezone: str = "UTC"
    enabled: bool = True
    turn_off: bool = False
    prefix: str = ""
    keep_latest_count: int | None = None
    keep_days: int | None = None
    service_name: str | None = None
    password: str | None = field(default=None, repr=False)
    total_seconds: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    @staticmethod
    def load(values: Mapping[str, Any]) -> VolumeSettings:
        """The settings that ``dump`` wrote; unknown keys are of a later version and dropped."""
        known = {each.name for each in fields(VolumeSettings)}
        return VolumeSettings(**{name: value for name, value in values.items() if name in known})

    @property
    def keep(self) -> Keep:
        """What is kept."""
        age = None if self.keep_days is None else timedelta(days=self.keep_days)
        return Keep(number=self.keep_latest_count, age=age)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackup:
    """One volume backup, with whose it is."""

    volume_backup_id: str
    organization_id: str
    project_id: str
    destination_id: str
    service_type: ServiceType
    service_id: str
    app_name: str
    settings: VolumeSettings
    created_at: datetime


def check(settings: VolumeSettings) -> None:
    """Everything that can be told without asking anybody. Raises InvalidInput."""
    check_name(settings.name, "A volume backup's")
    check_volume(settings.volume_name)
    checked_prefix(settings.prefix)
    for name, value in (("keepLatestCount", settings.keep_latest_count), ("keepDays", settings.keep_days)):
        if value is not None and value < 1:
            raise InvalidInput(f"{name} is 1 or more: the last good backup is never deleted.")
    if settings.password is not None and len(settings.password) < 8:
        raise InvalidInput("The password that encrypts backups has at least 8 characters.")


def check_volume(name: str) -> None:
    """Whether a volume may be called so. Raises InvalidInput."""
    if not _VOLUME.fullmatch(name):
        raise InvalidInput(f"A volume cannot be called {name!r}: use letters, digits, '_', '.' and '-'.")
