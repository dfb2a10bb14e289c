"""Use cases of git providers: connected by a token or as an app, asked for repositories and branches, opened to git."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from headway.core.access import policy
from headway.core.access.machine import may_use_the_machine
from headway.core.access.machine_store import is_guarded
from headway.core.access.model import Actor, Role, Scope
from headway.core.access.outward_addresses import require_outward
from headway.core.access.policy import Missing, Noun, Permission
from headway.drivers.forges.base import Branch, ForgeApi, ForgeConnection, ForgeName, GitLogin, Repository, understood
from headway.drivers.forges.registry import FORGES
from headway.features.git import providers_store
from headway.features.git.provider_repository import Sourced, newly_named, provided
from headway.features.git.providers_model import GitProvider, ProviderRequest, changed, checked_url
from headway.features.git.references import judged, require_references
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, NotFound
from headway.kernel.ids import new_id
from headway.kernel.secret import Secret
from headway.kernel.vault import Vault

S = TypeVar("S", bound=Sourced)
T = TypeVar("T")


class CopyOfHidden(NotFound):
    """A service cannot be made again by somebody who does not see its git provider."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Git provider not found: {name} has its repository from one that you do not see. Have it shared with you "
            "(gitProvider.toggleShare), or copy the others alone (selectedServices)."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRepository:
    """A repository that a provider opens: ``path`` is owner and name there, ``url`` where git fetches it; what of it is
    wanted, and with what it is opened.
    """

    path: str
    url: str
    branch: str | None
    build_path: str
    connection: ForgeConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class GitProviderService:
    """An organisation's git providers. Secrets are sealed at rest and never given back."""

    db: Database
    vault: Vault
    forges: Mapping[ForgeName, ForgeApi]

    async def create(
        self, actor: Actor, permission: Permission, forge: ForgeName, name: str, wish: ProviderRequest
    ) -> GitProvider:
        """Keeps a provider. Raises Forbidden, InvalidInput."""
        policy.permit(actor, permission, actor.organization_id)
        facts, secrets = changed({}, wish.facts), changed({}, wish.secrets)
        FORGES[forge].check(facts, secrets)
        url, api_url = checked_url(forge, wish.url), _api(forge, wish.api_url)
        for each in (url, api_url):
            require_outward(actor, each, "The git provider")

        def write(tx: Tx) -> GitProvider:
            provider = GitProvider(
                provider_id=new_id(),
                organization_id=actor.organization_id,
                forge=forge,
                name=name,
                url=url,
                api_url=api_url,
                facts=facts,
                has=frozenset(secrets),
                created_by=actor.user_id,
                created_at=tx.now,
                guarded=not may_use_the_machine(actor),
            )
            providers_store.add(tx, provider, self.vault.seal(secrets))
            return provider

        return await self.db.run(write)

    async def one(
        self, actor: Actor, permission: Permission, provider_id: str, forge: ForgeName | None = None
    ) -> GitProvider:
        """One provider, of this forge where one is named. Raises Missing, Forbidden."""
        return await self.db.read(lambda tx: _permitted(tx, actor, permission, provider_id, forge))

    async def all(self, actor: Actor, permission: Permission, forge: ForgeName | None = None) -> list[GitProvider]:
        """The organisation's providers, newest first. Raises Forbidden."""
        policy.permit(actor, permission, actor.organization_id)
        found = await self.db.read(lambda tx: providers_store.of_organization(tx, actor.organization_id))
        return [each for each in found if forge in {None, each.forge} and _sees(actor, each)]

    async def update(
        self, actor: Actor, permission: Permission, provider_id: str, forge: ForgeName, wish: ProviderRequest
    ) -> GitProvider:
        """Changes a provider. Raises Missing, Forbidden, InvalidInput."""

        def write(tx: Tx) -> GitProvider:
            before = _permitted(tx, actor, permission, provider_id, forge)
            url = before.url if wish.url is None else checked_url(forge, wish.url)
            api_url = before.api_url if wish.api_url is None else _api(forge, wish.api_url)
            known = self._secrets(tx, provider_id)
            # A token is for the site that it was given for: at another address it has to be given again.
            moved = (url, api_url) != (before.url, before.api_url)
            if moved:
                for each in (url, api_url):
                    require_outward(actor, each, "The git provider")
            secrets = changed({} if moved else known, wish.secrets)
            facts = changed(before.facts, wish.facts)
            FORGES[forge].check(facts, secrets)
            after = replace(
                before, name=wish.name or before.name, url=url, api_url=api_url, facts=facts, has=frozenset(secrets)
            )
            if moved:
                after = replace(after, guarded=not may_use_the_machine(actor))
            providers_store.change(tx, after, self.vault.seal(secrets))
            return after

        return await self.db.run(write)

    async def remove(self, actor: Actor, permission: Permission, provider_id: str) -> GitProvider:
        """Forgets a provider; a deploy that still names it then fails and says so. Raises Missing, Forbidden."""

        def write(tx: Tx) -> GitProvider:
            provider = _permitted(tx, actor, permission, provider_id, None)
            providers_store.remove(tx, provider_id)
            return provider

        return await self.db.run(write)

    async def share(self, actor: Actor, permission: Permission, provider_id: str, *, shared: bool) -> GitProvider:
        """Lets the organisation see a provider and choose it, or its maker and the owners only; services that have it
        keep it. Raises Missing, Forbidden.
        """

        def write(tx: Tx) -> GitProvider:
            found = replace(_permitted(tx, actor, permission, provider_id, None), shared=shared)
            providers_store.change(tx, found, providers_store.sealed_secrets(tx, provider_id))
            return found

        return await self.db.run(write)

    async def test(
        self, actor: Actor, permission: Permission, provider_id: str, forge: ForgeName, group: str | None
    ) -> int:
        """How many repositories the forge shows to what was given. Raises Missing, ForgeRefused, ForgeAway."""
        connection = await self._connection(actor, permission, provider_id, forge)
        if group:
            connection = replace(connection, group=group)
        return len(await self.ask(connection, lambda api: api.repositories(connection)))

    async def repositories(
        self, actor: Actor, permission: Permission, provider_id: str, forge: ForgeName
    ) -> list[Repository]:
        """What the forge shows. Raises Missing, ForgeRefused, ForgeAway."""
        connection = await self._connection(actor, permission, provider_id, forge)
        return await self.ask(connection, lambda api: api.repositories(connection))

    async def branches(
        self, actor: Actor, permission: Permission, provider_id: str, forge: ForgeName, path: str
    ) -> list[Branch]:
        """A repository's branches. Raises Missing, ForgeRefused, ForgeAway."""
        connection = await self._connection(actor, permission, provider_id, forge)
        return await self.ask(connection, lambda api: api.branches(connection, path))

    def open(self, tx: Tx, provider_id: str, organization_id: str) -> ForgeConnection:
        """With what the provider's forge is asked, for what is to be fetched or told. Raises Missing when the
        organisation has no such provider, InvalidInput where nothing opens it yet.
        """
        provider = providers_store.find(tx, provider_id)
        if provider.organization_id != organization_id:
            raise Missing(Noun.GIT_PROVIDER)
        if not provider.has & {"token", "private_key"}:
            raise InvalidInput(
                f"The git provider {provider.name} has no access token yet: {provider.forge}.update gives it one."
            )
        guarded = is_guarded(tx, organization_id, provider.guarded)
        return replace(provider, guarded=guarded).connection(self._secrets(tx, provider_id))

    def repository(
        self, tx: Tx, source_type: str, extra: Mapping[str, Any], organization_id: str
    ) -> OpenedRepository | None:
        """The repository that a service has through a provider; None where it has none so. Raises Missing."""
        wanted = provided(source_type, extra)
        if wanted is None:
            return None
        connection = self.open(tx, wanted.provider_id, organization_id)
        if connection.forge is not wanted.forge:
            raise Missing(Noun.GIT_PROVIDER)
        return OpenedRepository(
            path=wanted.path,
            url=connection.clone_url(wanted.path),
            branch=wanted.branch,
            build_path=wanted.build_path,
            connection=connection,
        )

    async def login(self, connection: ForgeConnection) -> GitLogin:
        """What opens repositories to git now. Raises ForgeRefused, ForgeAway."""
        return await self.ask(connection, lambda api: api.login(connection))

    async def ask(self, connection: ForgeConnection, question: Callable[[ForgeApi], Awaitable[T]]) -> T:
        """What the forge answers. Raises ForgeRefused, ForgeAway."""
        return await understood(connection.forge, question(self.forges[connection.forge]))

    async def _connection(
        self, actor: Actor, permission: Permission, provider_id: str, forge: ForgeName
    ) -> ForgeConnection:
        def read(tx: Tx) -> ForgeConnection:
            provider = _permitted(tx, actor, permission, provider_id, forge)
            return self.open(tx, provider_id, provider.organization_id)

        return await self.db.read(read)

    def _secrets(self, tx: Tx, provider_id: str) -> dict[str, str]:
        found: dict[str, str] = self.vault.open(providers_store.sealed_secrets(tx, provider_id))
        return found


