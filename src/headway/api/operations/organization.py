"""``organization.*``: organisations, the roles of their members, and invitations."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from headway.core.access.model import Grants, Role
from headway.core.access.policy import Missing, Noun
from headway.faces.http.inputs import Empty, Ids, Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.access import (
    GivenRow,
    InvitationRow,
    JoinedRow,
    ListedOrganizationRow,
    MemberRow,
    NewInvitationRow,
    NewOrganizationRow,
    OrganizationRow,
    given_row,
    invitation_row,
    joined_row,
    listed_organization_row,
    member_row,
    organization_row,
)

_THIRTY_DAYS = 30 * 24 * 3600
_ADDRESS = r"^[^@\s]{1,64}@[^@\s]{1,189}$"
RoleName = Literal["owner", "admin", "member"]


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("organization.all", "The caller's organisations", list[ListedOrganizationRow], Empty, _all),
        query("organization.one", "The caller's organisation", OrganizationRow, ById, _one),
        mutation("organization.create", "A new one, with a key to it", NewOrganizationRow, Create, _create),
        mutation("organization.update", "Another name or logo", OrganizationRow, Update, _update),
        mutation("organization.delete", "Remove an empty organisation", OrganizationRow, ById, _delete),
        query("organization.machine", "Who may use the machine", list[GivenRow], Empty, _machine),
        mutation("organization.grantMachine", "Give the machine to an organisation", GivenRow, Grant, _grant),
        mutation("organization.withdrawMachine", "Take the machine back", GivenRow, ById, _withdraw),
        mutation("organization.updateMemberRole", "What a member is", MemberRow, SetRole, _set_role),
        query("organization.allInvitations", "Invitations, newest first", list[InvitationRow], Empty, _invitations),
        mutation(
            "organization.inviteMember", "An invitation, whose token is shown once", NewInvitationRow, Invite, _invite
        ),
        mutation("organization.removeInvitation", "It counts no more", InvitationRow, ByInvitation, _remove_invitation),
        mutation(
            "organization.acceptInvitation",
            "Become a member, with a first key; needs no key",
            JoinedRow,
            Accept,
            _accept,
        ),
    )


class ById(Input):
    organization_id: Annotated[str, Field(min_length=1)]


class Create(Input):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    logo: str | None = None


class Update(ById, Create):
    pass


class Grant(ById):
    """``least`` is the lowest role that may use the machine there."""

    least: Literal["owner", "admin"] = "owner"


class SetRole(Input):
    member_id: Annotated[str, Field(min_length=1)]
    role: RoleName


class Invite(Input):
    """``expiresIn`` is in seconds, two days where it is not sent; what is accessed is given with the acceptance."""

    email: Annotated[str, Field(pattern=_ADDRESS)]
    role: RoleName
    expires_in: Annotated[int, Field(ge=60, le=_THIRTY_DAYS)] | None = None
    accessed_projects: Ids | None = None
    accessed_services: Ids | None = None
    organization_id: str | None = None


class ByInvitation(Input):
    invitation_id: Annotated[str, Field(min_length=1)]


class Accept(Input):
    token: Annotated[str, Field(min_length=1, max_length=128)]
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = None


async def _all(call: Call[Empty]) -> list[ListedOrganizationRow]:
    return [
        listed_organization_row(*each) for each in await call.platform.organizations.all(call.actor, call.permission)
    ]


async def _one(call: Call[ById]) -> OrganizationRow:
    return organization_row(
        await call.platform.organizations.one(call.actor, call.permission, call.input.organization_id)
    )


async def _create(call: Call[Create]) -> NewOrganizationRow:
    made, key = await call.platform.organizations.create(call.actor, call.permission, call.input.name, call.input.logo)
    return {**organization_row(made), "apiKey": key}


async def _update(call: Call[Update]) -> OrganizationRow:
    given = call.input
    return organization_row(
        await call.platform.organizations.update(
            call.actor, call.permission, given.organization_id, name=given.name, logo=given.logo
        )
    )


async def _delete(call: Call[ById]) -> OrganizationRow:
    return organization_row(
        await call.platform.organizations.delete(call.actor, call.permission, call.input.organization_id)
    )


async def _machine(call: Call[Empty]) -> list[GivenRow]:
    return [given_row(each) for each in await call.platform.organizations.machine(call.actor, call.permission)]


async def _grant(call: Call[Grant]) -> GivenRow:
    given = call.input
    least = Role.of(given.least)
    return given_row(
        await call.platform.organizations.grant_machine(call.actor, call.permission, given.organization_id, least)
    )


async def _withdraw(call: Call[ById]) -> GivenRow:
    return given_row(
        await call.platform.organizations.withdraw_machine(call.actor, call.permission, call.input.organization_id)
    )


async def _set_role(call: Call[SetRole]) -> MemberRow:
    given = call.input
    return member_row(
        await call.platform.members.set_role(call.actor, call.permission, given.member_id, Role.of(given.role))
    )


async def _invitations(call: Call[Empty]) -> list[InvitationRow]:
    return [invitation_row(each) for each in await call.platform.members.invitations(call.actor, call.permission)]


async def _invite(call: Call[Invite]) -> NewInvitationRow:
    given = call.input
    if given.organization_id not in {None, call.actor.organization_id}:
        raise Missing(Noun.ORGANIZATION)  # a key opens one, and nobody is let into another by mistake
    made, token = await call.platform.members.invite(
        call.actor,
        call.permission,
        given.email,
        Role.of(given.role),
        Grants(projects=frozenset(given.accessed_projects or ()), services=frozenset(given.accessed_services or ())),
        lasting=None if given.expires_in is None else timedelta(seconds=given.expires_in),
    )
    return {**invitation_row(made), "token": token}


async def _remove_invitation(call: Call[ByInvitation]) -> InvitationRow:
    return invitation_row(
        await call.platform.members.remove_invitation(call.actor, call.permission, call.input.invitation_id)
    )


async def _accept(call: Call[Accept]) -> JoinedRow:
    return joined_row(await call.platform.members.accept(call.input.token, call.input.name))
