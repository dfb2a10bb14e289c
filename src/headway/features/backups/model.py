"""A backup of whatever it is: where it goes, when it is due, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field, fields
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from headway.features.destinations.stored_backup_model import Keep, checked_prefix
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

DEFAULT_TOTAL_SECONDS = 24 * 3600.0
_SHORTEST_PASSWORD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSettings:
    """What can be changed of any backup. ``schedule`` is when it is due ("": it is started by hand only); ``password``
    encrypts what is kept (None: not encrypted). ``extra`` are fields of the peer's inputs on which Headway does not
    act.
    """

    name: str = ""
    schedule: str = ""
    timezone: str = "UTC"
    enabled: bool = True
    prefix: str = ""
    keep_latest_count: int | None = None
    keep_days: int | None = None
    service_name: str | None = None
    password: str | None = field(default=None, repr=False)
    total_seconds: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` of the same settings reads."""
        return asdict(self)

    @property
    def keep(self) -> Keep:
        """What is kept."""
        age = None if self.keep_days is None else timedelta(days=self.keep_days)
        return Keep(number=self.keep_latest_count, age=age)


S = TypeVar("S", bound=BackupSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup(Generic[S]):
    """One backup, with whose it is. ``service_id`` is what it is of, None where that is no service."""

    backup_id: str
    organization_id: str
    project_id: str | None
    destination_id: str
    service_id: str | None
    app_name: str
    settings: S
    created_at: datetime


B = TypeVar("B", bound=Backup[Any])


def load_settings(form: type[S], values: Mapping[str, Any]) -> S:
    """The settings that ``dump`` wrote; unknown keys are of a later version and dropped."""
    known = {each.name for each in fields(form)}
    return form(**{name: value for name, value in values.items() if name in known})


def check_settings(settings: BackupSettings) -> None:
    """Everything about any backup that can be told without asking anybody. Raises InvalidInput."""
    checked_prefix(settings.prefix)
    for name, value in (("keepLatestCount", settings.keep_latest_count), ("keepDays", settings.keep_days)):
        if value is not None and value < 1:
            raise InvalidInput(f"{name} is 1 or more: the last good backup is never deleted.")
    if settings.password is not None and len(settings.password) < _SHORTEST_PASSWORD:
        raise InvalidInput("The password that encrypts backups has at least 8 characters.")
