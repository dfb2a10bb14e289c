"""Use cases of signing in by a provider: sent there, back with what it says, and made what one's groups say."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from headway.core.access import identities_store, members_store, people_store, sessions_store, store, tokens
from headway.core.access.audit import note
from headway.core.access.identities import Belonging, Identity, belongings, identity_of
from headway.core.access.model import Grants
from headway.core.access.people_store import Person
from headway.core.access.policy import Noun
from headway.core.access.service import AccessService
from headway.core.access.session import Opened, Stage, Visitor
from headway.core.access.session_start import as_actor, new_token, note_failed, open_session
from headway.core.access.sign_in import CONFIRM_FAILED, WrongSignIn
from headway.core.access.throttle import Throttle
from headway.core.access.wait_list import WaitList
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import NotFound, Unavailable
from headway.kernel.provider_settings import Provider

if TYPE_CHECKING:
    from headway.infra.openid import Authorization, OpenIdClient

log = logging.getLogger(__name__)

SET_BY_GROUPS = "member.setByGroups"
JOURNEY_SECONDS = 600.0
_TOKEN_BYTES = 32
_VERIFIER_BYTES = 48
_MOST_TOLD = 20


class NoProvider(NotFound):
    """Nobody signs in by a provider here."""

    def __init__(self) -> None:
        super().__init__("This panel has no provider by which people sign in.")


class ProviderAway(Unavailable):
    """The provider does not answer."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} does not answer. Try it again shortly; who has a password here signs in by that. The panel's log "
            "says what was tried."
        )


class ProviderRefused(WrongSignIn):
    """What came back from the provider lets nobody in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A way to the provider that somebody is on: what it is known by, and where it leads afterwards. ``confirms`` is
    the session whose person is to show that it is still them.
    """

    authorization: Authorization
    then: str
    confirms: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where a browser is sent, and the token that it has to come back with."""

    address: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Who has come back: a new session, None where one that there was is confirmed, and where it leads on to."""

    opened: Opened | None
    then: str


