"""Use cases of members and invitations: who belongs to an organisation, what they are in it and what they are given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from headway.core.access import members_store, store, tokens
from headway.core.access.keys import USUAL_RATE
from headway.core.access.members_store import PENDING
from headway.core.access.model import Actor, Grants, Invitation, Joined, Member, Role, Terms
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.access.service import AccessService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, Forbidden
from headway.kernel.ids import new_id, new_key

INVITED_FOR = timedelta(days=2)


class LastOwner(Conflict):
    """An organisation always has an owner."""

    def __init__(self) -> None:
        super().__init__("This is the organisation's last owner. Make somebody else an owner first.")


class SetByGroups(Conflict):
    """What somebody is follows their groups at the provider: what was changed here would not last."""

    def __init__(self) -> None:
        super().__init__(
            "What they are here is set by their groups each time that they sign in by the provider. Change what the "
            "group may do, or remove them."
        )


class MemberService:
    """The people of an organisation."""

    def __init__(self, db: Database, access: AccessService) -> None:
        self._db = db
        self._access = access

    async def all(self, actor: Actor, permission: Permission) -> list[Member]:
        """Everybody in the caller's organisation."""
        permit(actor, permission, actor.organization_id)
        return await self._db.read(lambda tx: members_store.members_of(tx, actor.organization_id))

    async def me(self, actor: Actor, permission: Permission) -> Member:
        """The caller."""
        return await self._db.read(lambda tx: self._member(tx, actor, permission, actor.user_id))

    async def one(self, actor: Actor, permission: Permission, user_id: str) -> Member:
        """Somebody in the caller's organisation. Raises Missing."""
        return await self._db.read(lambda tx: self._member(tx, actor, permission, user_id))

    async def assign(
        self,
        actor: Actor,
        permission: Permission,
        user_id: str,
        *,
        projects: frozenset[str] | None,
        services: frozenset[str] | None,
        passive: Mapping[str, Any],
    ) -> Member:
        """What a member is given; None leaves it as it is. Raises Missing for what the organisation has not, Forbidden
        for who is more than the caller, and SetByGroups.
        """

        def write(tx: Tx) -> Member:
            member = self._member(tx, actor, permission, user_id)
            require_rank(actor, member.role)
            _require_by_hand(member)
            given = Grants(
                projects=member.grants.projects if projects is None else projects,
                services=member.grants.services if services is None else services,
            )
            require_there(tx, actor.organization_id, given)
            store.give(tx, member.member_id, given)
            members_store.set_passive(tx, member.member_id, {**member.passive, **passive})
            tx.after(lambda: self._access.changed(member.user_id))
            return self._member(tx, actor, permission, user_id)

        return await self._db.run(write)

    async def set_role(self, actor: Actor, permission: Permission, member_id: str, role: Role) -> Member:
        """What a member is from now on. Nobody makes anybody more than they are themselves. Raises Missing, Forbidden,
        LastOwner, SetByGroups.
        """

        def write(tx: Tx) -> Member:
            tx.lock(_lock(actor))
            member = members_store.find_member(tx, member_id)
            if member is None:
                raise Missing(Noun.MEMBER)
            permit(actor, permission, member.organization_id)
            require_rank(actor, member.role)
            require_rank(actor, role)
            require_lasting(actor, role)
            _require_by_hand(member)
            if role is not Role.OWNER:
                _require_another_owner(tx, member)
            members_store.set_role(tx, member_id, role)
            tx.after(lambda: self._access.changed(member.user_id))
            return self._member(tx, actor, permission, member.user_id)

        return await self._db.run(write)

    async def remove(self, actor: Actor, permission: Permission, user_id: str) -> Member:
        """Somebody belongs to the organisation no more, and none of their keys works from now on. Raises Missing,
        Forbidden, LastOwner.
        """

        def write(tx: Tx) -> Member:
            tx.lock(_lock(actor))
            member = self._member(tx, actor, permission, user_id)
            require_rank(actor, member.role)
            _require_another_owner(tx, member)
            members_store.remove_member(tx, member)
            tx.after(lambda: self._access.changed(member.user_id))
            return member

        return await self._db.run(write)

    async def invite(
        self,
        actor: Actor,
        permission: Permission,
        email: str,
        role: Role,
        grants: Grants,
        *,
        lasting: timedelta | None = None,
    ) -> tuple[Invitation, str]:
        """An invitation and its token, which nobody can be told again; it counts no longer than the key that made
        it, where one did.
        Raises Forbidden for a higher role than the caller's, or than member by a key that ends; Missing for what the
        organisation has not, Conflict where somebody with that address is in it.
        """
        permit(actor, permission, actor.organization_id)
        require_rank(actor, role)
        require_lasting(actor, role)
        email, token = email.lower(), new_key()

        def write(tx: Tx) -> tuple[Invitation, str]:
            if any(member.email == email for member in members_store.members_of(tx, actor.organization_id)):
                raise Conflict(f"{email} belongs to this organisation already.")
            require_there(tx, actor.organization_id, grants)
            invitation = Invitation(
                invitation_id=new_id(),
                organization_id=actor.organization_id,
                inviter_id=actor.user_id,
                email=email,
                role=role,
                grants=grants,
                status=PENDING,
                expires_at=_earlier(tx.now + (INVITED_FOR if lasting is None else lasting), actor.terms.expires_at),
                created_at=tx.now,
            )
            members_store.add_invitation(tx, invitation, tokens.digest(token), actor.api_key_id)
            return invitation, token

        return await self._db.run(write)

    async def invitations(self, actor: Actor, permission: Permission) -> list[Invitation]:
        """The organisation's invitations, the newest first."""
        permit(actor, permission, actor.organization_id)
        return await self._db.read(lambda tx: members_store.invitations_of(tx, actor.organization_id))

    async def remove_invitation(self, actor: Actor, permission: Permission, invitation_id: str) -> Invitation:
        """The invitation counts no more. Raises Missing."""

        def write(tx: Tx) -> Invitation:
            found = members_store.find_invitation(tx, invitation_id)
            if found is None:
                raise Missing(Noun.INVITATION)
            permit(actor, permission, found.organization_id)
            members_store.remove_invitation(tx, invitation_id)
            return found

        return await self._db.run(write)

    async def accept(self, token: str, name: str | None = None) -> Joined:
        """Whoever has an invitation's token becomes a member, with a first key. Raises Missing where the token is
        none, was used or has expired, and where the inviter or the key that made it could not make it any more.
        """
        key = new_key()

        def write(tx: Tx) -> Joined:
            found, user_id = let_in(tx, token, name)
            terms = Terms(rate=USUAL_RATE)
            where = {"user_id": user_id, "organization_id": found.organization_id}
            store.add_key(tx, key, name="first key", terms=terms, **where)
            actor = store.actor_of(tx, tokens.digest(key))
            if actor is None:
                raise Missing(Noun.INVITATION)
            return Joined(invitation_id=found.invitation_id, actor=actor, key=key)

        return await self._db.run(write)

    def _member(self, tx: Tx, actor: Actor, permission: Permission, user_id: str) -> Member:
        member = members_store.member_of_user(tx, actor.organization_id, user_id)
        if member is None:
            raise Missing(Noun.MEMBER)
        permit(actor, permission, member.organization_id)
        return member


