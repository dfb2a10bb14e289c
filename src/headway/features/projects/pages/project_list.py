"""The page of all projects, and the way to make one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.pages.entries import TEMPLATE, Entry, fields_of, takes
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.projects.api.rows import EnvironmentContents, ProjectContents

PROJECTS_PATH = "/projects"
ALL: Asked[list[ProjectContents]] = Asked("project.all")
CREATE = "project.create"
NAME = Entry(name="name", label="Name", needed=True)
DESCRIPTION = Entry(name="description", label="Description", hint="What it is for, in a sentence.")
DATABASES = ("libsql", "mariadb", "mongo", "mysql", "postgres", "redis")
_MOST = 200


async def show(visit: Visit) -> View:
    """Every project, with how much lies in it."""
    projects = await visit.ask(ALL)
    words = visit.query.get("text", "").strip()
    found = [each for each in projects if _holds(each, words)]
    create = {"label": "New project", "href": f"{PROJECTS_PATH}/create", "icon": "new", "main": True}
    return View(
        template="features/projects/pages/project_list.html",
        values={
            "projects": [{"row": each, "services": len(services_of_project(each))} for each in found[:_MOST]],
            "total": len(projects),
            "more": len(found) > _MOST,
            "most": _MOST,
            "text": words,
            "actions": (create,) if visit.may(CREATE) else (),
        },
        title="Projects",
    )


def services_of_project(project: ProjectContents) -> list[Mapping[str, str]]:
    """What lies in a project."""
    return [each for environment in project["environments"] for each in services_of(environment)]


def services_of(environment: EnvironmentContents) -> list[Mapping[str, str]]:
    """What lies in an environment: its id, its name and its kind."""
    rows: Mapping[str, object] = {**environment}
    found: list[Mapping[str, str]] = [
        {"id": row["applicationId"], "name": row["name"], "kind": "application"} for row in environment["applications"]
    ]
    found += [{"id": row["composeId"], "name": row["name"], "kind": "compose"} for row in environment["compose"]]
    for kind in DATABASES:
        of_kind = rows[kind]
        if isinstance(of_kind, list):
            found += [{"id": row["databaseId"], "name": row["name"], "kind": kind} for row in of_kind]
    return found


def _holds(project: ProjectContents, words: str) -> bool:
    held = f"{project['name']} {project['description'] or ''}".casefold()
    return all(word in held for word in words.casefold().split())


async def _ask(_visit: Visit) -> Question:
    return Question(
        title="New project",
        consequences=("It has one environment, called production, to which others can be added.",),
        button="Make it",
        more={"entries": (NAME, DESCRIPTION)},
    )


def _then(_visit: Visit, answer: object) -> str:
    return f"{PROJECTS_PATH}/{answer['project']['projectId']}" if isinstance(answer, dict) else PROJECTS_PATH


PAGE = Page(
    path=PROJECTS_PATH,
    permission=ALL.name,
    show=show,
    forms={
        "create": Form(
            operation=lambda _visit: CREATE,
            given=lambda _visit: {},
            asks=_ask,
            did=lambda _visit, _answer: Flash(text="Made. No service is in it yet."),
            then=_then,
            fields=fields_of((NAME, DESCRIPTION)),
            template=TEMPLATE,
            takes=takes((NAME, DESCRIPTION)),
        )
    },
)
