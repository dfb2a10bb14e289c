"""A backup of a volume: which one of which service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from headway.features.backups.model import Backup, BackupSettings, check_settings, load_settings
from headway.features.services.database.model import DatabaseKind
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.service_names import check_name

_SCHEDULE = "cron_expression"  # on rows
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
class VolumeBackupSettings(BackupSettings):
    """What can be changed of a backup of a volume. With ``turn_off`` the service is stopped while that is read."""

    volume_name: str = ""
    turn_off: bool = False

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        values = BackupSettings.dump(self)
        values[_SCHEDULE] = values.pop("schedule")
        return values

    @staticmethod
    def load(values: Mapping[str, Any]) -> VolumeBackupSettings:
        """The settings that ``dump`` wrote."""
        return load_settings(VolumeBackupSettings, {**values, "schedule": values.get(_SCHEDULE, "")})


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackup(Backup[VolumeBackupSettings]):
    """One backup of a volume."""

    service_type: ServiceType
    service_id: str

    @staticmethod
    def load(values: Mapping[str, Any]) -> VolumeBackup:
        """The backup of a row's columns."""
        settings = VolumeBackupSettings.load(values["settings"])
        return VolumeBackup(**{**values, "service_type": ServiceType(values["service_type"]), "settings": settings})


def check(settings: VolumeBackupSettings) -> None:
    """Everything that can be told without asking anybody. Raises InvalidInput."""
    check_name(settings.name, "A volume backup's")
    check_volume(settings.volume_name)
    check_settings(settings)


def check_volume(name: str) -> None:
    """Whether a volume may be called so. Raises InvalidInput."""
    if not _VOLUME.fullmatch(name):
        raise InvalidInput(f"A volume cannot be called {name!r}: use letters, digits, '_', '.' and '-'.")