def is_invited(tx: Tx, token: str) -> bool:
    """Whether this is the token of an invitation that can be accepted now. Uses nothing up."""
    found = members_store.waiting_invitation(tx, tokens.digest(token))
    return found is not None and _stands(tx, found)


def let_in(tx: Tx, token: str, name: str | None) -> tuple[Invitation, str]:
    """The invitation with this token, which is used up, and the user that its holder is from now on. Raises Missing."""
    found = members_store.take_invitation(tx, tokens.digest(token))
    if found is None or not _stands(tx, found):
        raise Missing(Noun.INVITATION)
    user_id = store.add_user(tx, name or found.email.partition("@")[0], found.email)
    member_id = store.add_member(tx, found.organization_id, user_id, found.role)
    store.give(tx, member_id, found.grants)
    return found, user_id


def _lock(actor: Actor) -> str:
    return f"access.owners.{actor.organization_id}"


def require_there(tx: Tx, organization_id: str, given: Grants) -> None:
    """Raises Missing for what the organisation has not."""
    if given.projects - store.projects_among(tx, organization_id, given.projects):
        raise Missing(Noun.PROJECT)
    if given.services - store.service_projects(tx, organization_id, given.services).keys():
        raise Missing(Noun.SERVICE)


def require_rank(actor: Actor, role: Role) -> None:
    if role > actor.role:
        raise Forbidden(f"Only who has the role {role.word} may do this; yours is {actor.role.word}.")


def require_lasting(actor: Actor, role: Role) -> None:
    if role > Role.MEMBER and actor.terms.expires_at is not None:
        raise Forbidden(f"A key that ends makes nobody {role.word}, which would outlast it. Use one without an end.")


def _stands(tx: Tx, invitation: Invitation) -> bool:
    """Whether the inviter still is what it takes."""
    inviter = members_store.member_of_user(tx, invitation.organization_id, invitation.inviter_id)
    return inviter is not None and inviter.role >= max(Role.ADMIN, invitation.role)


def _earlier(wanted: datetime, bound: datetime | None) -> datetime:
    return wanted if bound is None else min(wanted, bound)


def _require_by_hand(member: Member) -> None:
    if member.by_groups:
        raise SetByGroups


def _require_another_owner(tx: Tx, member: Member) -> None:
    """A local owner always stays: those whom groups have made owners do not count."""
    if member.role is Role.OWNER and not member.by_groups and members_store.owners(tx, member.organization_id) == 1:
        raise LastOwner
