"""The page of one member: role, what they were given, and the way to remove them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from headway.core.access.model import Role
from headway.features.access.pages.key_list import KEYS
from headway.features.access.pages.member_list import MEMBERS_PATH, REACH, access_of, roles_of
from headway.features.access.pages.reach import chosen, names, to_grant
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.access.api.rows import MemberRow

PATH = "/members/users/{userId}"
ONE: Asked[MemberRow] = Asked("user.one")
REMOVE, ASSIGN, SET_ROLE = "user.remove", "user.assignPermissions", "organization.updateMemberRole"


async def show(visit: Visit) -> View:
    """What somebody is, and may."""
    row = await visit.ask(ONE, userId=visit.path["userId"])
    return View(
        template="features/access/pages/member.html",
        values={
            "row": row,
            "access": access_of(row),
            "given": await _given(visit, row) if row["role"] == Role.MEMBER.word else [],
            "keys": [each for each in await visit.ask(KEYS) if each["userId"] == row["userId"]],
            "actions": _actions(visit, row),
        },
        title=_name(row),
    )


async def _given(visit: Visit, row: MemberRow) -> Sequence[Mapping[str, str]]:
    """What they were given, by its name."""
    projects, services = await to_grant(visit)
    whole, single = names(projects), names(services)
    return [
        *({"name": whole.get(each, each), "what": "the whole project"} for each in row["accessedProjects"]),
        *({"name": single.get(each, each), "what": "service", "id": each} for each in row["accessedServices"]),
    ]


def _actions(visit: Visit, row: MemberRow) -> Sequence[Mapping[str, object]]:
    """What is offered: nobody changes who is more than they are, nor themselves by the way, nor what somebody's groups
    set anew each time.
    """
    if row["userId"] == visit.actor.user_id or Role.of(row["role"]) > visit.actor.role:
        return ()
    here = f"{MEMBERS_PATH}/users/{row['userId']}"
    actions: list[Mapping[str, object]] = []
    if visit.may(SET_ROLE) and not row["byGroups"]:
        actions.append({"label": "Change the role", "href": f"{here}/role", "icon": "edit"})
    if visit.may(ASSIGN) and row["role"] == Role.MEMBER.word and not row["byGroups"]:
        actions.append({"label": "Change what they see", "href": f"{here}/access"})
    if visit.may(REMOVE):
        actions.append({"label": "Remove", "href": f"{here}/remove", "icon": "remove", "danger": True})
    return actions


async def _ask_role(visit: Visit) -> Question:
    row = await visit.ask(ONE, userId=visit.path["userId"])
    return Question(
        title=f"Change the role of “{_name(row)}”?",
        consequences=("It counts at once, for their sessions and their keys. What is running goes on.",),
        button="Change it",
        values={"role": row["role"]},
        more=roles_of(visit),
    )


async def _take_role(visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
    """The role that was chosen, of whom the address names."""
    row = await visit.ask(ONE, userId=visit.path["userId"])
    return {"memberId": row["id"], "role": typed.get("role", "")}


async def _ask_access(visit: Visit) -> Question:
    row = await visit.ask(ONE, userId=visit.path["userId"])
    projects, services = await to_grant(visit)
    return Question(
        title=f"What may “{_name(row)}” see?",
        consequences=(
            "Exactly this from now on; what is not chosen is not there for them.",
            "Of a project in which they see a service only, they know the name.",
        ),
        button="Give them this",
        more={
            "projects": [{"label": "", "options": projects}],
            "services": services,
            "chosen_projects": row["accessedProjects"],
            "chosen_services": row["accessedServices"],
        },
    )


async def _take_access(_visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
    return {name: chosen(typed, name) for name in REACH}


async def _ask(visit: Visit) -> Question:
    row = await visit.ask(ONE, userId=visit.path["userId"])
    return Question(
        title=f"Remove “{_name(row)}” from this organisation?",
        consequences=(
            (
                "Their keys and their sessions here end now, and what they follow."
                " Invitations of theirs that nobody has accepted count no more."
            ),
            "What they have deployed stays, and so does what the audit log says of them.",
            *(
                ("They come back with their next sign-in, for as long as a group of theirs is let in.",)
                * row["byGroups"]
            ),
        ),
        button="Remove them",
        danger=True,
    )


def _name(row: MemberRow) -> str:
    return cut(row["user"]["name"] or row["user"]["email"] or row["userId"], 120)


def _to_member(visit: Visit, _answer: object) -> str:
    return f"{MEMBERS_PATH}/users/{visit.path['userId']}"


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    forms={
        "role": Form(
            operation=lambda _visit: SET_ROLE,
            given=lambda _visit: {},
            asks=_ask_role,
            did=lambda _visit, answer: Flash(text=f"Their role is {cast('MemberRow', answer)['role']} now."),
            then=_to_member,
            fields={"role": Kind.TEXT},
            template="features/access/pages/role_fields.html",
            takes=_take_role,
        ),
        "access": Form(
            operation=lambda _visit: ASSIGN,
            given=lambda visit: {"id": visit.path["userId"]},
            asks=_ask_access,
            did=lambda _visit, answer: Flash(text=f"They see {access_of(cast('MemberRow', answer))} now."),
            then=_to_member,
            fields=dict.fromkeys(REACH, Kind.TEXT),
            template="features/access/pages/reach_fields.html",
            takes=_take_access,
        ),
        "remove": Form(
            operation=lambda _visit: REMOVE,
            given=lambda visit: {"userId": visit.path["userId"]},
            asks=_ask,
            did=lambda _visit, _answer: Flash(text="Removed: their keys and sessions have ended."),
            then=lambda _visit, _answer: MEMBERS_PATH,
        ),
    },
)
