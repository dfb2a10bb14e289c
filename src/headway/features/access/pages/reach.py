"""What somebody, or a key, may be given: the projects and services of the organisation, as boxes to choose from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from headway.pages.page import Asked, Visit

if TYPE_CHECKING:
    from headway.features.projects.api.rows import ProjectRow, ProjectsFound, ProjectToGrant

TO_GRANT: Asked[list[ProjectToGrant]] = Asked("project.allForPermissions")
PROJECTS: Asked[ProjectsFound] = Asked("project.search")
_AT_A_TIME = 100  # as many as are answered at once
_MOST = 2_000  # boxes: a form of more is read by nobody
_KINDS: Mapping[str, str] = {
    "applications": "applicationId",
    "compose": "composeId",
    **dict.fromkeys(("libsql", "mariadb", "mongo", "mysql", "postgres", "redis"), "databaseId"),
}

Options = Sequence[Mapping[str, object]]


async def projects_of(visit: Visit, given: Collection[str] = ()) -> Options:
    """The projects that the caller sees; where those are too many to choose from, what was ``given`` is there."""
    rows: list[ProjectRow] = []
    total = 1
    while len(rows) < total:
        found = await visit.ask(PROJECTS, limit=_AT_A_TIME, offset=len(rows))
        rows, total = [*rows, *found["items"]], found["total"] if found["items"] else 0
    shown = [each for number, each in enumerate(rows) if number < _MOST or each["projectId"] in given]
    return [{"value": each["projectId"], "label": each["name"]} for each in shown]


async def to_grant(visit: Visit) -> tuple[Options, Options]:
    """The projects that a member can be given whole, and all single services, in groups of a project each."""
    found = await visit.ask(TO_GRANT)
    projects = [{"value": each["projectId"], "label": each["name"]} for each in found]
    groups = [{"label": each["name"], "options": _services(each)} for each in found]
    return projects, [each for each in groups if each["options"]]


def _services(project: ProjectToGrant) -> list[Mapping[str, str]]:
    services: list[Mapping[str, str]] = []
    for environment in project["environments"]:
        hint = "" if environment["isDefault"] else environment["name"]
        for kind, key in _KINDS.items():
            rows = cast("Sequence[Mapping[str, str]]", environment.get(kind) or ())
            services += [{"value": row[key], "label": row["name"], "hint": hint} for row in rows]
    return services


def chosen(typed: Mapping[str, str], name: str) -> list[str]:
    """The values of the boxes of this name that are set."""
    return [key.removeprefix(f"{name}.") for key in typed if key.startswith(f"{name}.")]


def names(options: Options) -> Mapping[str, str]:
    """What each of them is called, those within groups too."""
    found: dict[str, str] = {}
    for each in options:
        inner = each.get("options")
        found |= names(cast("Options", inner)) if inner else {str(each["value"]): str(each["label"])}
    return found
