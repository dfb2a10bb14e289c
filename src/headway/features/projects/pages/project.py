"""The page of one project: its environments with what lies in them, its shared variables, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.projects.pages.environment_services import inside
from headway.features.projects.pages.project_list import DESCRIPTION, NAME, PROJECTS_PATH, services_of_project
from headway.kernel.veil import MARK
from headway.pages.entries import TEMPLATE, Entry, Look, fields_of, takes
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.shown_variables import names_in, shown_text
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.projects.api.rows import ProjectContents

PATH = "/projects/{projectId}"
ONE: Asked[ProjectContents] = Asked("project.one")
UPDATE, REMOVE, ADD = "project.update", "project.remove", "environment.create"
VARIABLES = Entry(
    name="env",
    label="Variables",
    look=Look.AREA,
    hint=f"One NAME=value on a line. {MARK} stands for a value that is kept: leave it, and the value stays as it is.",
    empties=True,
)
_RENAMED = (NAME, Entry(name="description", label="Description", empties=True))


async def show(visit: Visit) -> View:
    """The whole of it."""
    project = await _project(visit)
    is_empty = not services_of_project(project)
    return View(
        template="features/projects/pages/project.html",
        values={
            **await _services(visit, project),
            "variables": names_in(project["env"]),
            "actions": _actions(visit, is_empty=is_empty),
            "holds_services": not is_empty and visit.may(REMOVE),
            "may_change": visit.may(UPDATE),
            "adds": visit.may(ADD),
        },
        title=project["name"],
    )


async def services(visit: Visit) -> View:
    """What lies in its environments, and how that stands."""
    project = await _project(visit)
    values, template = await _services(visit, project), "features/projects/pages/project_services.html"
    return View(template=template, values=values, title=project["name"])


async def _services(visit: Visit, project: ProjectContents) -> Mapping[str, object]:
    environments, here = project["environments"], f"{PROJECTS_PATH}/{project['projectId']}"
    found = await inside(visit, environments)
    return {
        "project": project,
        "environments": [{"row": row, "inside": lies} for row, lies in zip(environments, found, strict=True)],
        "address": here,
        "new": visit.may("application.create"),
        "services_pull": f"{here}/-/services",
        "live": any(each.is_live for each in found),
    }


async def _project(visit: Visit) -> ProjectContents:
    project: ProjectContents = await visit.ask(ONE, projectId=visit.path["projectId"])
    return project


def _actions(visit: Visit, *, is_empty: bool) -> Sequence[Mapping[str, object]]:
    here = f"{PROJECTS_PATH}/{visit.path['projectId']}"
    found: list[Mapping[str, object]] = []
    if visit.may(UPDATE):
        found.append({"label": "Rename", "href": f"{here}/rename", "icon": "edit"})
    if visit.may(REMOVE) and is_empty:
        found.append({"label": "Remove", "href": f"{here}/remove", "icon": "remove", "danger": True})
    return found


def _by_id(visit: Visit) -> Mapping[str, object]:
    return {"projectId": visit.path["projectId"]}


def _here(visit: Visit, _answer: object) -> str:
    return f"{PROJECTS_PATH}/{visit.path['projectId']}"


async def _ask_rename(visit: Visit) -> Question:
    project = await _project(visit)
    return Question(
        title=f"Rename “{cut(project['name'], 120)}”",
        consequences=("Addresses and what is deployed stay as they are.",),
        button="Save",
        values={"name": project["name"], "description": project["description"] or ""},
        more={"entries": _RENAMED},
    )


async def _ask_variables(visit: Visit) -> Question:
    project = await _project(visit)
    return Question(
        title=f"Variables of “{cut(project['name'], 120)}”",
        consequences=(
            "All services of the project can take them: NAME=${{project.NAME}} among a service's own variables.",
            "What serves keeps those that it was started with until its next deployment.",
        ),
        button="Save",
        values={"env": shown_text(project["env"])},
        more={"entries": (VARIABLES,)},
    )


async def _ask_remove(visit: Visit) -> Question:
    project = await _project(visit)
    names = ", ".join(cut(each["name"], 60) for each in project["environments"][:20])
    held = [cut(each["name"], 60) for each in services_of_project(project)]
    holds = (f"It still holds {', '.join(held[:20])}: remove these first, for this will be refused.",) if held else ()
    return Question(
        title=f"Remove “{cut(project['name'], 120)}”?",
        consequences=(*holds, f"Its environments go: {names}.", "The variables that they and it share go too."),
        button="Remove it",
        danger=True,
        typed=project["name"].strip(),
    )


async def _ask_add(visit: Visit) -> Question:
    project = await _project(visit)
    return Question(
        title=f"New environment of “{cut(project['name'], 120)}”",
        consequences=("It is empty, and has variables of its own.",),
        button="Make it",
        more={"entries": (NAME, DESCRIPTION)},
    )


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    parts={"services": services},
    topics=lambda _visit: ("services",),
    forms={
        "rename": Form(
            operation=lambda _visit: UPDATE,
            given=_by_id,
            asks=_ask_rename,
            did=lambda _visit, _answer: Flash(text="Saved."),
            then=_here,
            fields=fields_of(_RENAMED),
            template=TEMPLATE,
            takes=takes(_RENAMED),
        ),
        "variables": Form(
            operation=lambda _visit: UPDATE,
            given=_by_id,
            asks=_ask_variables,
            did=lambda _visit, _answer: Flash(text="Saved. Services take them with their next deployment."),
            then=_here,
            fields=fields_of((VARIABLES,)),
            template=TEMPLATE,
            takes=takes((VARIABLES,)),
            whole=True,
        ),
        "add-environment": Form(
            operation=lambda _visit: ADD,
            given=_by_id,
            asks=_ask_add,
            did=lambda _visit, _answer: Flash(text="Made. No service is in it yet."),
            then=_here,
            fields=fields_of((NAME, DESCRIPTION)),
            template=TEMPLATE,
            takes=takes((NAME, DESCRIPTION)),
        ),
        "remove": Form(
            operation=lambda _visit: REMOVE,
            given=_by_id,
            asks=_ask_remove,
            did=lambda _visit, _answer: Flash(text="Removed, with its environments."),
            then=lambda _visit, _answer: PROJECTS_PATH,
        ),
    },
)
