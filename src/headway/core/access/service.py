"""Use cases of access: finding out who calls, by a key or a session, and the owner's first key."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from headway.core.access import machine_store, sessions_store, store, tokens
from headway.core.access.keys_store import save_uses
from headway.core.access.model import Actor, Role, Terms
from headway.core.access.usage import Usage
from headway.infra.db.engine import Database, DatabaseAway
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_key

OWNER = "owner"  # the name of the first key
_REMEMBERED_SECONDS = 5.0
_REMEMBERED_KEYS = 1_024
_LOOKS = 3  # while access goes on changing
_SESSION = "session "  # before its digest, among what is remembered: no session is taken for a key


class AccessService:
    """Knows callers by their keys and sessions. One that was seen is remembered for seconds, so that polling clients
    cost no read of the database; what another panel ends stops working within that time. ``usage`` counts its calls.
    Keys of those who sign in by a provider are refused after their ``absence`` there.
    """

    def __init__(
        self, db: Database, absence: timedelta | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._db = db
        self._absence = absence
        self._monotonic = monotonic
        self._seen: dict[str, tuple[float, Actor]] = {}
        self._changes = 0
        self._told: Callable[[str], None] = lambda _user_id: None
        self.usage = Usage(monotonic=monotonic)

    async def authenticate(self, key: str) -> Actor | None:
        """Whoever holds ``key``, None when nobody does. Writes nothing. Raises DatabaseAway."""
        digest = tokens.digest(key)
        return await self._known(digest, lambda tx: store.actor_of(tx, digest, self._absence))

    async def by_session(self, token: str) -> Actor | None:
        """Whoever has the whole session with this token, None when nobody has. Writes nothing. Raises DatabaseAway."""
        digest = tokens.digest(token)
        return await self._known(_SESSION + digest, lambda tx: sessions_store.actor_of(tx, digest))

    def tell(self, told: Callable[[str], None]) -> None:
        """Calls ``told`` with every user whose access changes here from now on."""
        self._told = told

    def forget(self) -> None:
        """What was remembered of callers counts no more."""
        self._changes += 1
        self._seen.clear()

    def changed(self, user_id: str) -> None:
        """What a user may do, or what a key or session of theirs is good for, is not what it was."""
        self.forget()
        self._told(user_id)

    async def save_uses(self) -> None:
        """Keeps when keys and sessions were last used, which reading callers have not written. Raises DatabaseAway."""
        keys, sessions = self.usage.take_unsaved(), self.usage.take_sessions()
        if not keys and not sessions:
            return

        def save(tx: Tx) -> None:
            save_uses(tx, keys)
            sessions_store.save_uses(tx, sessions)

        try:
            await self._db.run(save)
        except DatabaseAway:
            self.usage.give_back(keys)
            self.usage.give_sessions_back(sessions)
            raise

    async def has_owner(self) -> bool:
        """Whether there is an owner: a panel that has none is new."""
        return await self._db.read(lambda tx: store.first_owner(tx) is not None)

    async def bootstrap(self, wanted_key: str | None) -> str | None:
        """Makes the first organisation, its owner and one key: the wanted one, else a new one, which is the result.

        Where there is an owner already nothing is made, whatever is wanted, and the result is None. Raises InvalidInput
        when the wanted key could not be sent in a header.
        """
        if wanted_key is not None:
            tokens.check(wanted_key)
        fresh = new_key()

        def ensure(tx: Tx) -> str | None:
            tx.lock("access.bootstrap")
            if store.first_owner(tx) is not None:
                return None
            key = wanted_key or fresh
            organization_id = store.add_organization(tx, "My organisation")
            machine_store.mark(tx, organization_id)
            user_id = store.add_user(tx, "Owner")
            store.add_member(tx, organization_id, user_id, Role.OWNER)
            store.add_key(tx, key, name=OWNER, user_id=user_id, organization_id=organization_id, terms=Terms())
            return key

        return await self._db.run(ensure)

    async def _known(self, name: str, find: Callable[[Tx], Actor | None]) -> Actor | None:
        remembered = self._seen.get(name)
        if remembered is not None and remembered[0] > self._monotonic():
            return remembered[1]

        def look(tx: Tx) -> tuple[Actor | None, float]:
            actor = find(tx)
            return actor, _lasting_seconds(tx, actor)

        looks = 0
        while True:
            looks, changes = looks + 1, self._changes
            actor, lasting = await self._db.read(look)
            if actor is not None:
                actor = replace(actor, found_again=partial(self._known, name, find))
            if changes == self._changes:  # else what was read may be older than what has changed meanwhile
                self._remember(name, actor, lasting)
                return actor
            if looks == _LOOKS:
                return actor

    def _remember(self, name: str, actor: Actor | None, seconds: float) -> None:
        self._seen.pop(name, None)
        if actor is None:
            return
        while len(self._seen) >= _REMEMBERED_KEYS:
            del self._seen[next(iter(self._seen))]
        self._seen[name] = (self._monotonic() + seconds, actor)


def _lasting_seconds(tx: Tx, actor: Actor | None) -> float:
    """How long a caller may be remembered: not beyond the end of its key or session."""
    left = None if actor is None else actor.seconds_left(tx.now)
    return _REMEMBERED_SECONDS if left is None else min(_REMEMBERED_SECONDS, left)
