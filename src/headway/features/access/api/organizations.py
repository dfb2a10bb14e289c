"""``organization.*``: organisations, the roles of their members, and invitations."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from headway.api.inputs import Empty, Ids, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.members import MemberService
from headway.core.access.model import Grants, Role, Scope
from headway.core.access.organizations import OrganizationService
from headway.core.access.policy import Missing, Noun
from headway.features.access.api.rows import (
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
from headway.kernel.dataclass import dataclass

_THIRTY_DAYS = 30 * 24 * 3600
_ADDRESS = r"^[^@\s]{1,64}@[^@\s]{1,189}$"
RoleName = Literal["owner", "admin", "member"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationNeeds:
    """What these operations need."""

    members: MemberService
    organizations: OrganizationService


router = Router[OrganizationNeeds](
    "organization", "Organisations, their members and invitations", resource=Noun.ORGANIZATION, in_project=False
)


class OrganizationById(Input):
    organization_id: Annotated[str, Field(min_length=1)]


class CreateOrganization(Input):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    logo: str | None = None


class UpdateOrganization(OrganizationById, CreateOrganization):
    pass


class Grant(OrganizationById):
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


@router.query("all", least=Role.MEMBER, scope=Scope.READ)
async def all_(needs: OrganizationNeeds, call: Call[Empty]) -> list[ListedOrganizationRow]:
    """The caller's organisations."""
    return [listed_organization_row(*each) for each in await needs.organizations.all(call.actor, call.permission)]


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(needs: OrganizationNeeds, call: Call[OrganizationById]) -> OrganizationRow:
    """The caller's organisation."""
    return organization_row(await needs.organizations.one(call.actor, call.permission, call.input.organization_id))


@router.mutation("create", least=Role.OWNER, scope=Scope.ADMIN, careful=True)
async def create(needs: OrganizationNeeds, call: Call[CreateOrganization]) -> NewOrganizationRow:
    """A new one, with a key to it."""
    made, key = await needs.organizations.create(call.actor, call.permission, call.input.name, call.input.logo)
    return {**organization_row(made), "apiKey": key}


@router.mutation("update", least=Role.OWNER, scope=Scope.ADMIN)
async def update(needs: OrganizationNeeds, call: Call[UpdateOrganization]) -> OrganizationRow:
    """Another name or logo."""
    given = call.input
    return organization_row(
        await needs.organizations.update(
            call.actor, call.permission, given.organization_id, name=given.name, logo=given.logo
        )
    )


@router.mutation("delete", least=Role.OWNER, scope=Scope.ADMIN, careful=True)
async def delete(needs: OrganizationNeeds, call: Call[OrganizationById]) -> OrganizationRow:
    """Remove an empty organisation."""
    return organization_row(await needs.organizations.delete(call.actor, call.permission, call.input.organization_id))


@router.query("machine", least=Role.ADMIN, scope=Scope.READ)
async def machine(needs: OrganizationNeeds, call: Call[Empty]) -> list[GivenRow]:
    """Who may use the machine."""
    return [given_row(each) for each in await needs.organizations.machine(call.actor, call.permission)]


@router.mutation("grantMachine", least=Role.OWNER, scope=Scope.ADMIN, careful=True)
async def grant(needs: OrganizationNeeds, call: Call[Grant]) -> GivenRow:
    """Give the machine to an organisation."""
    given = call.input
    least = Role.of(given.least)
    return given_row(await needs.organizations.grant_machine(call.actor, call.permission, given.organization_id, least))


@router.mutation("withdrawMachine", least=Role.OWNER, scope=Scope.ADMIN, careful=True)
async def withdraw(needs: OrganizationNeeds, call: Call[OrganizationById]) -> GivenRow:
    """Take the machine back."""
    return given_row(
        await needs.organizations.withdraw_machine(call.actor, call.permission, call.input.organization_id)
    )


@router.mutation("updateMemberRole", least=Role.ADMIN, scope=Scope.ADMIN, resource=Noun.MEMBER, careful=True)
async def set_role(needs: OrganizationNeeds, call: Call[SetRole]) -> MemberRow:
    """What a member is."""
    given = call.input
    return member_row(await needs.members.set_role(call.actor, call.permission, given.member_id, Role.of(given.role)))


@router.query("allInvitations", least=Role.ADMIN, scope=Scope.READ, resource=Noun.INVITATION)
async def invitations(needs: OrganizationNeeds, call: Call[Empty]) -> list[InvitationRow]:
    """Invitations, newest first."""
    return [invitation_row(each) for each in await needs.members.invitations(call.actor, call.permission)]


@router.mutation("inviteMember", least=Role.ADMIN, scope=Scope.ADMIN, resource=Noun.INVITATION, careful=True)
async def invite(needs: OrganizationNeeds, call: Call[Invite]) -> NewInvitationRow:
    """An invitation, whose token is shown once."""
    given = call.input
    if given.organization_id not in {None, call.actor.organization_id}:
        raise Missing(Noun.ORGANIZATION)  # a key opens one, and nobody is let into another by mistake
    made, token = await needs.members.invite(
        call.actor,
        call.permission,
        given.email,
        Role.of(given.role),
        Grants(projects=frozenset(given.accessed_projects or ()), services=frozenset(given.accessed_services or ())),
        lasting=None if given.expires_in is None else timedelta(seconds=given.expires_in),
    )
    return {**invitation_row(made), "token": token}


@router.mutation("removeInvitation", least=Role.ADMIN, scope=Scope.ADMIN, resource=Noun.INVITATION, careful=True)
async def remove_invitation(needs: OrganizationNeeds, call: Call[ByInvitation]) -> InvitationRow:
    """It counts no more."""
    return invitation_row(await needs.members.remove_invitation(call.actor, call.permission, call.input.invitation_id))


@router.mutation("acceptInvitation", least=Role.GUEST, scope=None, resource=Noun.INVITATION)
async def accept(needs: OrganizationNeeds, call: Call[Accept]) -> JoinedRow:
    """Become a member, with a first key; needs no key."""
    return joined_row(await needs.members.accept(call.input.token, call.input.name))
