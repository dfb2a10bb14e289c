"""Servers as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.features.deployments.api.rows import DeploymentRow
from headway.features.projects.api.rows import SshKeyRow
from headway.features.servers.model import Server, ServerFacts
from headway.infra.hosts.ssh_target import fingerprint


class FactsRow(TypedDict):
    """What was found on a server; null where it is not known. Sizes in bytes; ``clockDriftSeconds`` is how far its
    clock is ahead of the panel's; ``swarm`` is worker, manager or none.
    """

    system: str | None
    machine: str | None
    cores: int | None
    memoryBytes: int | None
    diskFreeBytes: int | None
    docker: str | None
    swarm: str | None
    clockDriftSeconds: float | None


class ReachRow(TypedDict):
    """The link to a server: whether it stands, when the server was last heard of, and since when and why it is not."""

    isUp: bool
    lastSeenAt: str | None
    outOfReachSince: str | None
    why: str | None


class ServerRow(TypedDict):
    """A server; its SSH key is named and never shown. ``hostKeyFingerprint`` is of the key that it showed first."""

    serverId: str
    name: str
    description: str | None
    ipAddress: str
    port: int
    username: str
    appName: str
    enableDockerCleanup: bool
    createdAt: str
    organizationId: str
    serverStatus: Literal["active"]
    serverType: Literal["deploy", "build"]
    command: str
    sshKeyId: str | None
    jumpServerId: str | None
    hostKeyFingerprint: str | None
    concurrency: int
    reach: ReachRow
    facts: FactsRow | None
    factsAt: str | None
    metricsConfig: dict[str, Any]


class ServerDetails(ServerRow):
    """A server with its SSH key, for who may see that, and what ran on it, the newest first."""

    sshKey: SshKeyRow | None
    deployments: list[DeploymentRow]


class ListedServerRow(ServerRow):
    """A server in a list; ``totalSum`` counts the services that live there."""

    totalSum: int


class ServerName(TypedDict):
    """A server by name."""

    serverId: str
    name: str


class EngineRow(TypedDict):
    """Whether a program is there, and its version."""

    enabled: bool
    version: str


class ValidationRow(TypedDict):
    """What was found on a server that was looked at now."""

    docker: EngineRow
    isSwarmInstalled: bool
    isMainDirectoryInstalled: bool
    facts: FactsRow
    problems: list[str]


class TimeRow(TypedDict):
    """A server's clock."""

    time: str
    timezone: str


def server_row(server: Server) -> ServerRow:
    """The server."""
    access, standing, settings = server.access, server.standing, server.settings
    return {
        "serverId": server.server_id,
        "name": server.name,
        "description": server.description,
        "ipAddress": access.address,
        "port": access.port,
        "username": access.username,
        "appName": server.app_name,
        "enableDockerCleanup": bool(settings.get("enableDockerCleanup", False)),
        "createdAt": moment(server.created_at),
        "organizationId": server.organization_id,
        "serverStatus": "active",
        "serverType": server.type.value,
        "command": str(settings.get("command") or ""),
        "sshKeyId": access.ssh_key_id,
        "jumpServerId": access.jump_server_id,
        "hostKeyFingerprint": None if server.host_key is None else fingerprint(server.host_key),
        "concurrency": server.concurrency,
        "reach": {
            "isUp": standing.seen_at is not None and standing.away_since is None,
            "lastSeenAt": moment(standing.seen_at),
            "outOfReachSince": moment(standing.away_since),
            "why": standing.away_why,
        },
        "facts": None if server.facts is None else facts_row(server.facts),
        "factsAt": moment(server.looked_at),
        "metricsConfig": dict(settings.get("metricsConfig") or {}),
    }


def listed_server_row(server: Server, services: int) -> ListedServerRow:
    """The server in a list."""
    return {**server_row(server), "totalSum": services}


def validation_row(facts: ServerFacts, problems: list[str]) -> ValidationRow:
    """What was found."""
    return {
        "docker": {"enabled": facts.docker is not None, "version": facts.docker or "0.0.0"},
        "isSwarmInstalled": facts.swarm in {"worker", "manager"},
        "isMainDirectoryInstalled": True,
        "facts": facts_row(facts),
        "problems": problems,
    }


def facts_row(facts: ServerFacts) -> FactsRow:
    """What was found on a server."""
    return {
        "system": facts.system,
        "machine": facts.machine,
        "cores": facts.cores,
        "memoryBytes": facts.memory_bytes,
        "diskFreeBytes": facts.disk_free_bytes,
        "docker": facts.docker,
        "swarm": facts.swarm,
        "clockDriftSeconds": facts.clock_drift_seconds,
    }


def kept_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of the peer's that are kept and given back."""
    return {name: given[name] for name in ("enableDockerCleanup", "command", "metricsConfig") if name in given}
