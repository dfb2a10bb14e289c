"""``environment.*``: the parts of a project."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.projects import (
    EnvironmentInProject,
    EnvironmentRow,
    environment_in_project,
    environment_row,
)


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("environment.one", "One environment with what lies in it", EnvironmentInProject, ById, _one),
        query("environment.byProjectId", "A project's environments", list[EnvironmentInProject], OfProject, _of),
        mutation("environment.create", "A new environment of a project", EnvironmentRow, Create, _create),
        mutation("environment.update", "Change an environment", EnvironmentRow, Update, _update),
        mutation("environment.remove", "Remove an empty environment", EnvironmentRow, ById, _remove),
    )


class ById(Input):
    environment_id: Annotated[str, Field(min_length=1)]


class OfProject(Input):
    project_id: Annotated[str, Field(min_length=1)]


class Create(OfProject):
    name: Annotated[str, Field(min_length=1)]
    description: str | None = None
    env: str | None = None


class Update(ById):
    name: Annotated[str, Field(min_length=1)] | None = None
    description: str | None = None
    env: str | None = None


async def _one(call: Call[ById]) -> EnvironmentInProject:
    return environment_in_project(*await call.platform.projects.environment(call.actor, call.input.environment_id))


async def _of(call: Call[OfProject]) -> list[EnvironmentInProject]:
    found = await call.platform.projects.one(call.actor, call.input.project_id, procedure="environment.byProjectId")
    return [environment_in_project(environment, found.project) for environment in found.environments]


async def _create(call: Call[Create]) -> EnvironmentRow:
    given = call.input
    return environment_row(
        await call.platform.projects.create_environment(
            call.actor, given.project_id, name=given.name, description=given.description, env=given.env or ""
        )
    )


async def _update(call: Call[Update]) -> EnvironmentRow:
    given = call.input
    return environment_row(
        await call.platform.projects.update_environment(
            call.actor, given.environment_id, name=given.name, description=given.description, env=given.env
        )
    )


async def _remove(call: Call[ById]) -> EnvironmentRow:
    return environment_row(await call.platform.projects.remove_environment(call.actor, call.input.environment_id))
