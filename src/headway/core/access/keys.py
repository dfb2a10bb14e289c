"""Use cases of API keys: make, list, change, remove; none can be given or changed by one that is good for less."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from headway.core.access import keys_store, store
from headway.core.access.model import Actor, ApiKey, Rate, Role, Scope, Terms
from headway.core.access.policy import Missing, Noun, Permission, excess, permit
from headway.core.access.service import AccessService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, Forbidden
from headway.kernel.ids import new_key

MOST_KEYS = 100
USUAL_RATE = Rate(calls=6_000, window=timedelta(minutes=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest:
    """What a key is to be good for. None: as the key that makes it, and the usual rate; ``unlimited`` asks for no
    bound of calls.
    """

    scopes: frozenset[Scope] | None = None
    projects: frozenset[str] | None = None
    lasting: timedelta | None = None
    pending_as_running: bool | None = None
    rate: Rate | None = None
    unlimited: bool = False


class TooManyKeys(Conflict):
    """A person has as many keys as anybody may."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"You have {most} keys in this organisation, and nobody may have more. Remove those that nobody uses; the "
            "panel's owner can allow more (HEADWAY_KEYS_PER_PERSON)."
        )


class KeyService:
    """The keys of the caller and, for admins, of the organisation."""

    def __init__(self, db: Database, access: AccessService, most_keys: int = MOST_KEYS) -> None:
        self._db = db
        self._most_keys = most_keys
        self._access = access

    async def create(
        self,
        actor: Actor,
        permission: Permission,
        *,
        name: str,
        wish: KeyRequest,
        prefix: str = "",
        organization_id: str | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key of the caller's, and the key itself, which nobody can be told again. Raises Forbidden where it
        would be good for more than the caller's own, Missing for a project or organisation that is not the caller's.
        """
        permit(actor, permission, organization_id or actor.organization_id, noun=Noun.ORGANIZATION)
        key = new_key(prefix)

        def write(tx: Tx) -> tuple[ApiKey, str]:
            _require_projects(tx, actor, wish.projects or frozenset())
            terms = _granted(tx, actor.terms, wish)
            if more := excess(actor.terms, terms):
                raise Forbidden(f"A key cannot be given more than its maker has: this one would have {more}.")
            if len(keys_store.keys_of(tx, actor.organization_id, actor.user_id)) >= self._most_keys:
                raise TooManyKeys(self._most_keys)
            api_key_id = store.add_key(
                tx,
                key,
                name=name,
                user_id=actor.user_id,
                organization_id=actor.organization_id,
                terms=terms,
                prefix=prefix or None,
            )
            return _found(tx, api_key_id), key

        return await self._db.run(write)

    async def all(self, actor: Actor, permission: Permission) -> list[ApiKey]:
        """The caller's keys, all of the organisation for an admin; to a key that may not manage keys only itself."""
        permit(actor, permission, actor.organization_id)
        if actor.role < Role.ADMIN or not _manages(actor):
            return await self.of_caller(actor)
        found = await self._db.read(lambda tx: keys_store.keys_of(tx, actor.organization_id))
        return [self._seen(each) for each in found]

    async def of_caller(self, actor: Actor) -> list[ApiKey]:
        """The caller's own keys; to a key that may not manage keys only itself."""
        found = await self._db.read(lambda tx: keys_store.keys_of(tx, actor.organization_id, actor.user_id))
        return [self._seen(each) for each in found if _manages(actor) or each.api_key_id == actor.api_key_id]

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        api_key_id: str,
        *,
        name: str | None = None,
        enabled: bool | None = None,
    ) -> ApiKey:
        """The key with what is given changed; None leaves it as it is. Raises Missing, Forbidden."""

        def write(tx: Tx) -> ApiKey:
            found = self._permitted(tx, actor, permission, api_key_id)
            if name is not None:
                keys_store.change_key(tx, api_key_id, name=name)
            if enabled is not None:
                keys_store.change_key(tx, api_key_id, disabled_at=None if enabled else tx.now)
            tx.after(lambda: self._access.changed(found.user_id))
            return _found(tx, api_key_id)

        return self._seen(await self._db.run(write))

    async def remove(self, actor: Actor, permission: Permission, api_key_id: str) -> ApiKey:
        """The key works no more from now on. Raises Missing, Forbidden."""

        def write(tx: Tx) -> ApiKey:
            found = self._permitted(tx, actor, permission, api_key_id)
            keys_store.remove_key(tx, api_key_id)
            tx.after(lambda: self._access.changed(found.user_id))
            return found

        return await self._db.run(write)

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, api_key_id: str) -> ApiKey:
        found = keys_store.find_key(tx, api_key_id)
        if found is None or (found.user_id != actor.user_id and actor.role < Role.ADMIN):
            raise Missing(Noun.API_KEY)
        permit(actor, permission, found.organization_id)
        if found.role > actor.role:
            raise Forbidden(f"This key belongs to somebody with the role {found.role.word}.")
        reached = replace(found.terms, expires_at=actor.terms.expires_at, rate=actor.terms.rate)
        more = None if api_key_id == actor.api_key_id else excess(actor.terms, reached)
        if more:
            raise Forbidden(f"This key has {more}, which the one that you use has not.")
        return found

    def _seen(self, key: ApiKey) -> ApiKey:
        """The key as it was last used here, which may not be saved yet."""
        uses = [at for at in (key.last_used_at, self._access.usage.last(key.api_key_id)) if at is not None]
        return replace(key, last_used_at=max(uses, default=None))


def _manages(actor: Actor) -> bool:
    return actor.terms.hold(Scope.ADMIN) and actor.terms.projects is None


def _granted(tx: Tx, maker: Terms, wish: KeyRequest) -> Terms:
    """The terms that a wish comes to for whoever holds the maker's key."""
    usual = USUAL_RATE if maker.rate is None else min(USUAL_RATE, maker.rate, key=lambda each: each.per_second)
    return Terms(
        scopes=maker.scopes if wish.scopes is None else wish.scopes,
        projects=maker.projects if wish.projects is None else wish.projects,
        pending_as_running=(maker.pending_as_running if wish.pending_as_running is None else wish.pending_as_running),
        expires_at=maker.expires_at if wish.lasting is None else tx.now + wish.lasting,
        rate=None if wish.unlimited else wish.rate or usual,
    )


def _require_projects(tx: Tx, actor: Actor, project_ids: frozenset[str]) -> None:
    """Raises Missing for one that the caller may not see."""
    known = store.projects_among(tx, actor.organization_id, project_ids)
    if actor.role < Role.ADMIN:
        known &= actor.projects | actor.glimpsed
    if project_ids - known:
        raise Missing(Noun.PROJECT)


def _found(tx: Tx, api_key_id: str) -> ApiKey:
    found = keys_store.find_key(tx, api_key_id)
    if found is None:
        raise Missing(Noun.API_KEY)
    return found
