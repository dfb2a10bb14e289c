"""``environment.*``: the parts of a project."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Input, Searched, Told
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.projects.api.rows import (
    EnvironmentInProject,
    EnvironmentRow,
    EnvironmentsFound,
    environment_in_project,
    environment_row,
)
from headway.features.projects.service import ProjectService

router = Router[ProjectService]("environment", "The parts of a project", resource=Noun.ENVIRONMENT)


class EnvironmentById(Input):
    environment_id: Annotated[str, Field(min_length=1)]


class OfProject(Input):
    project_id: Annotated[str, Field(min_length=1)]


class CreateEnvironment(OfProject):
    name: Annotated[str, Field(min_length=1)]
    description: Told | None = None
    env: str | None = None


class UpdateEnvironment(EnvironmentById):
    """``envWas`` is ``env`` as it was read: where that is another by now, nothing is saved, and the answer is 409."""

    name: Annotated[str, Field(min_length=1)] | None = None
    description: Told | None = None
    env: str | None = None
    env_was: str | None = None


class DuplicateEnvironment(EnvironmentById):
    name: Annotated[str, Field(min_length=1)]
    description: Told | None = None


class SearchEnvironment(Searched):
    name: str | None = None
    description: Told | None = None
    project_id: str | None = None


@router.query("one", least=Role.MEMBER, scope=Scope.READ, glimpse=True)
async def one(projects: ProjectService, call: Call[EnvironmentById]) -> EnvironmentInProject:
    """One environment with what lies in it."""
    return environment_in_project(*await projects.environment(call.actor, call.permission, call.input.environment_id))


@router.query("byProjectId", least=Role.MEMBER, scope=Scope.READ, resource=Noun.PROJECT, glimpse=True)
async def of(projects: ProjectService, call: Call[OfProject]) -> list[EnvironmentInProject]:
    """A project's environments."""
    found = await projects.one(call.actor, call.permission, call.input.project_id)
    return [environment_in_project(environment, found.project) for environment in found.environments]


@router.query("search", least=Role.MEMBER, scope=Scope.READ, glimpse=True)
async def search(projects: ProjectService, call: Call[SearchEnvironment]) -> EnvironmentsFound:
    """Environments by name and description."""
    words = call.input.words(name=call.input.name, description=call.input.description)
    found = await projects.search_environments(call.actor, words, call.input.project_id or None)
    return {"items": [environment_row(each) for each in found.items], "total": found.total}


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(projects: ProjectService, call: Call[CreateEnvironment]) -> EnvironmentRow:
    """A new environment of a project."""
    given = call.input
    return environment_row(
        await projects.create_environment(
            call.actor,
            call.permission,
            given.project_id,
            name=given.name,
            description=given.description,
            env=given.env or "",
        )
    )


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(projects: ProjectService, call: Call[UpdateEnvironment]) -> EnvironmentRow:
    """Change an environment."""
    given = call.input
    return environment_row(
        await projects.update_environment(
            call.actor,
            call.permission,
            given.environment_id,
            name=given.name,
            description=given.description,
            env=given.env,
            env_was=given.env_was,
        )
    )


@router.mutation("duplicate", least=Role.ADMIN, scope=Scope.ADMIN)
async def duplicate(projects: ProjectService, call: Call[DuplicateEnvironment]) -> EnvironmentRow:
    """A new one with the same variables."""
    given = call.input
    return environment_row(
        await projects.duplicate_environment(
            call.actor, call.permission, given.environment_id, name=given.name, description=given.description
        )
    )


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(projects: ProjectService, call: Call[EnvironmentById]) -> EnvironmentRow:
    """Remove an empty environment."""
    return environment_row(await projects.remove_environment(call.actor, call.permission, call.input.environment_id))
