"""Backups of everything as the list of all of them shows each."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.features.backups.api.rows import FileRow, file_row
from headway.features.backups.database.model import DatabaseBackup
from headway.features.backups.overview import BackupOverview
from headway.features.deployments.api.latest_run_rows import LatestRunRow, latest_run_row
from headway.features.deployments.api.rows import EnvironmentNameRow, environment_name
from headway.features.projects.model import ListedService, ServicePlace


class BackupOverviewRow(TypedDict):
    """A backup in the list of all. ``backupId`` is its id, with which ``backup.one`` is asked where ``kind`` is
    ``database``, and ``volumeBackups.one`` where it is ``volume``. ``of`` is the kind of the database, ``web-server``
    for Headway itself, or the kind of the service whose volume it is; ``source`` names the database or the volume.
    ``newest`` was found whole when it was made; ``provenAt`` is when one that is kept was last restored on trial. The
    destination is named to who may see destinations.
    """

    backupId: str
    kind: Literal["database", "volume"]
    name: str
    of: str
    source: str
    serviceId: str | None
    serviceName: str | None
    environment: EnvironmentNameRow | None
    destinationId: str
    destinationName: str | None
    schedule: str
    timezone: str
    enabled: bool
    nextRunAt: str | None
    missedRuns: int
    keepLatestCount: int | None
    keepDays: int | None
    encrypted: bool
    files: int
    bytes: int
    newest: FileRow | None
    provenAt: str | None
    lastRun: LatestRunRow | None


def backup_overview_row(
    found: BackupOverview, service: tuple[ListedService, ServicePlace] | None, *, sees_destinations: bool
) -> BackupOverviewRow:
    """A backup in the list of all."""
    backup, timer, kept = found.backup, found.timer, found.kept
    settings = backup.settings
    return {
        "backupId": backup.backup_id,
        "kind": "database" if isinstance(backup, DatabaseBackup) else "volume",
        "name": settings.name,
        "of": backup.what if isinstance(backup, DatabaseBackup) else backup.service_type.value,
        "source": backup.settings.database if isinstance(backup, DatabaseBackup) else backup.settings.volume_name,
        "serviceId": backup.service_id,
        "serviceName": None if service is None else service[0].name,
        "environment": None if service is None else environment_name(service[1]),
        "destinationId": backup.destination_id,
        "destinationName": found.destination_name if sees_destinations else None,
        "schedule": settings.schedule,
        "timezone": settings.timezone,
        "enabled": settings.enabled,
        "nextRunAt": None if timer is None else moment(timer.next_at),
        "missedRuns": 0 if timer is None else timer.missed,
        "keepLatestCount": settings.keep_latest_count,
        "keepDays": settings.keep_days,
        "encrypted": settings.password is not None,
        "files": 0 if kept is None else kept.number,
        "bytes": 0 if kept is None else kept.bytes,
        "newest": None if kept is None else file_row(kept.newest),
        "provenAt": None if kept is None else moment(kept.proven_at),
        "lastRun": latest_run_row(found.run),
    }
