"""Destinations, backups and what is kept of them as the wire shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.drivers.dumps.base import Engine
from headway.drivers.storages.base import Listed
from headway.features.backups.database.model import BackupForm, DatabaseBackup
from headway.features.deployments.api.rows import DeploymentRow
from headway.features.destinations.model import Destination
from headway.features.destinations.stored_backup_model import KeptFile
from headway.features.projects.model import ListedService, ServicePlace
from headway.features.services.api.related_rows import RelatedRow, related_row

_KINDS = ("compose", "libsql", "mariadb", "mongo", "mysql", "postgres")


class DestinationRow(TypedDict):
    """A destination; its secrets are never shown, so ``secretAccessKey`` is always empty."""

    destinationId: str
    name: str
    type: str
    provider: str | None
    accessKey: str
    secretAccessKey: str
    bucket: str
    region: str
    endpoint: str
    additionalFlags: list[str]
    optionNames: list[str]
    serverId: str | None
    createdAt: str
    organizationId: str


def destination_row(destination: Destination) -> DestinationRow:
    """The destination without its secrets; of options only the names."""
    reach = destination.reach
    return {
        "destinationId": destination.destination_id,
        "name": destination.name,
        "type": reach.type,
        "provider": reach.provider,
        "accessKey": reach.access_key,
        "secretAccessKey": "",
        "bucket": reach.bucket,
        "region": reach.region,
        "endpoint": reach.endpoint,
        "additionalFlags": list(reach.additional_flags),
        "optionNames": sorted(reach.options),
        "serverId": reach.server_id,
        "createdAt": moment(destination.created_at),
        "organizationId": destination.organization_id,
    }


class BackupRow(TypedDict):
    """A backup; its passwords are never shown."""

    backupId: str
    name: str
    appName: str
    schedule: str
    timezone: str
    enabled: bool
    database: str
    prefix: str
    serviceName: str | None
    destinationId: str
    keepLatestCount: int | None
    keepDays: int | None
    drillDays: int | None
    backupType: Literal["database", "compose"]
    databaseType: Literal["postgres", "mariadb", "mysql", "mongo", "web-server", "libsql"]
    composeId: str | None
    environmentId: str | None
    postgresId: str | None
    mysqlId: str | None
    mariadbId: str | None
    mongoId: str | None
    libsqlId: str | None
    userId: None
    encrypted: bool
    includeLogs: bool
    includeEncryptionKey: bool
    connection: ConnectionRow | None
    totalSeconds: float | None
    createdAt: str


class BackupDetails(BackupRow):
    """A backup with the service that it is of and, for who may see destinations, where it goes. ``deployments`` only
    where one is asked for.
    """

    compose: RelatedRow | None
    libsql: RelatedRow | None
    mariadb: RelatedRow | None
    mongo: RelatedRow | None
    mysql: RelatedRow | None
    postgres: RelatedRow | None
    destination: DestinationRow | None
    deployments: NotRequired[list[DeploymentRow]]


class ConnectionRow(TypedDict):
    """How a database server is reached, without its password."""

    host: str
    port: int
    username: str


class FileRow(TypedDict):
    """A file that is kept of a backup: proven when it was made, and when it was last restored on trial."""

    path: str
    destinationId: str
    deploymentId: str
    bytes: int
    contentBytes: int
    sha256: str
    encrypted: bool
    createdAt: str
    provenAt: str | None


class FileEntry(TypedDict):
    """What lies at a destination, as rclone names it; what Headway knows of it is None where it has not made it."""

    Path: str
    Name: str
    Size: int
    IsDir: bool
    ModTime: str
    sha256: str | None
    deploymentId: str | None
    provenAt: str | None


def backup_row(backup: DatabaseBackup) -> BackupRow:
    """The backup without its passwords."""
    settings, reached = backup.settings, backup.settings.connection
    what: Any = backup.what
    connection: ConnectionRow = {"host": reached.host, "port": reached.port, "username": reached.username}

    def of(form: BackupForm, engine: Engine | None = None) -> str | None:
        mine = backup.form is form and engine in {None, backup.engine}
        return backup.service_id if mine else None

    return {
        "backupId": backup.backup_id,
        "name": settings.name,
        "appName": backup.app_name,
        "schedule": settings.schedule,
        "timezone": settings.timezone,
        "enabled": settings.enabled,
        "database": settings.database,
        "prefix": settings.prefix,
        "serviceName": settings.service_name,
        "destinationId": backup.destination_id,
        "keepLatestCount": settings.keep_latest_count,
        "keepDays": settings.keep_days,
        "drillDays": settings.drill_days,
        "backupType": "compose" if backup.form is BackupForm.COMPOSE else "database",
        "databaseType": what,
        "composeId": of(BackupForm.COMPOSE),
        "environmentId": backup.environment_id,
        "postgresId": of(BackupForm.DATABASE, Engine.POSTGRES),
        "mysqlId": of(BackupForm.DATABASE, Engine.MYSQL),
        "mariadbId": of(BackupForm.DATABASE, Engine.MARIADB),
        "mongoId": of(BackupForm.DATABASE, Engine.MONGO),
        "libsqlId": of(BackupForm.DATABASE, Engine.LIBSQL),
        "userId": None,
        "encrypted": settings.password is not None,
        "includeLogs": settings.with_logs,
        "includeEncryptionKey": bool(settings.extra.get("includeEncryptionKey", False)),
        "connection": None if backup.form in {BackupForm.PANEL, BackupForm.DATABASE} else connection,
        "totalSeconds": settings.total_seconds,
        "createdAt": moment(backup.created_at),
    }


def backup_details(
    backup: DatabaseBackup, service: tuple[ListedService, ServicePlace] | None, destination: DestinationRow | None
) -> BackupDetails:
    """The backup with what it belongs to."""
    row: Mapping[str, Any] = backup_row(backup)
    details: Any = {
        **row,
        **{each: related_row(service, each) if row[f"{each}Id"] else None for each in _KINDS},
        "destination": destination,
    }
    return details  # type: ignore[no-any-return]  # the two rows together


def file_row(file: KeptFile) -> FileRow:
    """A kept file."""
    return {
        "path": file.path,
        "destinationId": file.destination_id,
        "deploymentId": file.deployment_id,
        "bytes": file.bytes,
        "contentBytes": file.contents,
        "sha256": file.sha256,
        "encrypted": file.sealed,
        "createdAt": moment(file.made_at),
        "provenAt": moment(file.proven_at),
    }


def file_entry(listed: Listed, kept: KeptFile | None) -> FileEntry:
    """An entry of a listing, with what is known of it."""
    return {
        "Path": listed.path,
        "Name": listed.name,
        "Size": listed.bytes,
        "IsDir": listed.is_folder,
        "ModTime": listed.modified,
        "sha256": None if kept is None else kept.sha256,
        "deploymentId": None if kept is None else kept.deployment_id,
        "provenAt": None if kept is None else moment(kept.proven_at),
    }
