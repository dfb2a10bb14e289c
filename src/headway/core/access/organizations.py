"""Use cases of organisations, which see nothing of each other."""

from __future__ import annotations

from headway.core.access import identities_store, machine_store, members_store, store
from headway.core.access.machine import may_use_the_machine
from headway.core.access.machine_store import Given
from headway.core.access.model import Actor, Member, Organization, Role, Terms
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.access.service import AccessService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, Forbidden, InvalidInput
from headway.kernel.ids import new_key


class NoLocalOwner(Conflict):
    """An organisation always has an owner whom no provider can take away."""

    def __init__(self) -> None:
        super().__init__(
            "You sign in by the provider, and the first owner of an organisation is somebody who has a password here. "
            "Have one of these make it."
        )


class OrganizationService:
    """The organisations of the caller."""

    def __init__(self, db: Database, access: AccessService) -> None:
        self._db = db
        self._access = access

    async def all(self, actor: Actor, permission: Permission) -> list[tuple[Organization, Member | None]]:
        """The organisations that the caller belongs to, each with what it is there; to a key that is good for less only
        its own.
        """
        permit(actor, permission, actor.organization_id)

        def read(tx: Tx) -> list[tuple[Organization, Member | None]]:
            found = members_store.organizations_of(tx, actor.user_id)
            return [
                (each, members_store.member_of_user(tx, each.organization_id, actor.user_id))
                for each in found
                if actor.terms.are_whole or each.organization_id == actor.organization_id
            ]

        return await self._db.read(read)

    async def one(self, actor: Actor, permission: Permission, organization_id: str) -> Organization:
        """The caller's organisation. Raises Missing for any other."""
        return await self._db.read(lambda tx: self._permitted(tx, actor, permission, organization_id))

    async def create(
        self, actor: Actor, permission: Permission, name: str, logo: str | None = None
    ) -> tuple[Organization, str]:
        """A new organisation, whose owner the caller is, and its first key there, for a key opens one organisation.
        Raises NoLocalOwner for whoever signs in by the provider.
        """
        permit(actor, permission, actor.organization_id)
        key = new_key()

        def write(tx: Tx) -> tuple[Organization, str]:
            if identities_store.is_known(tx, actor.user_id):
                raise NoLocalOwner
            organization_id = store.add_organization(tx, name)
            members_store.change_organization(tx, organization_id, logo=logo)
            store.add_member(tx, organization_id, actor.user_id, Role.OWNER)
            terms = Terms(rate=actor.terms.rate, expires_at=actor.terms.expires_at)
            where = {"user_id": actor.user_id, "organization_id": organization_id}
            store.add_key(tx, key, name="first key", terms=terms, **where)
            return _found(tx, organization_id), key

        return await self._db.run(write)

    async def update(
        self, actor: Actor, permission: Permission, organization_id: str, *, name: str, logo: str | None = None
    ) -> Organization:
        """The organisation with another name and, where one is given, another logo. Raises Missing."""

        def write(tx: Tx) -> Organization:
            found = self._permitted(tx, actor, permission, organization_id)
            members_store.change_organization(tx, organization_id, name=name, logo=logo or found.logo)
            return _found(tx, organization_id)

        return await self._db.run(write)

    async def delete(self, actor: Actor, permission: Permission, organization_id: str) -> Organization:
        """The organisation is no more, with its members and all of their keys. Raises Missing, and Conflict while it
        has anything else, and for the one that the machine belongs to, which nobody else gets by that.
        """

        def write(tx: Tx) -> Organization:
            found = self._permitted(tx, actor, permission, organization_id)
            if inside := members_store.contents_of(tx, organization_id):
                raise Conflict(f'The organisation "{found.name}" still has {", ".join(inside)}. Remove these first.')
            if organization_id == machine_store.first_organization(tx):
                raise Conflict("The machine belongs to this organisation: it stays for as long as the panel does.")
            members_store.remove_organization(tx, organization_id)
            tx.after(self._access.forget)
            return found

        return await self._db.run(write)

    async def machine(self, actor: Actor, permission: Permission) -> list[Given]:
        """Who has the machine: to those who may give it every organisation, to others their own."""
        permit(actor, permission, actor.organization_id)

        def read(tx: Tx) -> list[Given]:
            return machine_store.given(tx, None if _gives(tx, actor) else actor.organization_id)

        return await self._db.read(read)

    async def grant_machine(self, actor: Actor, permission: Permission, organization_id: str, least: Role) -> Given:
        """Gives the machine to those of an organisation who have the role ``least``, or a higher one. Raises Missing,
        Forbidden, InvalidInput.
        """
        if least < Role.ADMIN:
            raise InvalidInput("The machine is given to owners, or to owners and admins.")

        def write(tx: Tx) -> Given:
            self._require_giver(tx, actor, permission, organization_id)
            machine_store.grant(tx, actor, organization_id, least)
            tx.after(self._access.forget)
            return machine_store.given(tx, organization_id)[0]

        return await self._db.run(write)

    async def withdraw_machine(self, actor: Actor, permission: Permission, organization_id: str) -> Given:
        """Takes the machine back: what runs goes on, and is not started again. Raises Missing, Forbidden."""

        def write(tx: Tx) -> Given:
            self._require_giver(tx, actor, permission, organization_id)
            machine_store.withdraw(tx, actor, organization_id)
            tx.after(self._access.forget)
            return machine_store.given(tx, organization_id)[0]

        return await self._db.run(write)

    def _require_giver(self, tx: Tx, actor: Actor, permission: Permission, organization_id: str) -> None:
        """Whoever gives the machine owns it, and knows other organisations for that alone."""
        gives = _gives(tx, actor)
        permit(actor, permission, actor.organization_id if gives else organization_id)
        if not gives:
            raise Forbidden(
                "The machine is given and taken back by an owner of the panel's first organisation, with a key for all "
                "projects."
            )
        _found(tx, organization_id)

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, organization_id: str) -> Organization:
        permit(actor, permission, organization_id)
        return _found(tx, organization_id)


def _gives(tx: Tx, actor: Actor) -> bool:
    owns = actor.role is Role.OWNER and actor.organization_id == machine_store.first_organization(tx)
    return owns and may_use_the_machine(actor)


def _found(tx: Tx, organization_id: str) -> Organization:
    found = members_store.find_organization(tx, organization_id)
    if found is None:
        raise Missing(Noun.ORGANIZATION)
    return found
