"""What rows hold of backups and of their runs is read and written as every version before has: they outlive one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pytest

from headway.drivers.dumps.base import Engine
from headway.features.backups.database.model import BackupForm, DatabaseBackupSettings
from headway.features.backups.database.plan import DatabaseBackupPlan
from headway.features.backups.volume.model import ServiceType, VolumeBackupSettings
from headway.features.backups.volume.plan import VolumeBackupPlan

Json = Mapping[str, Any]
Row = dict[str, Any]
CRON = "30 4 * * *"
OF_ANY: Row = {"name": "n", "timezone": "UTC", "enabled": True, "prefix": "p", "keep_latest_count": 2, "keep_days": 3}
OF_ANY |= {"service_name": "db", "password": "12345678", "total_seconds": None, "extra": {"metadata": {"a": 1}}}
CONNECTION: Row = {"host": "h", "port": 1, "username": "u", "password": "s", "guarded": True}
STORAGE: Row = {"root": "/data/d", "env": {}, "flags": [], "sealed": False, "account": {"uid": 7, "gid": 7}}
STORAGE |= {"guarded": False, "addresses": []}
PLACE: Row = {"destination_id": "d", "storage": STORAGE, "path": "shop/x.zst"}
OF_ANY_RUN: Row = {"place": PLACE, "host_id": "h", "host_name": "far", "target": "t", "service_id": "s"}

DATABASE: Row = {"schedule": CRON, "database": "shop", "drill_days": 1, "connection": CONNECTION, "with_logs": False}
VOLUME: Row = {"cron_expression": CRON, "volume_name": "v", "turn_off": True}
DATABASE_RUN: Row = {
    "backup_id": "b",
    "form": "compose",
    "engine": "postgres",
    "database": "shop",
    "service_name": "db",
}
DATABASE_RUN |= {"connection": CONNECTION, "over": True, "trusted": True, "with_logs": True, "drill_days": 2}
VOLUME_RUN: Row = {"volume_backup_id": "b", "service_type": "redis", "app_name": "a", "volume": "data"}
VOLUME_RUN |= {"turn_off": True, "was_up": True}


class Dumped(Protocol):
    def dump(self) -> dict[str, Any]: ...


@pytest.mark.parametrize(
    ("load", "held"),
    [
        (DatabaseBackupSettings.load, OF_ANY | DATABASE),
        (VolumeBackupSettings.load, OF_ANY | VOLUME),
        (DatabaseBackupPlan.load, OF_ANY_RUN | DATABASE_RUN),
        (VolumeBackupPlan.load, OF_ANY_RUN | VOLUME_RUN),
    ],
)
def test_what_a_row_holds_is_written_as_it_was(load: Callable[[Json], Dumped], held: Json) -> None:
    assert json.loads(json.dumps(load(held).dump())) == held


def test_what_a_row_holds_means_the_same_of_both() -> None:
    settings = (DatabaseBackupSettings.load(OF_ANY | DATABASE), VolumeBackupSettings.load(OF_ANY | VOLUME))
    assert [(each.schedule, each.keep.number, each.password) for each in settings] == [(CRON, 2, "12345678")] * 2
    database = DatabaseBackupPlan.load(OF_ANY_RUN | DATABASE_RUN)
    volume = VolumeBackupPlan.load(OF_ANY_RUN | VOLUME_RUN)
    assert (database.form, database.engine) == (BackupForm.COMPOSE, Engine.POSTGRES)
    assert (volume.origin.service_type, volume.origin.host_id) == (ServiceType.REDIS, "h")
    assert [each.at for each in (database, volume)] == [" on the server far"] * 2
    assert (database.secrets, volume.secrets) == (("s",), ())


def test_settings_of_a_later_or_an_earlier_version_are_read() -> None:
    assert DatabaseBackupSettings.load({"of_tomorrow": 1}) == DatabaseBackupSettings()
    assert VolumeBackupSettings.load({"of_tomorrow": 1}) == VolumeBackupSettings()
