"""What rows show of the things that they name: as far as the caller may look at those themselves, else null."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headway.core.access.policy import may
from headway.core.deployments.hosts import LOCAL_HOST
from headway.domains.projects.model import Place, Service
from headway.faces.http.registry import Call
from headway.faces.http.wire.backups import DestinationRow, destination_row
from headway.faces.http.wire.containers import RegistryRow, registry_row
from headway.faces.http.wire.projects import SshKeyRow, ssh_key_row
from headway.faces.http.wire.servers import ServerRow, server_row
from headway.kernel.errors import NotFound


async def services_of(call: Call[Any], ids: Iterable[str | None]) -> Mapping[str, tuple[Service, Place]]:
    """These services and where they lie, for whoever was let through to what belongs to them already."""
    named = {each for each in ids if each is not None}
    return await call.platform.db.read(lambda tx: call.platform.projects.places_of(tx, named)) if named else {}


async def server_of(call: Call[Any], host_id: str | None) -> ServerRow | None:
    """The server that a host is; null for the panel's own machine."""
    if host_id in {None, LOCAL_HOST} or not may(call.actor, "server.one"):
        return None
    try:
        return server_row(await call.platform.servers.one(call.actor, host_id or ""))
    except NotFound:  # it was removed just now
        return None


async def registry_of(call: Call[Any], registry_id: str | None) -> RegistryRow | None:
    """The registry with this id."""
    if registry_id is None or not may(call.actor, "registry.one"):
        return None
    try:
        return registry_row(await call.platform.registries.one(call.actor, registry_id))
    except NotFound:
        return None


async def destination_of(call: Call[Any], destination_id: str) -> DestinationRow | None:
    """The destination with this id, without its secrets."""
    if not may(call.actor, "destination.one"):
        return None
    try:
        return destination_row(await call.platform.destinations.one(call.actor, destination_id))
    except NotFound:
        return None


async def ssh_key_of(call: Call[Any], ssh_key_id: str | None) -> SshKeyRow | None:
    """The SSH key with this id, without its private part."""
    if ssh_key_id is None or not may(call.actor, "sshKey.one"):
        return None
    try:
        return ssh_key_row(await call.platform.ssh_keys.one(call.actor, ssh_key_id))
    except NotFound:
        return None
