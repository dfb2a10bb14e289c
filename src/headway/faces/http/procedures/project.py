"""``project.*``: what applications are gathered in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Empty, Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.projects import (
    NewProject,
    ProjectContents,
    ProjectRow,
    environment_row,
    project_contents,
    project_row,
)


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("project.all", "Every project with what lies in it", list[ProjectContents], Empty, _all),
        query("project.one", "One project with what lies in it", ProjectContents, ById, _one),
        mutation("project.create", "A new project with its production environment", NewProject, Create, _create),
        mutation("project.update", "Change a project", ProjectRow, Update, _update),
        mutation("project.remove", "Remove an empty project", ProjectRow, ById, _remove),
    )


class ById(Input):
    project_id: Annotated[str, Field(min_length=1)]


class Create(Input):
    name: Annotated[str, Field(min_length=1)]
    description: str | None = None
    env: str | None = None


class Update(ById):
    name: Annotated[str, Field(min_length=1)] | None = None
    description: str | None = None
    env: str | None = None


async def _all(call: Call[Empty]) -> list[ProjectContents]:
    return [project_contents(overview) for overview in await call.platform.projects.all(call.actor)]


async def _one(call: Call[ById]) -> ProjectContents:
    return project_contents(await call.platform.projects.one(call.actor, call.input.project_id))


async def _create(call: Call[Create]) -> NewProject:
    project, environment = await call.platform.projects.create(
        call.actor, name=call.input.name, description=call.input.description, env=call.input.env or ""
    )
    return {"project": project_row(project), "environment": environment_row(environment)}


async def _update(call: Call[Update]) -> ProjectRow:
    given = call.input
    return project_row(
        await call.platform.projects.update(
            call.actor, given.project_id, name=given.name, description=given.description, env=given.env
        )
    )


async def _remove(call: Call[ById]) -> ProjectRow:
    return project_row(await call.platform.projects.remove(call.actor, call.input.project_id))