class ProviderSignIn:
    """Signs people in by the provider of the settings, where there is one."""

    def __init__(
        self,
        db: Database,
        access: AccessService,
        throttle: Throttle,
        provider: Provider | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._access = access
        self._throttle = throttle
        self._provider = provider
        self._journeys = WaitList[Journey](JOURNEY_SECONDS, monotonic=monotonic)
        self._client: OpenIdClient | None = None
        self._loads = asyncio.Lock()

    @property
    def name(self) -> str | None:
        """What people know the provider by; None where there is none."""
        return None if self._provider is None else self._provider.name

    async def depart(self, redirect_uri: str, then: str, visitor: Visitor, session: str | None = None) -> Departure:
        """Where the browser goes to sign in, and to come back to ``redirect_uri``; with the token of a ``session`` to
        show that it is still whoever has that. Raises NoProvider, TooManyTries, ProviderAway.
        """
        self._throttle.admit(visitor.address)
        client = await self._loaded()
        from headway.infra.openid import Authorization, ProviderFault  # noqa: PLC0415 - see _loaded

        authorization = Authorization(
            state=secrets.token_urlsafe(_TOKEN_BYTES),
            nonce=secrets.token_urlsafe(_TOKEN_BYTES),
            verifier=secrets.token_urlsafe(_VERIFIER_BYTES),
            redirect_uri=redirect_uri,
            begun_at=time.time(),
            anew=session is not None,
        )
        try:
            address = await client.address(authorization)
        except ProviderFault as fault:
            raise self._told(fault) from fault
        token = new_token()
        journey = Journey(authorization=authorization, then=then, confirms=session)
        self._journeys.put(tokens.digest(token), journey, visitor.address)
        return Departure(address=address, token=token)

    async def arrive(self, token: str | None, query: Mapping[str, str], visitor: Visitor) -> Arrival:
        """Who has come back with this. Raises ProviderRefused, ProviderAway, NoProvider, TooManyTries."""
        self._throttle.admit(visitor.address)
        client = await self._loaded()
        journey = None if token is None else self._journeys.take(tokens.digest(token))
        if journey is None or not _is_of(journey, query.get("state", "")):
            raise ProviderRefused("This took longer than ten minutes, or was begun in another browser. Begin again.")
        if "code" not in query:
            log.info("the provider let nobody in: %.200r", query.get("error", "without a word"))
            raise ProviderRefused(f"{self.name} has let nobody in, or it was cancelled there. Begin again.")
        from headway.infra.openid import ProviderFault  # noqa: PLC0415 - see _loaded

        try:
            claims = await client.claims(journey.authorization, query["code"], query.get("iss"))
        except ProviderFault as fault:
            raise self._told(fault) from fault
        provider = self._known()
        identity = identity_of(claims, provider.issuer, provider.groups_claim)
        if journey.confirms is not None:
            await self._confirm(journey.confirms, identity, visitor)
            return Arrival(opened=None, then=journey.then)
        opened = await self._db.run(lambda tx: self._opened(tx, identity, provider, visitor))
        if opened is None:
            told = sorted(identity.groups)[:_MOST_TOLD]
            log.info("the provider's %.100r is let in by none of their groups: %.1000r", identity.subject, told)
            raise ProviderRefused(
                f"{provider.name} knows you as {identity.name}, and none of your groups there is let in here. Whoever "
                "owns an organisation of this panel says which are."
            )
        return Arrival(opened=opened, then=journey.then)

    def _opened(self, tx: Tx, identity: Identity, provider: Provider, visitor: Visitor) -> Opened | None:
        """A session of whoever this is, who is what their groups say from now on; None where they are nothing."""
        identities_store.lock(tx, identity)
        wanted = belongings(identities_store.rules_of(tx), identity.groups)
        user_id = identities_store.user_of(tx, identity)
        if user_id is None and not wanted:
            return None
        if user_id is None:
            user_id = store.add_user(tx, identity.name, identity.email)
            identities_store.add(tx, user_id, identity)
        person = self._settle(tx, user_id, identity, wanted, visitor)
        if person is None:
            return None
        by = {"provider": provider.issuer}
        return open_session(tx, self._throttle, person, Stage.WHOLE, visitor, lasting=provider.session, **by)

    def _settle(
        self, tx: Tx, user_id: str, identity: Identity, wanted: Mapping[str, Belonging], visitor: Visitor
    ) -> Person | None:
        """Makes somebody what their groups say from now on; None where they are nowhere any more."""
        people_store.lock(tx, user_id)
        identities_store.note_sign_in(tx, user_id, identity)
        changed = [each for each in wanted if _set(tx, each, user_id, wanted[each])]
        gone = [each for each in identities_store.organizations_by_groups(tx, user_id) if each not in wanted]
        for organization_id in gone:
            _remove(tx, organization_id, user_id, visitor)
        if changed or gone:
            tx.after(lambda: self._access.changed(user_id))
        person = people_store.person_of(tx, user_id)
        if person is not None:
            for organization_id in changed:
                _note(tx, person, organization_id, visitor, wanted[organization_id].role.word)
        return person

    async def _confirm(self, session: str, identity: Identity, visitor: Visitor) -> None:
        """Whoever has this session has just shown that it is still them, and in which groups they are. Raises
        ProviderRefused.
        """
        digest = tokens.digest(session)

        def write(tx: Tx) -> bool:
            identities_store.lock(tx, identity)
            actor = sessions_store.actor_of(tx, digest)
            if actor is None:
                return False
            if identities_store.user_of(tx, identity) != actor.user_id:
                note_failed(tx, actor, CONFIRM_FAILED, visitor.address)
                return False
            wanted = belongings(identities_store.rules_of(tx), identity.groups)
            self._settle(tx, actor.user_id, identity, wanted, visitor)
            if sessions_store.actor_of(tx, digest) is None:
                return False  # no group lets them in there any more
            sessions_store.confirm(tx, actor.credential.id)
            tx.after(self._access.forget)
            return True

        if not await self._db.run(write):
            raise ProviderRefused(
                f"At {self.name} you are somebody else than here, or in no group that is let in, or your session has "
                "ended."
            )

    async def _loaded(self) -> OpenIdClient:
        """What speaks with the provider; its libraries are loaded beside the event loop. Raises NoProvider."""
        provider = self._known()
        async with self._loads:
            if self._client is None:
                await asyncio.to_thread(import_module, "headway.infra.openid")
                from headway.infra.openid import OpenIdClient, trusted  # noqa: PLC0415 - most panels have no provider

                await asyncio.to_thread(trusted)
                self._client = OpenIdClient(provider)
            return self._client

    def _known(self) -> Provider:
        if self._provider is None:
            raise NoProvider
        return self._provider

    def _told(self, fault: Exception) -> ProviderAway | ProviderRefused:
        """The sentence for people; what it was is for the log."""
        log.warning("nobody can sign in by %s: %s", self._known().issuer, fault)
        if getattr(fault, "is_away", False):
            return ProviderAway(self._known().name)
        return ProviderRefused(
            f"What {self.name} says of you lets nobody in here. The panel's log says why, to whoever has set it up."
        )


def _is_of(journey: Journey, state: str) -> bool:
    return hmac.compare_digest(journey.authorization.state.encode(), state.encode(errors="replace"))


def _set(tx: Tx, organization_id: str, user_id: str, wanted: Belonging) -> bool:
    """Makes somebody in an organisation what their groups say; whether they were something else. What was given to them
    by hand is left alone.
    """
    member = members_store.member_of_user(tx, organization_id, user_id)
    given = Grants(projects=store.projects_among(tx, organization_id, wanted.projects))
    if member is None:
        member_id = store.add_member(tx, organization_id, user_id, wanted.role, by_groups=True)
        store.give(tx, member_id, given)
        return True
    if not member.by_groups or (member.role, member.grants) == (wanted.role, given):
        return False
    members_store.set_role(tx, member.member_id, wanted.role)
    store.give(tx, member.member_id, given)
    return True


def _remove(tx: Tx, organization_id: str, user_id: str, visitor: Visitor) -> None:
    """Somebody belongs to an organisation no more: their keys and sessions there end."""
    member = members_store.member_of_user(tx, organization_id, user_id)
    person = people_store.person_of(tx, user_id)
    if member is None or person is None:
        return
    _note(tx, person, organization_id, visitor, "none")
    members_store.remove_member(tx, member)


def _note(tx: Tx, person: Person, organization_id: str, visitor: Visitor, role: str) -> None:
    """Tells an organisation what the groups of somebody have made of them there."""
    there = replace(as_actor(person, visitor), organization_id=organization_id)
    note(tx, there, SET_BY_GROUPS, Noun.MEMBER, person.user_id, role=role, address=visitor.address)
