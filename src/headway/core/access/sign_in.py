"""Use cases of signing in: links that set a password, name and password, a second factor, sessions, and their ends."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from headway.core.access import (
    members,
    members_store,
    passkeys_store,
    people_store,
    second_factor,
    sessions_store,
    tokens,
)
from headway.core.access.audit import note
from headway.core.access.model import Actor
from headway.core.access.passwords import LEAST, Passwords, check_password, looked_for, sign_in_name
from headway.core.access.people_store import Person, Purpose
from headway.core.access.policy import Missing, Noun
from headway.core.access.second_factor import SecondFactors, digits_of
from headway.core.access.service import AccessService
from headway.core.access.session import LinkTold, Opened, Stage, Visitor
from headway.core.access.session_start import as_actor, new_token, note_failed, open_session
from headway.core.access.throttle import Begun, Throttle, Trial
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Code, HeadwayError, InvalidInput, Unavailable

__all__ = ["LinkGone", "LinkTold", "NameTaken", "Opened", "SignIn", "Stage", "Visitor", "WrongSignIn"]

FAILED, SIGNED_OUT = "session.signInFailed", "session.signOut"
CODE_FAILED, CONFIRM_FAILED = "session.codeFailed", "session.confirmFailed"
LINK_USED, JOINED, ENTERED = "link.used", "invitation.accepted", "session.entered"
_TRIES = 5  # of a half session
_WRONG_CODE = (
    "This code is wrong, was used already, or came too late. Give the one that is shown now; after five minutes or "
    "five tries begin again."
)
_WRONG_AGAIN = "This is neither your password nor a code that is good now."
_ENDED = "Your session has ended. Sign in again."


class WrongSignIn(HeadwayError):
    """Whoever signs in has not shown that they may."""

    code = Code.UNAUTHORIZED

    def __init__(self, message: str = "The name or the password is wrong.") -> None:
        super().__init__(message)


class LinkGone(Missing):
    """No link that can be used: one sentence for what is unknown, used and over."""

    def __init__(self) -> None:
        HeadwayError.__init__(
            self,
            "This link is not known, was used already, or is over: it is good once, for an hour. Whoever has the "
            "panel's machine makes another with 'headway members link' or 'headway members reset-password NAME'.",
        )


class NameTaken(InvalidInput):
    """Somebody else signs in with this name."""

    def __init__(self) -> None:
        super().__init__("Somebody else signs in with this name. Take another one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInParts:
    """What signing in works with."""

    passwords: Passwords
    throttle: Throttle
    second_factors: SecondFactors


class SignIn:
    """Signs people in and out."""

    def __init__(self, db: Database, access: AccessService, parts: SignInParts) -> None:
        self._db = db
        self._access = access
        self._passwords = parts.passwords
        self._throttle = parts.throttle
        self._second_factors = parts.second_factors

    async def by_session(self, token: str) -> Actor | None:
        """Whoever holds a whole session with this token. Writes nothing. Raises DatabaseAway."""
        return await self._access.by_session(token)

    async def sign_in(self, name: str, password: str, visitor: Visitor) -> Opened:
        """A session for who knows the password; half of one where a second factor is set. Raises WrongSignIn (one
        sentence for unknown names and wrong passwords), TooManyRequests, and TooManyPasswords, which counts no try.
        """
        self._throttle.admit(visitor.address)
        name, address = looked_for(name), visitor.address
        trial = Trial.of_password(name)

        def begin(tx: Tx) -> tuple[Person | None, Begun]:
            person = people_store.person_called(tx, name)
            known = person is not None and self._throttle.is_known(tx, person.user_id, address)
            return person, self._throttle.begin(tx, trial, address, known=known)

        def fail(tx: Tx) -> None:
            self._throttle.fail(tx, trial, address)
            if person is not None:
                note_failed(tx, as_actor(person, visitor), FAILED, address)

        def open_(tx: Tx) -> Opened:
            if person is None:
                raise WrongSignIn
            people_store.lock(tx, person.user_id)
            now = people_store.person_called(tx, name)
            if now is None or (now.user_id, now.hash) != (person.user_id, person.hash):
                raise WrongSignIn  # the password was changed while this one was compared
            self._throttle.succeed(tx, trial, address)
            return self._open(tx, now, visitor)

        with self._passwords.looking() as fits:
            person, begun = await self._db.run(begin)
            try:
                is_right = await fits(password, None if person is None else person.hash)
            except Unavailable:
                await self._db.run(lambda tx: self._throttle.take_back(tx, trial, address, begun))
                raise
        if not is_right:
            await self._db.run(fail)
            raise WrongSignIn
        return await self._db.run(open_)

    async def with_code(self, half_token: str, code: str, visitor: Visitor) -> Opened:
        """A whole session, with a new token, for a code of the second factor or a recovery code, each once. Raises
        WrongSignIn, also where the half session is over, and TooManyRequests.
        """
        self._throttle.admit(visitor.address)
        digest, address = tokens.digest(half_token), visitor.address

        def write(tx: Tx) -> Opened | None:
            half = sessions_store.half_of(tx, digest)
            if half is None:
                return None
            people_store.lock(tx, half.user_id)
            person = people_store.person_of(tx, half.user_id)
            if person is None:
                return None
            trial = Trial.of_code(person.user_id)
            known = self._throttle.is_known(tx, person.user_id, address)
            self._throttle.begin(tx, trial, address, known=known)
            tries = self._throttle.number_of(tx, "half session", half.session_id)
            # Who had looked for it before it was ended by another password, by signing out everywhere, or by the last
            # of its tries, has none: no code is used up for that. From here on nobody else ends it.
            is_right = (
                tries <= _TRIES
                and sessions_store.hold(tx, half.session_id)
                and self._second_factors.takes(tx, person.user_id, code)
            )
            if is_right or tries >= _TRIES:
                sessions_store.end(tx, half.session_id)
            if not is_right:
                self._throttle.fail(tx, trial, address)
                note_failed(tx, as_actor(person, visitor), CODE_FAILED, address)
                return None
            self._throttle.succeed(tx, trial, address)
            return open_session(tx, self._throttle, person, Stage.WHOLE, visitor)

        opened = await self._db.run(write)
        if opened is None:
            raise WrongSignIn(_WRONG_CODE)
        return opened

    async def link(self, token: str) -> LinkTold:
        """Whom the link is for; uses nothing up. Raises Missing: unknown, used and over have one sentence."""
        found = await self._db.read(lambda tx: people_store.link_of(tx, tokens.digest(token)))
        if found is None:
            raise LinkGone
        return found

    async def take_link(self, token: str, name: str, password: str, visitor: Visitor) -> Opened:
        """Sets name and password of the link's user, ends their other sessions and passkeys, and opens a session: half
        of one where they have a second factor that the link does not take away. Raises what ``link`` raises, and
        InvalidInput for a name or password that cannot be.
        """
        self._throttle.admit(visitor.address)
        await self.link(token)
        name = sign_in_name(name)
        check_password(name, password)
        hashed = await self._passwords.hashed(password)

        def write(tx: Tx) -> Opened:
            taken = people_store.take_link(tx, tokens.digest(token))
            if taken is None:
                raise LinkGone
            person, purpose = taken
            if people_store.is_taken(tx, name, person.user_id):
                raise NameTaken
            if purpose is Purpose.RESET_ALL:
                second_factor.remove(tx, person.user_id)
            people_store.set_password(tx, person.user_id, name, hashed)
            passkeys_store.remove_all(tx, person.user_id)  # whoever had taken the account over may have left one
            sessions_store.end_all(tx, person.user_id)
            told = {"purpose": purpose.value, "address": visitor.address}
            note(tx, as_actor(person, visitor), LINK_USED, Noun.MEMBER, person.user_id, **told)
            tx.after(lambda: self._access.changed(person.user_id))
            return self._open(tx, person, visitor)

        return await self._db.run(write)

    async def require_invited(self, token: str) -> None:
        """Raises Missing where nobody is invited by this token; uses nothing up."""
        if not await self._db.read(lambda tx: members.is_invited(tx, token)):
            raise Missing(Noun.INVITATION)

    async def join(self, token: str, name: str, password: str, visitor: Visitor) -> Opened:
        """Accepts an invitation by a password instead of a first key. Raises as ``take_link`` does."""
        self._throttle.admit(visitor.address)
        shown, name = " ".join(name.split()), sign_in_name(name)
        check_password(name, password)
        await self.require_invited(token)
        hashed = await self._passwords.hashed(password)

        def write(tx: Tx) -> Opened:
            invitation, user_id = members.let_in(tx, token, shown)
            if people_store.is_taken(tx, name, user_id):
                raise NameTaken
            people_store.set_password(tx, user_id, name, hashed)
            person = people_store.person_of(tx, user_id)
            if person is None:
                raise Missing(Noun.INVITATION)
            whose, address = as_actor(person, visitor), visitor.address
            note(tx, whose, JOINED, Noun.INVITATION, invitation.invitation_id, address=address)
            return self._open(tx, person, visitor)

        return await self._db.run(write)

    async def sign_out(self, token: str) -> None:
        """Ends this session."""
        digest = tokens.digest(token)

        def write(tx: Tx) -> None:
            actor, half = sessions_store.actor_of(tx, digest), sessions_store.half_of(tx, digest)
            if half is not None:
                sessions_store.end(tx, half.session_id)
            if actor is not None and sessions_store.end(tx, actor.credential.id):
                note(tx, actor, SIGNED_OUT, Noun.SESSION, actor.session_id)
                tx.after(lambda: self._access.changed(actor.user_id))

        await self._db.run(write)

    async def enter(self, token: str, organization_id: str, visitor: Visitor) -> Opened:
        """The session is in another of its person's organisations from now on, with a new token. Raises WrongSignIn
        where there is no such session, and Missing for an organisation that they are not in.
        """
        digest, renewed = tokens.digest(token), new_token()

        def write(tx: Tx) -> Opened:
            actor = sessions_store.actor_of(tx, digest)
            if actor is None or actor.credential.ends_at is None:
                raise WrongSignIn(_ENDED)
            if members_store.member_of_user(tx, organization_id, actor.user_id) is None:
                raise Missing(Noun.ORGANIZATION)
            if not sessions_store.move(tx, actor.credential.id, organization_id, tokens.digest(renewed)):
                raise WrongSignIn(_ENDED)  # meanwhile
            there = replace(actor, organization_id=organization_id)
            note(tx, there, ENTERED, Noun.SESSION, actor.session_id, address=visitor.address)
            tx.after(lambda: self._access.changed(actor.user_id))
            return Opened(token=renewed, stage=Stage.WHOLE, ends_at=actor.credential.ends_at)

        return await self._db.run(write)

    async def confirm(self, token: str, secret: str) -> None:
        """The password, or a code of the second factor, once more: careful operations are open for ten minutes. Raises
        WrongSignIn and TooManyRequests.
        """
        digest = tokens.digest(token)

        def begin(tx: Tx) -> tuple[Actor, Person, Begun, bool]:
            actor = sessions_store.actor_of(tx, digest)
            person = None if actor is None else people_store.person_of(tx, actor.user_id)
            if actor is None or person is None:
                raise WrongSignIn(_WRONG_AGAIN)
            trial = Trial.of_confirming(actor.user_id)
            begun = self._throttle.begin(tx, trial, actor.credential.id, known=False)
            return actor, person, begun, self._second_factors.takes_code(tx, actor.user_id, secret)

        with ExitStack() as seat:
            # What can be a code only is compared at once, and waits for no place among passwords.
            is_code = digits_of(secret) is not None and len(secret) < LEAST
            fits = None if is_code else seat.enter_context(self._passwords.looking())
            actor, person, begun, is_right = await self._db.run(begin)
            trial, session_id = Trial.of_confirming(actor.user_id), actor.credential.id
            try:
                is_right = is_right or (fits is not None and await fits(secret, person.hash))
            except Unavailable:
                await self._db.run(lambda tx: self._throttle.take_back(tx, trial, session_id, begun))
                raise

        def fail(tx: Tx) -> None:
            self._throttle.fail(tx, trial, session_id)
            note_failed(tx, actor, CONFIRM_FAILED)

        if not is_right:
            await self._db.run(fail)
            raise WrongSignIn(_WRONG_AGAIN)

        def write(tx: Tx) -> None:
            self._throttle.succeed(tx, trial, session_id)
            sessions_store.confirm(tx, session_id)
            tx.after(self._access.forget)  # who is remembered has not confirmed

        await self._db.run(write)

    def _open(self, tx: Tx, person: Person, visitor: Visitor) -> Opened:
        is_half = second_factor.is_set(tx, person.user_id)
        return open_session(tx, self._throttle, person, Stage.HALF if is_half else Stage.WHOLE, visitor)
