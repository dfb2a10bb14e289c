"""The page of one environment of a project: what lies in it, its variables, and how it is made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.projects.pages.environment_services import inside
from headway.features.projects.pages.project import VARIABLES
from headway.features.projects.pages.project_list import DESCRIPTION, NAME, PROJECTS_PATH, services_of
from headway.pages.entries import TEMPLATE, Entry, fields_of, takes
from headway.pages.forms import Flash, Form, Question
from headway.pages.list_view import AFTER, list_address
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.shown_variables import names_in, shown_text
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.projects.api.rows import EnvironmentInProject

PATH = "/projects/{projectId}/environments/{environmentId}"
ONE: Asked[EnvironmentInProject] = Asked("environment.one")
UPDATE, REMOVE, COPY = "environment.update", "environment.remove", "project.duplicate"
_RENAMED = (NAME, Entry(name="description", label="Description", empties=True))


async def show(visit: Visit) -> View:
    """The whole of it."""
    environment = await _environment(visit)
    return View(
        template="features/projects/pages/environment.html",
        values={
            **await _services(visit, environment),
            "variables": names_in(environment["env"]),
            "address": _here(visit),
            "actions": _actions(visit, environment, is_empty=not services_of(environment)),
            "may_change": visit.may(UPDATE),
        },
        title=environment["name"],
    )


async def services(visit: Visit) -> View:
    """What lies in it, and how that stands."""
    environment = await _environment(visit)
    values = await _services(visit, environment)
    template = "features/projects/pages/environment_services.html"
    return View(template=template, values=values, title=environment["name"])


async def _services(visit: Visit, environment: EnvironmentInProject) -> Mapping[str, object]:
    (lies_there,) = await inside(visit, [environment], visit.query.get(AFTER, ""))
    here = _here(visit)
    new = {"label": "New service", "href": f"/new?environment={environment['environmentId']}", "icon": "new"}
    return {
        "environment": environment,
        "lies_there": lies_there,
        "newest": here if lies_there.after else None,
        "older": list_address(here, {AFTER: lies_there.next}) if lies_there.next else None,
        "services_tools": (new,) if visit.may("application.create") else (),
        "services_pull": list_address(f"{here}/-/services", {AFTER: lies_there.after}),
        "live": lies_there.is_live,
    }


async def _environment(visit: Visit) -> EnvironmentInProject:
    environment: EnvironmentInProject = await visit.ask(ONE, environmentId=visit.path["environmentId"])
    return environment


def _here(visit: Visit) -> str:
    return f"{PROJECTS_PATH}/{visit.path['projectId']}/environments/{visit.path['environmentId']}"


def _by_id(visit: Visit) -> Mapping[str, object]:
    return {"environmentId": visit.path["environmentId"]}


def _actions(visit: Visit, environment: EnvironmentInProject, *, is_empty: bool) -> Sequence[Mapping[str, object]]:
    here = _here(visit)
    found: list[Mapping[str, object]] = []
    if visit.may(COPY):
        found.append({"label": "Duplicate", "href": f"{here}/copy", "icon": "copy"})
    if not environment["isDefault"]:
        if visit.may(UPDATE):
            found.append({"label": "Rename", "href": f"{here}/rename", "icon": "edit"})
        if visit.may(REMOVE) and is_empty:
            found.append({"label": "Remove", "href": f"{here}/remove", "icon": "remove", "danger": True})
    return found


async def _ask_rename(visit: Visit) -> Question:
    environment = await _environment(visit)
    return Question(
        title=f"Rename “{cut(environment['name'], 120)}”",
        consequences=("What is deployed stays as it is.",),
        button="Save",
        values={"name": environment["name"], "description": environment["description"] or ""},
        more={"entries": _RENAMED},
    )


async def _ask_variables(visit: Visit) -> Question:
    environment = await _environment(visit)
    return Question(
        title=f"Variables of “{cut(environment['name'], 120)}”",
        consequences=(
            "Its services can take them: NAME=${{environment.NAME}} among a service's own variables.",
            "What serves keeps those that it was started with until its next deployment.",
        ),
        button="Save",
        values={"env": shown_text(environment["env"])},
        more={"entries": (VARIABLES,)},
    )


async def _ask_copy(visit: Visit) -> Question:
    environment = await _environment(visit)
    names = [cut(each["name"], 60) for each in services_of(environment)]
    made = f"These are made once more, with their settings and not deployed: {', '.join(names[:20])}." if names else ""
    return Question(
        title=f"Duplicate “{cut(environment['name'], 120)}” into a new project",
        consequences=tuple(filter(None, (made, "Its variables go along. Neither domains nor data do."))),
        button="Duplicate it",
        more={"entries": (NAME, DESCRIPTION)},
    )


async def _ask_remove(visit: Visit) -> Question:
    environment = await _environment(visit)
    names = [cut(each["name"], 60) for each in services_of(environment)]
    holds = (f"It still holds {', '.join(names[:20])}: remove these first, for this will be refused.",) if names else ()
    return Question(
        title=f"Remove “{cut(environment['name'], 120)}”?",
        consequences=(*holds, "Its variables go with it."),
        button="Remove it",
        danger=True,
        typed=environment["name"].strip(),
    )


def _to_copy(_visit: Visit, answer: object) -> str:
    return f"{PROJECTS_PATH}/{answer['projectId']}" if isinstance(answer, dict) else PROJECTS_PATH


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
            then=lambda visit, _answer: _here(visit),
            fields=fields_of(_RENAMED),
            template=TEMPLATE,
            takes=takes(_RENAMED),
        ),
        "variables": Form(
            operation=lambda _visit: UPDATE,
            given=_by_id,
            asks=_ask_variables,
            did=lambda _visit, _answer: Flash(text="Saved. Services take them with their next deployment."),
            then=lambda visit, _answer: _here(visit),
            fields=fields_of((VARIABLES,)),
            template=TEMPLATE,
            takes=takes((VARIABLES,)),
            whole=True,
        ),
        "copy": Form(
            operation=lambda _visit: COPY,
            given=lambda visit: {"sourceEnvironmentId": visit.path["environmentId"]},
            asks=_ask_copy,
            did=lambda _visit, _answer: Flash(text="Duplicated. Nothing of it is deployed yet."),
            then=_to_copy,
            fields=fields_of((NAME, DESCRIPTION)),
            template=TEMPLATE,
            takes=takes((NAME, DESCRIPTION)),
        ),
        "remove": Form(
            operation=lambda _visit: REMOVE,
            given=_by_id,
            asks=_ask_remove,
            did=lambda _visit, _answer: Flash(text="Removed."),
            then=lambda visit, _answer: f"{PROJECTS_PATH}/{visit.path['projectId']}",
        ),
    },
)
