"""The page of who belongs to the organisation and who is invited, and the way to invite somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import plural

if TYPE_CHECKING:
    from headway.features.access.api.rows import CallerRow, InvitationRow, MemberFacts, MemberRow

PATH = "/members"
MEMBERS: Asked[list[MemberRow]] = Asked("user.all")
INVITATIONS: Asked[list[InvitationRow]] = Asked("organization.allInvitations")
ME: Asked[CallerRow] = Asked("user.get")
INVITE = "organization.inviteMember"


async def show(visit: Visit) -> View:
    """Everybody, to who may see that; to others what they are themselves."""
    sees_all = visit.may(MEMBERS.name)
    members = await _members(visit, sees_all=sees_all)
    invitations = await visit.ask(INVITATIONS) if visit.may(INVITATIONS.name) else []
    return View(
        template="features/access/pages/member_list.html",
        values={
            "members": [
                {
                    "row": each,
                    "access": access_of(each),
                    "href": f"{PATH}/users/{each['userId']}" if sees_all else None,
                    "is_me": each["userId"] == visit.actor.user_id,
                }
                for each in members
            ],
            "invitations": [each for each in invitations if each["status"] == "pending"],
            "actions": _actions(visit),
            "sees_all": sees_all,
        },
        title="Members",
    )


async def _members(visit: Visit, *, sees_all: bool) -> Sequence[MemberRow | CallerRow]:
    if sees_all:
        return await visit.ask(MEMBERS)
    me: CallerRow = await visit.ask(ME)
    return [me]


def access_of(member: MemberFacts) -> str:
    """What somebody may see, in words."""
    if member["role"] != "member":
        return "everything"
    projects, services = len(member["accessedProjects"]), len(member["accessedServices"])
    told = [plural(projects, "project")] if projects else []
    told += [plural(services, "service")] if services else []
    return ", ".join(told) or "nothing yet"


def _actions(visit: Visit) -> Sequence[Mapping[str, object]]:
    if not visit.may(INVITE):
        return ()
    return (
        {"label": "Invite a member", "href": f"{PATH}/invite", "icon": "invite", "main": True},
        {"label": "Invite an admin", "href": f"{PATH}/invite-admin", "icon": "invite"},
    )


def _invite(role: str, sees: str) -> Form:
    async def ask(_visit: Visit) -> Question:
        return Question(
            title=f"Invite {'an admin' if role == 'admin' else 'a member'}",
            consequences=(
                f"Whoever has the link joins as {role} and {sees}.",
                "You are shown the link once, and hand it on yourself: nothing is sent. It lasts two days.",
            ),
            button="Make the link",
        )

    def did(_visit: Visit, answer: object) -> Flash:
        token = answer["token"] if isinstance(answer, dict) else ""
        return Flash(text=f"Invited. Hand on this panel's address with this path behind it: /invitation/{token}")

    return Form(
        operation=lambda _visit: INVITE,
        given=lambda _visit: {"role": role},
        asks=ask,
        did=did,
        then=lambda _visit, _answer: PATH,
        fields={"email": Kind.TEXT},
    )


PAGE = Page(
    path=PATH,
    permission=None,
    show=show,
    forms={
        "invite": _invite("member", "sees what they are given then (headway members access)"),
        "invite-admin": _invite("admin", "sees and changes everything in this organisation"),
    },
)
