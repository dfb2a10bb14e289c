"""Use cases of somebody's own account: their sessions, their password and their second factor."""

from __future__ import annotations

from dataclasses import replace

from headway.core.access import members_store, people_store, second_factor, sessions_store
from headway.core.access.model import Actor, Member
from headway.core.access.passwords import Passwords, check_password
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.access.second_factor import SecondFactors
from headway.core.access.service import AccessService
from headway.core.access.session import Session
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, Forbidden, InvalidInput


class NotSignedIn(Conflict):
    """A key cannot make what would outlast it, and is good for more than it is."""

    def __init__(self) -> None:
        super().__init__(
            "This is for who has signed in and still is: a key sets no password and no second factor. Sign in at the "
            "panel's address."
        )


class ProvedElsewhere(Conflict):
    """What the provider proves somebody by is not the panel's to set: it would outlive what they are there."""

    def __init__(self) -> None:
        super().__init__(
            "You sign in by the provider: your password, second factor and passkeys are there, and are changed there."
        )


class WrongCode(InvalidInput):
    """Not a code that the new second factor makes."""

    def __init__(self) -> None:
        super().__init__("This is not the code that is shown now. The clock of the device that shows it may be wrong.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A second factor that counts once a code of it was given: its secret, shown this once, and as an address."""

    secret: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The sessions of somebody, and how they sign in. ``current`` is the one that asks, None for a key."""

    sessions: list[Session]
    current: str | None
    sign_in_name: str | None
    second_factor: bool
    recovery_codes: int


class AccountService:
    """The caller's own account, which nobody else changes."""

    def __init__(
        self, db: Database, access: AccessService, passwords: Passwords, second_factors: SecondFactors
    ) -> None:
        self._db = db
        self._access = access
        self._passwords = passwords
        self._second_factors = second_factors

    async def sessions(self, actor: Actor, permission: Permission) -> Sessions:
        """Where the caller has signed in, in whatever organisation; to a key that is good for less than that, none."""
        permit(actor, permission, actor.organization_id)

        def read(tx: Tx) -> Sessions:
            person = people_store.person_of(tx, actor.user_id)
            return Sessions(
                sessions=[self._seen(each) for each in _theirs(tx, actor)],
                current=actor.session_id,
                sign_in_name=None if person is None else person.sign_in_name,
                second_factor=second_factor.is_set(tx, actor.user_id),
                recovery_codes=second_factor.recovery_codes_left(tx, actor.user_id),
            )

        return await self._db.read(read)

    async def end(self, actor: Actor, permission: Permission, session_id: str) -> Session:
        """One of the caller's sessions counts no more. Raises Missing."""

        def write(tx: Tx) -> Session:
            permit(actor, permission, actor.organization_id)
            mine = {each.session_id: each for each in _theirs(tx, actor)}
            if session_id not in mine:
                raise Missing(Noun.SESSION)
            sessions_store.end(tx, session_id)
            tx.after(lambda: self._access.changed(actor.user_id))
            return mine[session_id]

        return await self._db.run(write)

    async def end_all(self, actor: Actor, permission: Permission, *, but_this: bool = False) -> None:
        """All sessions of the caller count no more; with ``but_this`` the one that asks still does. Raises Forbidden
        for a key that is good for less.
        """

        def write(tx: Tx) -> Member:
            _permit_whole(actor, permission)
            sessions_store.end_all(tx, actor.user_id, but=actor.session_id if but_this else None)
            tx.after(lambda: self._access.changed(actor.user_id))
            return themselves(tx, actor)

        await self._db.run(write)

    async def rename(self, actor: Actor, permission: Permission, name: str) -> Member:
        """The caller, who is called so from now on, in whatever organisation. Raises Forbidden for a key that is good
        for less, and InvalidInput.
        """
        shown = " ".join(name.split())
        if not shown or not shown.isprintable():
            raise InvalidInput("A name has at least one letter, and only what can be seen.")

        def write(tx: Tx) -> Member:
            _permit_whole(actor, permission)
            people_store.rename(tx, actor.user_id, shown)
            tx.after(self._access.forget)
            return themselves(tx, actor)

        return await self._db.run(write)

    async def set_password(self, actor: Actor, permission: Permission, password: str) -> None:
        """Another password; all other sessions of the caller end. Raises NotSignedIn, InvalidInput."""
        name = await self._db.read(lambda tx: signed_in(tx, actor, permission))
        check_password(name, password)
        hashed = await self._passwords.hashed(password)

        def write(tx: Tx) -> Member:
            people_store.lock(tx, actor.user_id)
            people_store.set_password(tx, actor.user_id, signed_in(tx, actor, permission), hashed)
            self._end_others(tx, actor)
            return themselves(tx, actor)

        await self._db.run(write)

    async def begin_second_factor(self, actor: Actor, permission: Permission) -> Begun:
        """A second factor, which counts once ``confirm_second_factor`` is given a code of it. Raises NotSignedIn, and
        Conflict where there is one.
        """

        def write(tx: Tx) -> tuple[Member, Begun]:
            people_store.lock(tx, actor.user_id)
            name = signed_in(tx, actor, permission)
            if second_factor.is_set(tx, actor.user_id):
                raise Conflict("You have a second factor already. Remove it before you set another.")
            secret = self._second_factors.begin(tx, actor.user_id)
            return themselves(tx, actor), Begun(secret=secret, address=second_factor.address_of(secret, name))

        return (await self._db.run(write))[1]

    async def confirm_second_factor(self, actor: Actor, permission: Permission, code: str) -> list[str]:
        """From now on a code is asked for at each sign-in; the recovery codes, shown this once. All other sessions of
        the caller end. Raises NotSignedIn, WrongCode.
        """

        def write(tx: Tx) -> tuple[Member, list[str]]:
            people_store.lock(tx, actor.user_id)
            signed_in(tx, actor, permission)
            if second_factor.is_set(tx, actor.user_id):
                raise Conflict("You have a second factor already. Remove it before you set another.")
            if not self._second_factors.confirm(tx, actor.user_id, code):
                raise WrongCode
            self._end_others(tx, actor)
            return themselves(tx, actor), second_factor.make_recovery_codes(tx, actor.user_id)

        return (await self._db.run(write))[1]

    async def remove_second_factor(self, actor: Actor, permission: Permission) -> None:
        """No code is asked for any more; all other sessions of the caller end. Raises NotSignedIn, Conflict."""

        def write(tx: Tx) -> Member:
            people_store.lock(tx, actor.user_id)
            signed_in(tx, actor, permission)
            _require_set(tx, actor)
            second_factor.remove(tx, actor.user_id)
            self._end_others(tx, actor)
            return themselves(tx, actor)

        await self._db.run(write)

    async def new_recovery_codes(self, actor: Actor, permission: Permission) -> list[str]:
        """Other recovery codes, shown this once; those of before are good no more. Raises NotSignedIn, Conflict."""

        def write(tx: Tx) -> tuple[Member, list[str]]:
            people_store.lock(tx, actor.user_id)
            signed_in(tx, actor, permission)
            _require_set(tx, actor)
            return themselves(tx, actor), second_factor.make_recovery_codes(tx, actor.user_id)

        return (await self._db.run(write))[1]

    def _end_others(self, tx: Tx, actor: Actor) -> None:
        sessions_store.end_all(tx, actor.user_id, but=actor.session_id)
        tx.after(lambda: self._access.changed(actor.user_id))

    def _seen(self, session: Session) -> Session:
        """The session as it was last seen here, which may not be saved yet."""
        seen = self._access.usage.seen(session.session_id)
        return session if seen is None else replace(session, seen_at=max(seen, session.seen_at))


def _theirs(tx: Tx, actor: Actor) -> list[Session]:
    """The sessions of which the caller may know: a session is good for all that its person may do."""
    return sessions_store.sessions_of(tx, actor.user_id) if actor.terms.are_whole else []


def _permit_whole(actor: Actor, permission: Permission) -> None:
    """Raises Forbidden for a key that is not good for all that its person may do."""
    permit(actor, permission, actor.organization_id)
    if not actor.terms.are_whole:
        raise Forbidden(f"{permission.name} is about the whole account; this key is for some projects only.")


def themselves(tx: Tx, actor: Actor) -> Member:
    """Whom it was done to, as the audit log tells it."""
    member = members_store.member_of_user(tx, actor.organization_id, actor.user_id)
    if member is None:
        raise Missing(Noun.MEMBER)
    return member


def signed_in(tx: Tx, actor: Actor, permission: Permission) -> str:
    """The name by which the caller has signed in, and still is. Raises NotSignedIn, ProvedElsewhere."""
    permit(actor, permission, actor.organization_id)
    person = people_store.person_of(tx, actor.user_id)
    lives = {each.session_id for each in sessions_store.sessions_of(tx, actor.user_id)}
    if actor.credential.by_provider and actor.session_id in lives:
        raise ProvedElsewhere
    if actor.session_id not in lives or person is None or person.sign_in_name is None:
        raise NotSignedIn
    return person.sign_in_name


def _require_set(tx: Tx, actor: Actor) -> None:
    if not second_factor.is_set(tx, actor.user_id):
        raise Conflict("You have no second factor.")
