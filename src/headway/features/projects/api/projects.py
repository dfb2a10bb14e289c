"""``project.*``: what applications are gathered in."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Empty, Input, Records, Searched, Told
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun, Permission
from headway.features.projects.api.rows import (
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
from headway.features.projects.service import ProjectService
from headway.features.services.duplication import EnvironmentDuplication
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

_DATABASES = frozenset({"postgres", "mysql", "mariadb", "mongo", "redis", "libsql"})
# What duplicating into a new project takes: the same as ``project.create``.
CREATES = Permission(name="project.create", noun=Noun.PROJECT, least=Role.ADMIN, scope=Scope.ADMIN, in_project=False)
_COPIED = _DATABASES | {"application", "compose"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectNeeds:
    """What these operations need."""

    duplication: EnvironmentDuplication
    projects: ProjectService


router = Router[ProjectNeeds]("project", "What applications are gathered in", resource=Noun.PROJECT)


class ProjectById(Input):
    project_id: Annotated[str, Field(min_length=1)]


class CreateProject(Input):
    name: Annotated[str, Field(min_length=1)]
    description: Told | None = None
    env: str | None = None


class UpdateProject(ProjectById):
    """``envWas`` is ``env`` as it was read: where that is another by now, nothing is saved, and the answer is 409."""

    name: Annotated[str, Field(min_length=1)] | None = None
    description: Told | None = None
    env: str | None = None
    env_was: str | None = None


class SearchProject(Searched):
    name: str | None = None
    description: Told | None = None


class DuplicateProject(Input):
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


@router.query("all", least=Role.MEMBER, scope=Scope.READ, glimpse=True)
async def all_(needs: ProjectNeeds, call: Call[Empty]) -> list[ProjectContents]:
    """Every project with what lies in it."""
    return [project_contents(overview) for overview in await needs.projects.all(call.actor)]


@router.query("allForPermissions", least=Role.ADMIN, scope=Scope.READ, in_project=False)
async def to_grant(needs: ProjectNeeds, call: Call[Empty]) -> list[ProjectToGrant]:
    """What members can be given."""
    return [project_to_grant(overview) for overview in await needs.projects.all(call.actor)]


@router.query("homeStats", least=Role.MEMBER, scope=Scope.READ, glimpse=True)
async def counted(needs: ProjectNeeds, call: Call[Empty]) -> HomeStats:
    """How much there is."""
    return home_stats(await needs.projects.all(call.actor))


@router.query("search", least=Role.MEMBER, scope=Scope.READ, glimpse=True)
async def search(needs: ProjectNeeds, call: Call[SearchProject]) -> ProjectsFound:
    """Projects by name and description."""
    words = call.input.words(name=call.input.name, description=call.input.description)
    found = await needs.projects.search(call.actor, words)
    return {"items": [project_row(each) for each in found.items], "total": found.total}


@router.query("one", least=Role.MEMBER, scope=Scope.READ, glimpse=True)
async def one(needs: ProjectNeeds, call: Call[ProjectById]) -> ProjectContents:
    """One project with what lies in it."""
    return project_contents(await needs.projects.one(call.actor, call.permission, call.input.project_id))


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN, in_project=False)
async def create(needs: ProjectNeeds, call: Call[CreateProject]) -> NewProject:
    """A new project with its production environment."""
    project, environment = await needs.projects.create(
        call.actor, call.permission, name=call.input.name, description=call.input.description, env=call.input.env or ""
    )
    return {"project": project_row(project), "environment": environment_row(environment)}


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(needs: ProjectNeeds, call: Call[UpdateProject]) -> ProjectRow:
    """Change a project."""
    given = call.input
    return project_row(
        await needs.projects.update(
            call.actor,
            call.permission,
            given.project_id,
            name=given.name,
            description=given.description,
            env=given.env,
            env_was=given.env_was,
        )
    )


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(needs: ProjectNeeds, call: Call[ProjectById]) -> ProjectRow:
    """Remove an empty project."""
    return project_row(await needs.projects.remove(call.actor, call.permission, call.input.project_id))


@router.mutation("duplicate", least=Role.ADMIN, scope=Scope.ADMIN, resource=Noun.ENVIRONMENT)
async def duplicate(needs: ProjectNeeds, call: Call[DuplicateProject]) -> EnvironmentRow:
    """Make applications again, not deployed."""
    given = call.input
    return environment_row(
        await needs.duplication.duplicate(
            call.actor,
            call.permission,
            given.source_environment_id,
            name=given.name,
            description=given.description,
            only=given.only,
            beside=given.duplicate_in_same_project,
            creates=CREATES,
        )
    )
