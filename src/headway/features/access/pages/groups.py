"""The pages of the groups of a provider: what those have here who are in one, and the ways to change that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.core.access.model import Role
from headway.core.access.policy import Missing, Noun
from headway.features.access.pages.member_list import MEMBERS_PATH, roles_of
from headway.features.access.pages.reach import chosen, names, projects_of
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.access.api.groups import GroupRuleRow, GroupRulesRow

RULES: Asked[GroupRulesRow] = Asked("organization.groupRules")
SET, REMOVE = "organization.setGroupRule", "organization.removeGroupRule"
PATH, ONE_PATH = f"{MEMBERS_PATH}/groups", f"{MEMBERS_PATH}/groups/{{groupRuleId}}"
_FOLDER = "features/access/pages"
_NEXT = "It counts as of their next sign-in, which the provider asks them for within the time that a session lasts."

_NOT_NAMED = (
    "Whoever names a group is told who is in it. So an owner of the panel's first organisation who owns this one too "
    "lets one in for the first time, or any owner where this organisation may use the machine. What a group may do "
    "that was let in once is changed by any owner."
)


async def show(visit: Visit) -> View:
    """All groups that have something here."""
    found = await visit.ask(RULES)
    projects = names(await projects_of(visit, {each for rule in found["rules"] for each in rule["projects"]}))
    rules = [
        {"row": each, "href": f"{PATH}/{each['groupRuleId']}", "sees": _sees(each, projects)} for each in found["rules"]
    ]
    return View(
        template=f"{_FOLDER}/groups.html",
        values={
            "provider": found["provider"],
            "rules": rules,
            "new": f"{PATH}/add" if found["mayName"] and visit.may(SET) else None,
            "why": _NOT_NAMED,
        },
        title="Groups",
    )


async def show_one(visit: Visit) -> View:
    """One group."""
    row = await _row(visit)
    projects = names(await projects_of(visit, row["projects"]))
    values = {"row": row, "sees": _sees(row, projects), "href": f"{PATH}/{row['groupRuleId']}"}
    return View(template=f"{_FOLDER}/group.html", values=values, title=row["name"])


async def _row(visit: Visit) -> GroupRuleRow:
    """The group. Raises Missing."""
    for each in (await visit.ask(RULES))["rules"]:
        if each["groupRuleId"] == visit.path["groupRuleId"]:
            return each
    raise Missing(Noun.GROUP_RULE)


def _sees(row: GroupRuleRow, projects: Mapping[str, str]) -> str:
    if row["role"] != Role.MEMBER.word:
        return "everything"
    return ", ".join(projects.get(each, "a project that is gone") for each in row["projects"]) or "nothing yet"


async def _ask_add(visit: Visit) -> Question:
    if not (await visit.ask(RULES))["mayName"]:
        return Question(title="Let a group in", consequences=(_NOT_NAMED,), button="")
    return Question(
        title="Let a group in",
        consequences=(
            "Whoever signs in by the provider and is in this group belongs to this organisation, as long as they are.",
            "Of several groups the highest role counts, and all projects together.",
            "Whoever may put somebody into the group there decides who comes in here.",
        ),
        button="Let it in",
        values={"role": Role.MEMBER.word},
        more={**roles_of(visit), "projects": [{"label": "", "options": await projects_of(visit)}], "chosen": []},
    )


async def _ask_change(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"What may the group “{row['name']}” do?",
        consequences=(_NEXT,),
        button="Change it",
        values={"role": row["role"]},
        more={
            **roles_of(visit),
            "projects": [{"label": "", "options": await projects_of(visit, row["projects"])}],
            "chosen": row["projects"],
        },
    )


async def _ask_remove(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Let the group “{row['name']}” in no more?",
        consequences=(
            "Who has nothing here by another group is removed, with their keys and sessions. " + _NEXT,
            "To end what somebody can do at once, remove them from the members too.",
        ),
        button="Let it in no more",
        danger=True,
    )


async def _take(_visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
    return {"name": typed.get("name", ""), **_taken(typed)}


async def _take_change(visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
    return {"name": (await _row(visit))["name"], **_taken(typed)}


def _taken(typed: Mapping[str, str]) -> Mapping[str, object]:
    """The role and, of a member, the projects."""
    role = typed.get("role", "")
    return {"role": role, "projects": chosen(typed, "projects") if role == Role.MEMBER.word else []}


PAGE = Page(
    path=PATH,
    permission=RULES.name,
    show=show,
    forms={
        "add": Form(
            operation=lambda _visit: SET,
            given=lambda _visit: {},
            asks=_ask_add,
            did=lambda _visit, _answer: Flash(text="Whoever is in this group is let in."),
            then=lambda _visit, _answer: PATH,
            fields=dict.fromkeys(("name", "role", "projects"), Kind.TEXT),
            template=f"{_FOLDER}/group_fields.html",
            takes=_take,
            suggests=True,
        )
    },
)
ONE = Page(
    path=ONE_PATH,
    permission=RULES.name,
    show=show_one,
    forms={
        "change": Form(
            operation=lambda _visit: SET,
            given=lambda _visit: {},
            asks=_ask_change,
            did=lambda _visit, _answer: Flash(text="Changed, as of their next sign-in."),
            then=lambda visit, _answer: f"{PATH}/{visit.path['groupRuleId']}",
            fields=dict.fromkeys(("role", "projects"), Kind.TEXT),
            template=f"{_FOLDER}/group_fields.html",
            takes=_take_change,
        ),
        "remove": Form(
            operation=lambda _visit: REMOVE,
            given=lambda visit: {"groupRuleId": visit.path["groupRuleId"]},
            asks=_ask_remove,
            did=lambda _visit, _answer: Flash(text="The group is let in no more."),
            then=lambda _visit, _answer: PATH,
        ),
    },
)
