"""Links by which people come to a password, made by whoever has the machine: the first one, and what replaces a lost
password.
"""

from __future__ import annotations

import secrets

from headway.core.access import identities_store, people_store, store, tokens
from headway.core.access.audit import note
from headway.core.access.model import Actor, Credential, CredentialKind, Role
from headway.core.access.passwords import looked_for
from headway.core.access.people_store import Person, Purpose
from headway.core.access.policy import Noun
from headway.core.access.reset import NoOwner
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, InvalidInput, NotFound

MADE = "link.made"
FIRST_COMMAND, RESET_COMMAND = "headway members link", "headway members reset-password"
_TOKEN_BYTES = 32


class HasPassword(Conflict):
    """The owner signs in already."""

    def __init__(self, sign_in_name: str) -> None:
        super().__init__(
            f"The owner has a password, and signs in as {sign_in_name}. Where it is lost: "
            f"{RESET_COMMAND} {sign_in_name}"
        )


def first(tx: Tx) -> str | None:
    """The token of the panel's first link, None where nobody needs one: somebody has a password, or there was a link
    before.
    """
    owner = store.first_owner(tx)
    if owner is None or people_store.has_passwords(tx) or people_store.had_links(tx):
        return None
    return _made(tx, Purpose.FIRST, owner[0])


def for_owner(tx: Tx) -> str:
    """The token of another first link, as long as the owner has no password. Raises NoOwner, HasPassword."""
    owner = store.first_owner(tx)
    person = None if owner is None else people_store.person_of(tx, owner[0])
    if person is None:
        raise NoOwner
    if person.sign_in_name is not None:
        raise HasPassword(person.sign_in_name)
    _tell(tx, person, FIRST_COMMAND)
    return _made(tx, Purpose.FIRST, person.user_id)


def for_person(tx: Tx, named: str, *, second_factor: bool) -> tuple[str, Person]:
    """The token of a link by which somebody sets another password, and who that is; with ``second_factor`` it takes
    that away too. They are named by what they sign in with, or by a mail address, an id or a name. Raises NotFound,
    InvalidInput where several are called so, Conflict for whoever signs in by the provider.
    """
    found = people_store.people_named(tx, named, looked_for(named))
    if not found:
        raise NotFound(f"Nobody signs in as {named}, and nobody has this mail address, id or name.")
    if len(found) > 1:
        ids = ", ".join(each.user_id for each in found)
        raise InvalidInput(f"Several people are called {named}; give a mail address or an id: {ids}.")
    (person,) = found
    if identities_store.is_known(tx, person.user_id):
        raise Conflict(
            f"{named} signs in by the provider (HEADWAY_OIDC_ISSUER), and has no password here: one would outlive it."
        )
    _tell(tx, person, RESET_COMMAND)
    return _made(tx, Purpose.RESET_ALL if second_factor else Purpose.RESET, person.user_id), person


def _made(tx: Tx, purpose: Purpose, user_id: str) -> str:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    people_store.add_link(tx, tokens.digest(token), purpose, user_id)
    return token


def _tell(tx: Tx, person: Person, command: str) -> None:
    machine = Actor(
        user_id=person.user_id,
        organization_id=person.organization_id,
        role=Role.of(person.role),
        credential=Credential(kind=CredentialKind.MACHINE, id="", name=command),
        name=command,
    )
    note(tx, machine, MADE, Noun.MEMBER, person.user_id)
