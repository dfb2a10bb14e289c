"""Volume backups as the wire shows them."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.features.backups.api.rows import DestinationRow
from headway.features.backups.volume.model import ServiceType, VolumeBackup
from headway.features.deployments.api.rows import DeploymentRow
from headway.features.projects.model import ListedService, ServicePlace
from headway.features.services.api.related_rows import RelatedRow, related_row


class VolumeBackupRow(TypedDict):
    """A volume backup; its password is never shown. With the service that it is of and, for who may see destinations,
    where it goes; ``deployments`` only where one is asked for.
    """

    volumeBackupId: str
    name: str
    appName: str
    volumeName: str
    prefix: str
    serviceType: Literal["application", "compose", "postgres", "mysql", "mariadb", "mongo", "redis", "libsql"]
    serviceName: str | None
    applicationId: str | None
    composeId: str | None
    postgresId: str | None
    mysqlId: str | None
    mariadbId: str | None
    mongoId: str | None
    redisId: str | None
    libsqlId: str | None
    turnOff: bool
    cronExpression: str
    timezone: str
    enabled: bool
    keepLatestCount: int | None
    keepDays: int | None
    destinationId: str
    encrypted: bool
    totalSeconds: float | None
    createdAt: str
    application: RelatedRow | None
    compose: RelatedRow | None
    libsql: RelatedRow | None
    mariadb: RelatedRow | None
    mongo: RelatedRow | None
    mysql: RelatedRow | None
    postgres: RelatedRow | None
    redis: RelatedRow | None
    destination: DestinationRow | None
    deployments: NotRequired[list[DeploymentRow]]


def volume_backup_row(
    made: VolumeBackup, service: tuple[ListedService, ServicePlace] | None, destination: DestinationRow | None
) -> VolumeBackupRow:
    """The volume backup without its password, with what it belongs to."""
    settings = made.settings
    related = {each: related_row(service, each.value) if each is made.service_type else None for each in ServiceType}
    ids = {each: made.service_id if each is made.service_type else None for each in ServiceType}
    return {
        "volumeBackupId": made.volume_backup_id,
        "name": settings.name,
        "appName": made.app_name,
        "volumeName": settings.volume_name,
        "prefix": settings.prefix,
        "serviceType": made.service_type.value,
        "serviceName": settings.service_name,
        "applicationId": ids[ServiceType.APPLICATION],
        "composeId": ids[ServiceType.COMPOSE],
        "postgresId": ids[ServiceType.POSTGRES],
        "mysqlId": ids[ServiceType.MYSQL],
        "mariadbId": ids[ServiceType.MARIADB],
        "mongoId": ids[ServiceType.MONGO],
        "redisId": ids[ServiceType.REDIS],
        "libsqlId": ids[ServiceType.LIBSQL],
        "turnOff": settings.turn_off,
        "cronExpression": settings.cron_expression,
        "timezone": settings.timezone,
        "enabled": settings.enabled,
        "keepLatestCount": settings.keep_latest_count,
        "keepDays": settings.keep_days,
        "destinationId": made.destination_id,
        "encrypted": settings.password is not None,
        "totalSeconds": settings.total_seconds,
        "createdAt": moment(made.created_at),
        "application": related[ServiceType.APPLICATION],
        "compose": related[ServiceType.COMPOSE],
        "libsql": related[ServiceType.LIBSQL],
        "mariadb": related[ServiceType.MARIADB],
        "mongo": related[ServiceType.MONGO],
        "mysql": related[ServiceType.MYSQL],
        "postgres": related[ServiceType.POSTGRES],
        "redis": related[ServiceType.REDIS],
        "destination": destination,
    }
