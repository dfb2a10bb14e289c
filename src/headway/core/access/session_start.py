"""How a session begins, whatever somebody has shown: with a token that nobody has seen before, and a row of the log."""

from __future__ import annotations

import secrets
from datetime import timedelta

from headway.core.access import sessions_store, tokens
from headway.core.access.audit import note, was_noted
from headway.core.access.model import Actor, Credential, CredentialKind, Role
from headway.core.access.people_store import Person
from headway.core.access.policy import Noun
from headway.core.access.session import Opened, Stage, Visitor
from headway.core.access.throttle import Throttle
from headway.infra.db.transaction import Tx

SIGNED_IN, HALF_SIGNED_IN = "session.signIn", "session.signInHalf"
_TOLD_EACH = timedelta(minutes=1)
_TOKEN_BYTES = 32


def new_token() -> str:
    """A token that nobody has seen before."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def open_session(
    tx: Tx,
    throttle: Throttle,
    person: Person,
    stage: Stage,
    visitor: Visitor,
    *,
    lasting: timedelta | None = None,
    **by: str,
) -> Opened:
    """A new session of somebody, which lasts no longer than this; ``by`` is what the log says of how they signed in."""
    token = new_token()
    digest = tokens.digest(token)
    ends_at = sessions_store.add(tx, digest, person, stage, visitor, lasting=lasting)
    actor = sessions_store.actor_of(tx, digest)
    if stage is Stage.HALF:
        note(tx, as_actor(person, visitor), HALF_SIGNED_IN, Noun.SESSION, None, address=visitor.address)
    else:
        throttle.know(tx, person.user_id, visitor.address)
    if actor is not None:
        note(tx, actor, SIGNED_IN, Noun.SESSION, actor.session_id, address=visitor.address, **by)
    return Opened(token=token, stage=stage, ends_at=ends_at)


def note_failed(tx: Tx, actor: Actor, procedure: str, address: str | None = None, **told: str) -> None:
    """Tells what somebody has tried in vain, once a minute: a log that fills by that tells nothing."""
    if not was_noted(tx, actor.user_id, procedure, _TOLD_EACH):
        from_where = {} if address is None else {"address": address}
        note(tx, actor, procedure, Noun.SESSION, actor.session_id or None, **from_where, **told)


def as_actor(person: Person, visitor: Visitor) -> Actor:
    """Whom the audit log names where no session is there yet."""
    return Actor(
        user_id=person.user_id,
        organization_id=person.organization_id,
        role=Role.of(person.role),
        credential=Credential(kind=CredentialKind.SESSION, id="", name=sessions_store.clipped(visitor.agent)),
        name=person.name,
        email=person.email,
    )
