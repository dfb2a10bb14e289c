"""Use cases of organisations, which see nothing of each other."""

from __future__ import annotations

from headway.core.access import members_store, store
from headway.core.access.model import Actor, Organization, Role, Scope, Terms
from headway.core.access.policy import Missing, Noun, permit
from headway.core.access.service import AccessService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict
from headway.kernel.ids import new_key


class OrganizationService:
    """The organisations of the caller."""

    def __init__(self, db: Database, access: AccessService) -> None:
        self._db = db
        self._access = access

    async def all(self, actor: Actor) -> list[Organization]:
        """The organisations that the caller belongs to; to a key that is good for less only its own."""
        permit(actor, "organization.all", actor.organization_id)
        found = await self._db.read(lambda tx: members_store.organizations_of(tx, actor.user_id))
        whole = actor.terms.hold(Scope.ADMIN) and actor.terms.projects is None
        return [each for each in found if whole or each.organization_id == actor.organization_id]

    async def one(self, actor: Actor, organization_id: str) -> Organization:
        """The caller's organisation. Raises Missing for any other."""
        return await self._db.read(lambda tx: self._permitted(tx, actor, organization_id, "organization.one"))

    async def create(self, actor: Actor, name: str, logo: str | None = None) -> tuple[Organization, str]:
        """A new organisation, whose owner the caller is, and its first key there, for a key opens one organisation."""
        permit(actor, "organization.create", actor.organization_id)
        key = new_key()

        def write(tx: Tx) -> tuple[Organization, str]:
            organization_id = store.add_organization(tx, name)
            members_store.change_organization(tx, organization_id, logo=logo)
            store.add_member(tx, organization_id, actor.user_id, Role.OWNER)
            terms = Terms(rate=actor.terms.rate, expires_at=actor.terms.expires_at)
            where = {"user_id": actor.user_id, "organization_id": organization_id}
            store.add_key(tx, key, name="first key", terms=terms, **where)
            return _found(tx, organization_id), key

        return await self._db.run(write)

    async def update(self, actor: Actor, organization_id: str, *, name: str, logo: str | None = None) -> Organization:
        """The organisation with another name and, where one is given, another logo. Raises Missing."""

        def write(tx: Tx) -> Organization:
            found = self._permitted(tx, actor, organization_id, "organization.update")
            members_store.change_organization(tx, organization_id, name=name, logo=logo or found.logo)
            return _found(tx, organization_id)

        return await self._db.run(write)

    async def delete(self, actor: Actor, organization_id: str) -> Organization:
        """The organisation is no more, with its members and all of their keys. Raises Missing, and Conflict while it
        has anything else, or where it is the only one.
        """

        def write(tx: Tx) -> Organization:
            found = self._permitted(tx, actor, organization_id, "organization.delete")
            if inside := members_store.contents_of(tx, organization_id):
                raise Conflict(f'The organisation "{found.name}" still has {", ".join(inside)}. Remove these first.')
            if members_store.is_last_organization(tx):
                raise Conflict("This is the only organisation of this panel, and one there must be.")
            members_store.remove_organization(tx, organization_id)
            tx.after(self._access.forget)
            return found

        return await self._db.run(write)

    def _permitted(self, tx: Tx, actor: Actor, organization_id: str, procedure: str) -> Organization:
        permit(actor, procedure, organization_id)
        return _found(tx, organization_id)


def _found(tx: Tx, organization_id: str) -> Organization:
    found = members_store.find_organization(tx, organization_id)
    if found is None:
        raise Missing(Noun.ORGANIZATION)
    return found
