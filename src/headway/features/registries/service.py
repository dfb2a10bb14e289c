"""Use cases of image registries, from which images are fetched with credentials."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from headway.core.access import policy
from headway.core.access.machine import may_use_the_machine
from headway.core.access.machine_store import is_guarded
from headway.core.access.model import Actor
from headway.core.access.outward_addresses import require_outward
from headway.core.access.policy import Permission
from headway.features.registries import store
from headway.features.registries.model import Credentials, Registry, checked_url
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import PasswordForgotten
from headway.kernel.ids import new_id
from headway.kernel.secret import Secret
from headway.kernel.vault import Vault

Trial = Callable[[Credentials], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryChange:
    """What is to be changed of a registry; None stays as it is."""

    name: str | None = None
    url: str | None = None
    image_prefix: str | None = None
    username: str | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryService:
    """An organisation's registries. The password is sealed at rest and never given back. ``trial`` asks a registry
    whether it knows credentials, and raises with the sentence where it does not.
    """

    db: Database
    vault: Vault
    trial: Trial

    async def create(
        self, actor: Actor, permission: Permission, credentials: Credentials, *, name: str, image_prefix: str | None
    ) -> Registry:
        """Keeps a registry. Raises Forbidden, InvalidInput."""
        policy.permit(actor, permission, actor.organization_id)
        url = checked_url(credentials.url)
        require_outward(actor, url, "The registry")
        sealed = self.vault.seal(credentials.password.reveal())

        def write(tx: Tx) -> Registry:
            registry = Registry(
                registry_id=new_id(),
                organization_id=actor.organization_id,
                name=name,
                url=url,
                image_prefix=image_prefix,
                username=credentials.username,
                created_at=tx.now,
                guarded=not may_use_the_machine(actor),
            )
            store.add(tx, registry, sealed)
            return registry

        return await self.db.run(write)

    async def one(self, actor: Actor, permission: Permission, registry_id: str) -> Registry:
        """One registry without its password. Raises Missing, Forbidden."""
        return await self.db.read(lambda tx: _permitted(tx, actor, permission, registry_id))

    async def all(self, actor: Actor, permission: Permission) -> list[Registry]:
        """The organisation's registries, newest first. Raises Forbidden."""
        policy.permit(actor, permission, actor.organization_id)
        return await self.db.read(lambda tx: store.of_organization(tx, actor.organization_id))

    async def update(self, actor: Actor, permission: Permission, registry_id: str, change: RegistryChange) -> Registry:
        """Changes a registry. Raises Missing, Forbidden, InvalidInput."""
        fields: dict[str, str | bool | None] = {
            "name": change.name,
            "url": None if change.url is None else checked_url(change.url),
            "image_prefix": change.image_prefix,
            "username": change.username,
            "password": None if change.password is None else self.vault.seal(change.password.reveal()),
        }

        def write(tx: Tx) -> Registry:
            before = _permitted(tx, actor, permission, registry_id)
            if fields["url"] not in {None, before.url}:
                require_outward(actor, str(fields["url"]), "The registry")
                fields["guarded"] = not may_use_the_machine(actor)
            if fields["url"] not in {None, before.url} and change.password is None:
                raise PasswordForgotten("the registry", "password")
            store.set_fields(tx, registry_id, **{name: value for name, value in fields.items() if value is not None})
            return store.find(tx, registry_id)

        return await self.db.run(write)

    async def remove(self, actor: Actor, permission: Permission, registry_id: str) -> Registry:
        """Forgets a registry; a deploy that still names it then fails and says so. Raises Missing, Forbidden."""

        def write(tx: Tx) -> Registry:
            registry = _permitted(tx, actor, permission, registry_id)
            store.remove(tx, registry_id)
            return registry

        return await self.db.run(write)

    async def test(self, actor: Actor, permission: Permission, credentials: Credentials) -> None:
        """Returns when the registry knows the credentials. Raises Forbidden, InvalidInput with what it says."""
        policy.permit(actor, permission, actor.organization_id)
        require_outward(actor, checked_url(credentials.url), "The registry")
        await self.trial(replace(credentials, guarded=not may_use_the_machine(actor)))

    async def test_one(self, actor: Actor, permission: Permission, registry_id: str) -> None:
        """The same with those that are kept. Raises Missing."""

        def read(tx: Tx) -> Credentials:
            registry = _permitted(tx, actor, permission, registry_id)
            return self.open(tx, registry_id, registry.organization_id)

        await self.trial(await self.db.read(read))

    def open(self, tx: Tx, registry_id: str, organization_id: str) -> Credentials:
        """The credentials, for the command that fetches: read in the transaction that freezes a run's secrets.

        Raises Missing when the organisation has no such registry.
        """
        sealed = store.sealed_password(tx, registry_id, organization_id)
        registry = store.find(tx, registry_id)
        password = Secret(str(self.vault.open(sealed)))
        return Credentials(
            url=registry.url,
            username=registry.username,
            password=password,
            image_prefix=registry.image_prefix,
            guarded=is_guarded(tx, organization_id, registry.guarded),
        )


def _permitted(tx: Tx, actor: Actor, permission: Permission, registry_id: str) -> Registry:
    registry = store.find(tx, registry_id)
    policy.permit(actor, permission, registry.organization_id)
    return registry
