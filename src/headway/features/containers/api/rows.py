"""Registries, mounts and published ports as the wire shows them."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.features.registries.model import Registry
from headway.features.services.application.model import Attached, OpenedPort

MountType = Literal["bind", "volume", "file"]
MountedType = Literal["application", "compose", "libsql", "mariadb", "mongo", "mysql", "postgres", "redis"]
Protocol = Literal["tcp", "udp"]
PublishMode = Literal["ingress", "host"]


class RegistryRow(TypedDict):
    """A registry; its password is never shown, so ``password`` is always empty."""

    registryId: str
    registryName: str
    imagePrefix: str | None
    username: str
    password: str
    registryUrl: str
    registryType: Literal["cloud"]
    createdAt: str
    organizationId: str


class MountRow(TypedDict):
    """A mount of a service's container. Of the ids the one of its service is set."""

    mountId: str
    type: MountType
    hostPath: str | None
    volumeName: str | None
    filePath: str | None
    content: str | None
    mountPath: str
    serviceType: MountedType
    applicationId: str | None
    composeId: str | None
    libsqlId: str | None
    mariadbId: str | None
    mongoId: str | None
    mysqlId: str | None
    postgresId: str | None
    redisId: str | None


class PortRow(TypedDict):
    """A port of the machine that leads into an application's container."""

    portId: str
    publishedPort: int
    publishMode: PublishMode
    targetPort: int
    protocol: Protocol
    applicationId: str


def registry_row(registry: Registry) -> RegistryRow:
    """The registry without its password."""
    return {
        "registryId": registry.registry_id,
        "registryName": registry.name,
        "imagePrefix": registry.image_prefix,
        "username": registry.username,
        "password": "",
        "registryUrl": registry.url,
        "registryType": "cloud",
        "createdAt": moment(registry.created_at),
        "organizationId": registry.organization_id,
    }


def mount_row(mount: Attached, service_id: str, of: MountedType = "application") -> MountRow:
    """The mount of a service, with what its kind has and null for the rest."""
    ids: dict[MountedType, str] = {of: service_id}
    return {
        "mountId": mount.mount_id,
        "type": mount.kind,  # type: ignore[typeddict-item]  # one of the three words
        "hostPath": mount.source if mount.kind == "bind" else None,
        "volumeName": mount.source if mount.kind == "volume" else None,
        "filePath": mount.file_path,
        "content": mount.content,
        "mountPath": mount.target,
        "serviceType": of,
        "applicationId": ids.get("application"),
        "composeId": ids.get("compose"),
        "libsqlId": ids.get("libsql"),
        "mariadbId": ids.get("mariadb"),
        "mongoId": ids.get("mongo"),
        "mysqlId": ids.get("mysql"),
        "postgresId": ids.get("postgres"),
        "redisId": ids.get("redis"),
    }


def port_row(port: OpenedPort, application_id: str) -> PortRow:
    """The port."""
    return {
        "portId": port.port_id,
        "publishedPort": port.outer,
        "publishMode": port.mode,  # type: ignore[typeddict-item]  # one of the two words
        "targetPort": port.inner,
        "protocol": port.protocol,  # type: ignore[typeddict-item]  # one of the two words
        "applicationId": application_id,
    }
