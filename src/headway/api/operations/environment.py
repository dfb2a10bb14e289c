"""``environment.*``: the parts of a project."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Input, Searched, Told
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.projects import (
    EnvironmentInProject,
    EnvironmentRow,
    EnvironmentsFound,
    environment_in_project,
    environment_row,
)


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("environment.one", "One environment with what lies in it", EnvironmentInProject, ById, _one),
        query("environment.byProjectId", "A project's environments", list[EnvironmentInProject], OfProject, _of),
        query("environment.search", "Environments by name and description", EnvironmentsFound, Search, _search),
        mutation("environment.create", "A new environment of a project", EnvironmentRow, Create, _create),
        mutation("environment.duplicate", "A new one with the same variables", EnvironmentRow, Duplicate, _duplicate),
        mutation("environment.update", "Change an environment", EnvironmentRow, Update, _update),
        mutation("environment.remove", "Remove an empty environment", EnvironmentRow, ById, _remove),
    )


class ById(Input):
    environment_id: Annotated[str, Field(min_length=1)]


class OfProject(Input):
    project_id: Annotated[str, Field(min_length=1)]


class Create(OfProject):
    name: Annotated[str, Field(min_length=1)]
    description: Told | None = None
    env: str | None = None


class Update(ById):
    name: Annotated[str, Field(min_length=1)] | None = None
    description: Told | None = None
    env: str | None = None


class Duplicate(ById):
    name: Annotated[str, Field(min_length=1)]
    description: Told | None = None


class Search(Searched):
    name: str | None = None
    description: Told | None = None
    project_id: str | None = None


async def _one(call: Call[ById]) -> EnvironmentInProject:
    return environment_in_project(
        *await call.platform.projects.environment(call.actor, call.permission, call.input.environment_id)
    )


async def _of(call: Call[OfProject]) -> list[EnvironmentInProject]:
    found = await call.platform.projects.one(call.actor, call.permission, call.input.project_id)
    return [environment_in_project(environment, found.project) for environment in found.environments]


async def _search(call: Call[Search]) -> EnvironmentsFound:
    words = call.input.words(name=call.input.name, description=call.input.description)
    found = await call.platform.projects.search_environments(call.actor, words, call.input.project_id or None)
    return {"items": [environment_row(each) for each in found.items], "total": found.total}


async def _create(call: Call[Create]) -> EnvironmentRow:
    given = call.input
    return environment_row(
        await call.platform.projects.create_environment(
            call.actor,
            call.permission,
            given.project_id,
            name=given.name,
            description=given.description,
            env=given.env or "",
        )
    )


async def _update(call: Call[Update]) -> EnvironmentRow:
    given = call.input
    return environment_row(
        await call.platform.projects.update_environment(
            call.actor,
            call.permission,
            given.environment_id,
            name=given.name,
            description=given.description,
            env=given.env,
        )
    )


async def _duplicate(call: Call[Duplicate]) -> EnvironmentRow:
    given = call.input
    return environment_row(
        await call.platform.projects.duplicate_environment(
            call.actor, call.permission, given.environment_id, name=given.name, description=given.description
        )
    )


async def _remove(call: Call[ById]) -> EnvironmentRow:
    return environment_row(
        await call.platform.projects.remove_environment(call.actor, call.permission, call.input.environment_id)
    )
