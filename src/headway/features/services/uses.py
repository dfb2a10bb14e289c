"""Who uses a git provider, an SSH key or a registry: asked before it is removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headway.core.access.model import Actor
from headway.core.access.policy import Permission, sees
from headway.features.git.provider_repository import provided
from headway.features.git.providers import GitProviderService
from headway.features.git.ssh_keys import SshKeyService
from headway.features.projects.model import ListedService, ServicePlace
from headway.features.projects.service import ProjectService
from headway.features.registries.service import RegistryService
from headway.features.servers import store
from headway.features.services import directory
from headway.features.services.model import Service
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault

_IMAGE = "docker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """What uses a thing: services with where they lie, the oldest first, and servers by id and name."""

    services: Sequence[tuple[Service[Any], ServicePlace]]
    servers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersReader:
    """What callers may see of who uses what they may look at. Previews go with the services that they are of."""

    db: Database
    vault: Vault
    providers: GitProviderService
    ssh_keys: SshKeyService
    registries: RegistryService
    projects: ProjectService

    async def of_provider(self, actor: Actor, permission: Permission, provider_id: str) -> Users:
        """Who takes a repository from a git provider. Raises Missing, Forbidden."""
        await self.providers.one(actor, permission, provider_id)
        return await self.db.read(lambda tx: self._users(tx, actor, lambda each: _takes_from(each, provider_id)))

    async def of_ssh_key(self, actor: Actor, permission: Permission, ssh_key_id: str) -> Users:
        """Who names an SSH key, and which servers are entered with it. Raises Missing, Forbidden."""
        await self.ssh_keys.one(actor, permission, ssh_key_id)

        def read(tx: Tx) -> Users:
            found = self._users(tx, actor, lambda each: each.git.ssh_key_id == ssh_key_id)
            servers = store.of_organization(tx, actor.organization_id)
            entered = [(each.server_id, each.name) for each in servers if each.access.ssh_key_id == ssh_key_id]
            return Users(services=found.services, servers=entered)

        return await self.db.read(read)

    async def of_registry(self, actor: Actor, permission: Permission, registry_id: str) -> Users:
        """Who fetches images from a registry, or has its own taken there. Raises Missing, Forbidden."""
        await self.registries.one(actor, permission, registry_id)
        return await self.db.read(
            lambda tx: self._users(tx, actor, lambda each: registry_id in _registries(each), with_databases=True)
        )

    def _users(self, tx: Tx, actor: Actor, uses: Callable[[Any], bool], *, with_databases: bool = False) -> Users:
        every = directory.of_organization(tx, actor.organization_id, self.vault)
        if with_databases:
            every += directory.databases_of(tx, actor.organization_id, self.vault)
        mine = [each for each in every if uses(each.settings) and _seen(actor, each)]
        places = self.projects.places_of(tx, {each.service_id for each in mine})
        return Users(services=[(each, _place(places, each)) for each in mine if each.service_id in places])


def _takes_from(settings: Any, provider_id: str) -> bool:  # noqa: ANN401 - settings of any kind
    wanted = provided(settings.source_type, settings.extra)
    return wanted is not None and wanted.provider_id == provider_id


def _registries(settings: Any) -> Sequence[str]:  # noqa: ANN401 - settings of any kind
    docker = getattr(settings, _IMAGE, None)
    return [*getattr(settings, "registry_ids", ()), *([docker.registry_id] if docker and docker.registry_id else [])]


def _seen(actor: Actor, service: Service[Any]) -> bool:
    return sees(actor, service.organization_id, service.project_id, service_id=service.service_id)


def _place(places: dict[str, tuple[ListedService, ServicePlace]], service: Service[Any]) -> ServicePlace:
    return places[service.service_id][1]