def _api(forge: ForgeName, url: str | None) -> str | None:
    return checked_url(forge, url) if url else None


def _permitted(tx: Tx, actor: Actor, permission: Permission, provider_id: str, forge: ForgeName | None) -> GitProvider:
    provider = providers_store.find(tx, provider_id)
    policy.permit(actor, permission, provider.organization_id, noun=Noun.GIT_PROVIDER)
    if forge not in {None, provider.forge} or not _sees(actor, provider):
        raise Missing(Noun.GIT_PROVIDER)
    return provider


def _sees(actor: Actor, provider: GitProvider) -> bool:
    return provider.shared or actor.user_id == provider.created_by or actor.role >= Role.OWNER


def looks_at(forge: ForgeName) -> Permission:
    """What it takes to look at a provider of a forge, and so to have a service take a repository from it."""
    return Permission(name=f"{forge}.one", noun=Noun.GIT_PROVIDER, least=Role.ADMIN, scope=Scope.READ, in_project=False)


def require_seen(tx: Tx, actor: Actor, before: Sourced, after: S) -> S:
    """The settings as they may be saved. Whoever has a service take a repository from a provider must see that, its
    registries and SSH key must be of the organisation, and its addresses lead where the caller may; what a service has
    already it keeps, whoever changes the rest. Raises Missing, Forbidden.
    """
    require_references(tx, actor.organization_id, before, after)
    for provider_id, forge in newly_named(before, after).items():
        _permitted(tx, actor, looks_at(forge), provider_id, forge)
    return judged(actor, before, after)


def require_copyable(tx: Tx, actor: Actor, name: str, settings: Sourced) -> None:
    """The same for whoever makes a service of that name again: its copy is a service that takes the repository anew.
    Raises CopyOfHidden, Forbidden.
    """
    wanted = provided(settings.source_type, settings.extra)
    if wanted is not None:
        try:
            _permitted(tx, actor, looks_at(wanted.forge), wanted.provider_id, wanted.forge)
        except Missing as missing:
            raise CopyOfHidden(name) from missing


def login_by(
    log_in: Callable[[ForgeConnection], Awaitable[GitLogin]], connection: ForgeConnection
) -> Callable[[], Awaitable[tuple[Secret, Secret]]]:
    """What a git source asks before it asks the repository's site."""

    async def login() -> tuple[Secret, Secret]:
        opened = await log_in(connection)
        return opened.user, opened.password

    return login
