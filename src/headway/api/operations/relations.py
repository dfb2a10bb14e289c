"""What rows show of the things that they name: as far as the caller may look at those themselves, else null."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun, Permission, may
from headway.core.deployments.hosts import LOCAL_HOST
from headway.domains.projects.model import Place, Service
from headway.faces.http.registry import Call
from headway.faces.http.wire.backups import DestinationRow, destination_row
from headway.faces.http.wire.containers import RegistryRow, registry_row
from headway.faces.http.wire.projects import SshKeyRow, ssh_key_row
from headway.faces.http.wire.servers import ServerRow, server_row
from headway.kernel.errors import NotFound

# What it takes to look at a thing, where that is shown beside another: the same as the operation of this name takes.
APPLICATION = Permission(name="application.one", noun=Noun.APPLICATION, least=Role.MEMBER, scope=Scope.READ)
COMPOSE = Permission(name="compose.one", noun=Noun.COMPOSE, least=Role.MEMBER, scope=Scope.READ)
ENVIRONMENT = Permission(
    name="environment.one", noun=Noun.ENVIRONMENT, least=Role.MEMBER, scope=Scope.READ, glimpse=True
)
SERVER = Permission(name="server.one", noun=Noun.SERVER, least=Role.ADMIN, scope=Scope.READ, in_project=False)
REGISTRY = Permission(name="registry.one", noun=Noun.REGISTRY, least=Role.ADMIN, scope=Scope.READ, in_project=False)
DESTINATION = Permission(
    name="destination.one", noun=Noun.DESTINATION, least=Role.ADMIN, scope=Scope.READ, in_project=False
)
SSH_KEY = Permission(name="sshKey.one", noun=Noun.SSH_KEY, least=Role.ADMIN, scope=Scope.READ, in_project=False)


async def services_of(call: Call[Any], ids: Iterable[str | None]) -> Mapping[str, tuple[Service, Place]]:
    """These services and where they lie, for whoever was let through to what belongs to them already."""
    named = {each for each in ids if each is not None}
    return await call.platform.db.read(lambda tx: call.platform.projects.places_of(tx, named)) if named else {}


async def server_of(call: Call[Any], host_id: str | None) -> ServerRow | None:
    """The server that a host is; null for the panel's own machine."""
    if host_id in {None, LOCAL_HOST} or not may(call.actor, SERVER):
        return None
    try:
        return server_row(await call.platform.servers.one(call.actor, SERVER, host_id or ""))
    except NotFound:  # it was removed just now
        return None


async def registry_of(call: Call[Any], registry_id: str | None) -> RegistryRow | None:
    """The registry with this id."""
    if registry_id is None or not may(call.actor, REGISTRY):
        return None
    try:
        return registry_row(await call.platform.registries.one(call.actor, REGISTRY, registry_id))
    except NotFound:
        return None


async def destination_of(call: Call[Any], destination_id: str) -> DestinationRow | None:
    """The destination with this id, without its secrets."""
    if not may(call.actor, DESTINATION):
        return None
    try:
        return destination_row(await call.platform.destinations.one(call.actor, DESTINATION, destination_id))
    except NotFound:
        return None


async def ssh_key_of(call: Call[Any], ssh_key_id: str | None) -> SshKeyRow | None:
    """The SSH key with this id, without its private part."""
    if ssh_key_id is None or not may(call.actor, SSH_KEY):
        return None
    try:
        return ssh_key_row(await call.platform.ssh_keys.one(call.actor, SSH_KEY, ssh_key_id))
    except NotFound:
        return None
