"""``project.*``: what applications are gathered in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Empty, Input, Records, Searched, Told
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.rules import RULES
from headway.faces.http.wire.projects import (
    EnvironmentRow,
    HomeStats,
    NewProject,
    ProjectContents,
    ProjectRow,
    ProjectsFound,
    ProjectToGrant,
    environment_row,
    home_stats,
    project_contents,
    project_row,
    project_to_grant,
)
from headway.kernel.errors import InvalidInput

_DATABASES = frozenset({"postgres", "mysql", "mariadb", "mongo", "redis", "libsql"})
_COPIED = _DATABASES | {"application", "compose"}


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("project.all", "Every project with what lies in it", list[ProjectContents], Empty, _all),
        query("project.allForPermissions", "What members can be given", list[ProjectToGrant], Empty, _to_grant),
        query("project.homeStats", "How much there is", HomeStats, Empty, _home_stats),
        query("project.search", "Projects by name and description", ProjectsFound, Search, _search),
        query("project.one", "One project with what lies in it", ProjectContents, ById, _one),
        mutation("project.create", "A new project with its production environment", NewProject, Create, _create),
        mutation("project.update", "Change a project", ProjectRow, Update, _update),
        mutation("project.duplicate", "Make applications again, not deployed", EnvironmentRow, Duplicate, _duplicate),
        mutation("project.remove", "Remove an empty project", ProjectRow, ById, _remove),
    )


class ById(Input):
    project_id: Annotated[str, Field(min_length=1)]


class Create(Input):
    name: Annotated[str, Field(min_length=1)]
    description: Told | None = None
    env: str | None = None


class Update(ById):
    name: Annotated[str, Field(min_length=1)] | None = None
    description: Told | None = None
    env: str | None = None


class Search(Searched):
    name: str | None = None
    description: Told | None = None


class Duplicate(Input):
    """Without ``selectedServices`` all applications and compose services of the environment; beside them with
    ``duplicateInSameProject``, else in a new project of this name.
    """

    source_environment_id: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    description: Told | None = None
    include_services: bool = True
    selected_services: Records | None = None
    duplicate_in_same_project: bool = False

    @property
    def only(self) -> list[str] | None:
        """The services that are meant, None for all. Raises InvalidInput for what is none."""
        if not self.include_services:
            return []
        if self.selected_services is None:
            return None
        if any(each.get("type") not in _COPIED or "id" not in each for each in self.selected_services):
            raise InvalidInput(
                'Each of selectedServices is {"id": …, "type": …}, of the type application, compose, or a kind of '
                f"database ({', '.join(sorted(_DATABASES))})."
            )
        return [each["id"] for each in self.selected_services]


async def _all(call: Call[Empty]) -> list[ProjectContents]:
    return [project_contents(overview) for overview in await call.platform.projects.all(call.actor)]


async def _to_grant(call: Call[Empty]) -> list[ProjectToGrant]:
    return [project_to_grant(overview) for overview in await call.platform.projects.all(call.actor)]


async def _home_stats(call: Call[Empty]) -> HomeStats:
    return home_stats(await call.platform.projects.all(call.actor))


async def _search(call: Call[Search]) -> ProjectsFound:
    words = call.input.words(name=call.input.name, description=call.input.description)
    found = await call.platform.projects.search(call.actor, words)
    return {"items": [project_row(each) for each in found.items], "total": found.total}


async def _one(call: Call[ById]) -> ProjectContents:
    return project_contents(await call.platform.projects.one(call.actor, call.permission, call.input.project_id))


async def _create(call: Call[Create]) -> NewProject:
    project, environment = await call.platform.projects.create(
        call.actor, call.permission, name=call.input.name, description=call.input.description, env=call.input.env or ""
    )
    return {"project": project_row(project), "environment": environment_row(environment)}


async def _update(call: Call[Update]) -> ProjectRow:
    given = call.input
    return project_row(
        await call.platform.projects.update(
            call.actor, call.permission, given.project_id, name=given.name, description=given.description, env=given.env
        )
    )


async def _remove(call: Call[ById]) -> ProjectRow:
    return project_row(await call.platform.projects.remove(call.actor, call.permission, call.input.project_id))


async def _duplicate(call: Call[Duplicate]) -> EnvironmentRow:
    given = call.input
    return environment_row(
        await call.platform.arranging.duplicate(
            call.actor,
            call.permission,
            given.source_environment_id,
            name=given.name,
            description=given.description,
            only=given.only,
            beside=given.duplicate_in_same_project,
            creates=RULES["project.create"],
        )
    )
