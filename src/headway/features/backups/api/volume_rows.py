"""Volume backups as the wire shows them."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

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
    row: Any = {
        "volumeBackupId": made.backup_id,
        "name": settings.name,
        "appName": made.app_name,
        "volumeName": settings.volume_name,
        "prefix": settings.prefix,
        "serviceType": made.service_type.value,
        "serviceName": settings.service_name,
        **{f"{each}Id": made.service_id if each is made.service_type else None for each in ServiceType},
        "turnOff": settings.turn_off,
        "cronExpression": settings.schedule,
        "timezone": settings.timezone,
        "enabled": settings.enabled,
        "keepLatestCount": settings.keep_latest_count,
        "keepDays": settings.keep_days,
        "destinationId": made.destination_id,
        "encrypted": settings.password is not None,
        "totalSeconds": settings.total_seconds,
        "createdAt": moment(made.created_at),
        **{
            each.value: related_row(service, each) if each is made.service_type else None
            for each in sorted(ServiceType)
        },
        "destination": destination,
    }
    return row  # type: ignore[no-any-return]  # many keys are called by the kinds
