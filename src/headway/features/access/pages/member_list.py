"""The page of who belongs to the organisation and who is invited, and the way to invite somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from headway.core.access.model import Role
from headway.features.access.pages.reach import chosen, to_grant
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import plural

if TYPE_CHECKING:
    from headway.features.access.api.rows import CallerRow, InvitationRow, MemberFacts, MemberRow, NewInvitationRow

MEMBERS_PATH = "/members"
MEMBERS: Asked[list[MemberRow]] = Asked("user.all")
INVITATIONS: Asked[list[InvitationRow]] = Asked("organization.allInvitations")
ME: Asked[CallerRow] = Asked("user.get")
INVITE, GROUPS = "organization.inviteMember", "organization.groupRules"
REACH = ("accessedProjects", "accessedServices")
_FOLDER = "features/access/pages"
_HOUR = 3600

ROLES: Mapping[Role, str] = {
    Role.MEMBER: "looks at, deploys, starts and stops what they are given",
    Role.ADMIN: "everything here but owners, their keys and the machine",
    Role.OWNER: "everything, and to remove the organisation",
}
LASTING: Mapping[str, str] = {
    str(_HOUR): "an hour",
    str(48 * _HOUR): "two days",
    str(7 * 24 * _HOUR): "a week",
    str(30 * 24 * _HOUR): "thirty days",
}


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
                    "href": f"{MEMBERS_PATH}/users/{each['userId']}" if sees_all else None,
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
    actions: list[Mapping[str, object]] = []
    if visit.may(GROUPS):
        actions.append({"label": "Groups of the provider", "href": f"{MEMBERS_PATH}/groups"})
    if visit.may(INVITE):
        actions.append({"label": "Invite somebody", "href": f"{MEMBERS_PATH}/invite", "icon": "invite", "main": True})
    return actions


def roles_of(visit: Visit) -> Mapping[str, object]:
    """The roles that the caller may give, the lowest first, and what each of them may."""
    found = {each.word: text for each, text in ROLES.items() if each <= visit.actor.role}
    return {"roles": tuple(found), "about": "; ".join(f"{word}: {text}" for word, text in found.items()) + "."}


async def _ask_invite(visit: Visit) -> Question:
    projects, services = await to_grant(visit)
    return Question(
        title="Invite somebody",
        consequences=(
            (
                "You are shown a link once, and hand it on yourself: nothing is sent."
                " Whoever opens it first joins, with a name and a password of their own."
            ),
        ),
        button="Make the link",
        values={"role": Role.MEMBER.word, "expiresIn": str(48 * _HOUR)},
        more={
            **roles_of(visit),
            "lasting": [{"value": value, "label": label} for value, label in LASTING.items()],
            "projects": [{"label": "", "options": projects}],
            "services": services,
        },
    )


async def _take_invite(_visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
    """The input of what was typed. What an admin is given counts for nothing, and is left out."""
    given: dict[str, object] = {"email": typed.get("email", "").strip(), "role": typed.get("role", "")}
    if typed.get("expiresIn") in LASTING:
        given["expiresIn"] = int(typed["expiresIn"])
    if given["role"] == Role.MEMBER.word:
        given |= {name: chosen(typed, name) for name in REACH}
    return given


def _show_invited(_visit: Visit, answer: object) -> View:
    made = cast("NewInvitationRow", answer)
    values = {"row": made, "path": f"/invitation/{made['token']}", "href": f"{MEMBERS_PATH}/invitations/{made['id']}"}
    return View(template=f"{_FOLDER}/invitation_made.html", values=values, title="The invitation is made")


PAGE = Page(
    path=MEMBERS_PATH,
    permission=None,
    show=show,
    forms={
        "invite": Form(
            operation=lambda _visit: INVITE,
            given=lambda _visit: {},
            asks=_ask_invite,
            did=lambda _visit, _answer: Flash(text="Invited."),
            then=lambda _visit, _answer: MEMBERS_PATH,
            fields=dict.fromkeys(("email", "role", "expiresIn", *REACH), Kind.TEXT),
            template=f"{_FOLDER}/invitation_fields.html",
            takes=_take_invite,
            suggests=True,
            shows=_show_invited,
        )
    },
)
