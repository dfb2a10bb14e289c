"""Use cases of one's own passkeys: made, named and removed by whoever has signed in."""

from __future__ import annotations

import json

from headway.core.access import passkeys_store, people_store, sessions_store
from headway.core.access.account import signed_in, themselves
from headway.core.access.model import Actor, Member
from headway.core.access.passkey_sign_in import load_ceremonies
from headway.core.access.passkeys import (
    MOST_PASSKEYS,
    Challenges,
    NewCredential,
    NoPasskeysHere,
    NotShown,
    Passkey,
    PasskeyHost,
    own_host,
)
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.access.service import AccessService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, InvalidInput


class NoPasskeyMade(InvalidInput):
    """What a browser has answered is no new passkey for this panel."""

    def __init__(self) -> None:
        super().__init__(
            "Your browser's answer shows no new passkey for this panel, or it came more than five minutes after it was "
            "asked. Begin again."
        )


class PasskeyService:
    """The caller's own passkeys, which nobody else sees or changes."""

    def __init__(
        self, db: Database, access: AccessService, challenges: Challenges, public_url: str | None = None
    ) -> None:
        self._db = db
        self._access = access
        self._challenges = challenges
        self._public_url = public_url

    async def all(self, actor: Actor, permission: Permission) -> list[Passkey]:
        """Those of the caller; to a key that is good for less than all that they may do, none."""
        permit(actor, permission, actor.organization_id)
        return await self._db.read(lambda tx: _theirs(tx, actor))

    async def begin(self, actor: Actor, permission: Permission, origin: str) -> str:
        """What a browser is asked for a new one, as JSON, by a page of this origin. Raises NotSignedIn, NoPasskeysHere,
        and Conflict where there are as many as may be.
        """
        host = self._host(origin)
        await load_ceremonies()
        from headway.core.access import ceremonies  # noqa: PLC0415 - see there

        def write(tx: Tx) -> tuple[Member, str, list[Passkey]]:
            name = signed_in(tx, actor, permission)
            mine = passkeys_store.passkeys_of(tx, actor.user_id)
            _require_room(mine)
            return themselves(tx, actor), name, mine

        _, name, mine = await self._db.run(write)
        known = [each.credential_id for each in mine if each.host == host.name]
        challenge = self._challenges.make(actor.credential.id)
        return json.dumps(ceremonies.creation_options(host, actor.user_id, name, known, challenge))

    async def add(self, actor: Actor, permission: Permission, name: str, origin: str, answer: str) -> Passkey:
        """The passkey that a browser has made when it was asked by ``begin``. Raises NotSignedIn, NoPasskeyMade,
        NoPasskeysHere, InvalidInput for a name that is none, and Conflict.
        """
        host, shown = self._host(origin), _name(name)
        challenge = self._challenges.take(actor.credential.id)
        if challenge is None:
            await self._db.read(lambda tx: signed_in(tx, actor, permission))  # a key is told that it makes none
            raise NoPasskeyMade
        await load_ceremonies()
        from headway.core.access import ceremonies  # noqa: PLC0415 - see there

        try:
            made = ceremonies.registered(host, challenge, answer)
        except NotShown:
            raise NoPasskeyMade from None
        return await self._db.run(lambda tx: self._added(tx, actor, permission, shown, made=made, host=host))

    def _added(
        self, tx: Tx, actor: Actor, permission: Permission, name: str, *, host: PasskeyHost, made: NewCredential
    ) -> Passkey:
        people_store.lock(tx, actor.user_id)
        signed_in(tx, actor, permission)
        _require_room(passkeys_store.passkeys_of(tx, actor.user_id))
        tx.lock("access.passkeys")
        if passkeys_store.by_credential(tx, made.credential_id) is not None:
            raise Conflict("This passkey is known already.")
        return passkeys_store.add(tx, actor.user_id, host, name, made)

    async def rename(self, actor: Actor, permission: Permission, passkey_id: str, name: str) -> Passkey:
        """One of the caller's, which they call so from now on. Raises Missing, InvalidInput."""
        shown = _name(name)

        def write(tx: Tx) -> Passkey:
            _mine(tx, actor, permission, passkey_id)
            passkeys_store.rename(tx, passkey_id, shown)
            return _mine(tx, actor, permission, passkey_id)

        return await self._db.run(write)

    async def remove(self, actor: Actor, permission: Permission, passkey_id: str) -> Passkey:
        """One of the caller's opens nothing any more, and all their other sessions end. Raises Missing."""

        def write(tx: Tx) -> Passkey:
            people_store.lock(tx, actor.user_id)
            removed = _mine(tx, actor, permission, passkey_id)
            passkeys_store.remove(tx, passkey_id)
            sessions_store.end_all(tx, actor.user_id, but=actor.session_id)
            tx.after(lambda: self._access.changed(actor.user_id))
            return removed

        return await self._db.run(write)

    def _host(self, origin: str) -> PasskeyHost:
        """Where pages of this origin find passkeys. Raises NoPasskeysHere, also where they are not the panel's."""
        host = own_host(origin, self._public_url)
        if host is None:
            raise NoPasskeysHere
        return host


def _theirs(tx: Tx, actor: Actor) -> list[Passkey]:
    """The passkeys of which the caller may know: each opens all that its person may do."""
    return passkeys_store.passkeys_of(tx, actor.user_id) if actor.terms.are_whole else []


def _mine(tx: Tx, actor: Actor, permission: Permission, passkey_id: str) -> Passkey:
    """One of the caller's. Raises Missing."""
    permit(actor, permission, actor.organization_id)
    for each in _theirs(tx, actor):
        if each.passkey_id == passkey_id:
            return each
    raise Missing(Noun.PASSKEY)


def _require_room(mine: list[Passkey]) -> None:
    if len(mine) >= MOST_PASSKEYS:
        raise Conflict(f"You have {len(mine)} passkeys, and nobody has more. Remove one first.")


def _name(name: str) -> str:
    """A name as it is shown. Raises InvalidInput."""
    shown = " ".join(name.split())
    if not shown or not shown.isprintable():
        raise InvalidInput("A passkey's name has at least one letter, and only what can be seen.")
    return shown
