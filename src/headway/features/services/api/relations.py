"""What rows show of the things that they name: as far as the caller may look at those themselves, else null."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headway.core.access.model import Actor, Role, Scope
from headway.core.access.policy import Noun, Permission, may
from headway.core.deployments.hosts import LOCAL_HOST
from headway.features.backups.api.rows import DestinationRow, destination_row
from headway.features.containers.api.rows import RegistryRow, registry_row
from headway.features.destinations.service import DestinationService
from headway.features.git.ssh_keys import SshKeyService
from headway.features.projects.api.rows import SshKeyRow, ssh_key_row
from headway.features.projects.model import ListedService, ServicePlace
from headway.features.projects.service import ProjectService
from headway.features.registries.service import RegistryService
from headway.features.servers.api.rows import ServerRow, server_row
from headway.features.servers.service import ServerService
from headway.infra.db.engine import Database
from headway.kernel.dataclass import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """Things that rows name, each as far as the caller may look at it itself."""

    db: Database
    projects: ProjectService
    servers: ServerService
    registries: RegistryService
    destinations: DestinationService
    ssh_keys: SshKeyService

    async def services(self, ids: Iterable[str | None]) -> Mapping[str, tuple[ListedService, ServicePlace]]:
        """These services and where they lie, for whoever was let through to what belongs to them already."""
        named = {each for each in ids if each is not None}
        return await self.db.read(lambda tx: self.projects.places_of(tx, named)) if named else {}

    async def server(self, actor: Actor, host_id: str | None) -> ServerRow | None:
        """The server that a host is; null for the panel's own machine."""
        if host_id in {None, LOCAL_HOST} or not may(actor, SERVER):
            return None
        try:
            return server_row(await self.servers.one(actor, SERVER, host_id or ""))
        except NotFound:  # it was removed just now
            return None

    async def registry(self, actor: Actor, registry_id: str | None) -> RegistryRow | None:
        """The registry with this id."""
        if registry_id is None or not may(actor, REGISTRY):
            return None
        try:
            return registry_row(await self.registries.one(actor, REGISTRY, registry_id))
        except NotFound:
            return None

    async def destination(self, actor: Actor, destination_id: str) -> DestinationRow | None:
        """The destination with this id, without its secrets."""
        if not may(actor, DESTINATION):
            return None
        try:
            return destination_row(await self.destinations.one(actor, DESTINATION, destination_id))
        except NotFound:
            return None

    async def ssh_key(self, actor: Actor, ssh_key_id: str | None) -> SshKeyRow | None:
        """The SSH key with this id, without its private part."""
        if ssh_key_id is None or not may(actor, SSH_KEY):
            return None
        try:
            return ssh_key_row(await self.ssh_keys.one(actor, SSH_KEY, ssh_key_id))
        except NotFound:
            return None
