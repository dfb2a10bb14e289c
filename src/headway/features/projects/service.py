"""Use cases of projects and environments, one transaction each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from headway.core.access import policy
from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.features.projects import store
from headway.features.projects.model import (
    PRODUCTION,
    Environment,
    EnvironmentOverview,
    ListedService,
    Project,
    ProjectOverview,
    ServicePlace,
    checked_env,
    checked_name,
)
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, InvalidInput
from headway.kernel.ids import new_id
from headway.kernel.layers import Layer
from headway.kernel.search import Page, Words
from headway.kernel.variable_text import require_as_read
from headway.kernel.vault import Vault

_MOST_NAMED = 10


class NotEmpty(Conflict):
    """Something lies in what is to be removed."""


class ProjectService:
    """Projects, environments and where things lie in them."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    async def create(
        self, actor: Actor, permission: Permission, *, name: str, description: str | None = None, env: str = ""
    ) -> tuple[Project, Environment]:
        """A new project and its default environment. Raises InvalidInput for a name that is none, Forbidden."""
        policy.permit(actor, permission, actor.organization_id)
        env = checked_env(env, Layer.PROJECT)

        def write(tx: Tx) -> tuple[Project, Environment]:
            return added_project(tx, self._vault, actor.organization_id, name=name, description=description, env=env)

        return await self._db.run(write)

    async def all(self, actor: Actor) -> list[ProjectOverview]:
        """Every project that the caller may see, newest first."""

        def read(tx: Tx) -> list[ProjectOverview]:
            found = store.projects_of(tx, self._vault, actor.organization_id)
            return self._overviews(tx, actor, [one for one in found if _glimpses(actor, one)])

        return await self._db.read(read)

    async def search(self, actor: Actor, words: Words) -> Page[Project]:
        """The projects that the caller may see whose name or description holds the words, newest first."""
        found = [overview.project for overview in await self.all(actor)]
        return words.page(found, lambda each: {"name": each.name, "description": each.description})

    async def search_environments(self, actor: Actor, words: Words, project_id: str | None) -> Page[Environment]:
        """The environments that the caller may see, of one project where it is named, newest first."""
        found = [
            each.environment
            for overview in await self.all(actor)
            if project_id in {None, overview.project.project_id}
            for each in overview.environments
        ]
        found.sort(key=lambda each: each.created_at, reverse=True)
        return words.page(found, lambda each: {"name": each.name, "description": each.description})

    async def one(self, actor: Actor, permission: Permission, project_id: str) -> ProjectOverview:
        """One project with all that lies in it. Raises Missing."""

        def read(tx: Tx) -> ProjectOverview:
            return self._overviews(tx, actor, [self._project(tx, actor, permission, project_id)])[0]

        return await self._db.read(read)

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        project_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        env: str | None = None,
        env_was: str | None = None,
    ) -> Project:
        """The project with what is given changed; None leaves a field as it is. ``env_was`` is what its variables have
        to be until then. Raises Missing, Forbidden, VariablesChanged.
        """
        name = None if name is None else checked_name(name)
        env = None if env is None else checked_env(env, Layer.PROJECT)

        def write(tx: Tx) -> Project:
            tx.lock(f"settings.{project_id}")  # what is read here is what is written over
            require_as_read(self._project(tx, actor, permission, project_id).env, env_was)
            store.change_project(tx, self._vault, project_id, name=name, description=description, env=env)
            return store.find_project(tx, self._vault, project_id)

        return await self._db.run(write)

    async def remove(self, actor: Actor, permission: Permission, project_id: str) -> Project:
        """Removes an empty project and gives its last state. Raises NotEmpty, Missing, Forbidden."""

        def write(tx: Tx) -> Project:
            project = self._project(tx, actor, permission, project_id)
            environments = store.environments_of(tx, self._vault, [project_id])
            _refuse_unless_empty(tx, "project", project.name, [each.environment_id for each in environments])
            _refuse_with_backups(tx, "project", project.name, project_id)
            store.remove_project(tx, project_id)
            return project

        return await self._db.run(write)

    async def create_environment(
        self,
        actor: Actor,
        permission: Permission,
        project_id: str,
        *,
        name: str,
        description: str | None = None,
        env: str = "",
    ) -> Environment:
        """A new environment of a project. Raises Missing, Forbidden, InvalidInput."""
        name, env = _free_name(name), checked_env(env, Layer.ENVIRONMENT)

        def write(tx: Tx) -> Environment:
            self._project(tx, actor, permission, project_id)
            environment = _environment(tx, project_id, name, description, env=env)
            store.add_environment(tx, self._vault, environment)
            return environment

        return await self._db.run(write)

    async def duplicate_environment(
        self, actor: Actor, permission: Permission, environment_id: str, *, name: str, description: str | None = None
    ) -> Environment:
        """A new environment beside this one, with its variables and nothing that lies in it. Raises Missing, Forbidden,
        InvalidInput.
        """
        name = _free_name(name)

        def write(tx: Tx) -> Environment:
            model, _ = self._environment(tx, actor, permission, environment_id)
            told = model.description if description is None else description
            environment = _environment(tx, model.project_id, name, told, env=model.env)
            store.add_environment(tx, self._vault, environment)
            return environment

        return await self._db.run(write)

    async def environment(
        self, actor: Actor, permission: Permission, environment_id: str
    ) -> tuple[EnvironmentOverview, Project]:
        """One environment with all that lies in it, and its project. Raises Missing."""

        def read(tx: Tx) -> tuple[EnvironmentOverview, Project]:
            _, project = self._environment(tx, actor, permission, environment_id)
            overview = self._overviews(tx, actor, [project])[0]
            found = (each for each in overview.environments if each.environment.environment_id == environment_id)
            return next(found), overview.project

        return await self._db.read(read)

    async def around(self, actor: Actor, looks: Permission, environment_id: str) -> tuple[Environment, Project]:
        """What a service lies in, for whoever was let through to it already; variables only for who has ``looks``."""

        def read(tx: Tx) -> tuple[Environment, Project]:
            environment = store.find_environment(tx, self._vault, environment_id)
            project = store.find_project(tx, self._vault, environment.project_id)
            if _sees(actor, project) and policy.may(actor, looks):
                return environment, project
            return replace(environment, env=""), replace(project, env="")

        return await self._db.read(read)

    async def update_environment(
        self,
        actor: Actor,
        permission: Permission,
        environment_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        env: str | None = None,
        env_was: str | None = None,
    ) -> Environment:
        """The environment with what is given changed. ``env_was`` is what its variables have to be until then. Raises
        Missing, Forbidden, VariablesChanged, and InvalidInput for a new name of the default one.
        """
        env = None if env is None else checked_env(env, Layer.ENVIRONMENT)

        def write(tx: Tx) -> Environment:
            tx.lock(f"settings.{environment_id}")  # what is read here is what is written over
            current, _ = self._environment(tx, actor, permission, environment_id)
            require_as_read(current.env, env_was)
            renamed = None if name is None or name == current.name else _free_name(name)
            if renamed is not None and current.is_default:
                raise InvalidInput("The default environment cannot be renamed.")
            store.change_environment(tx, self._vault, environment_id, name=renamed, description=description, env=env)
            return store.find_environment(tx, self._vault, environment_id)

        return await self._db.run(write)

    async def remove_environment(self, actor: Actor, permission: Permission, environment_id: str) -> Environment:
        """Removes an empty environment and gives its last state. Raises NotEmpty, Missing, Forbidden, and
        InvalidInput for the default one.
        """

        def write(tx: Tx) -> Environment:
            environment, _ = self._environment(tx, actor, permission, environment_id)
            if environment.is_default:
                raise InvalidInput("The default environment cannot be removed; remove its project instead.")
            _refuse_unless_empty(tx, "environment", environment.name, [environment_id])
            _refuse_with_backups(tx, "environment", environment.name, environment.project_id, environment_id)
            store.remove_environment(tx, environment_id)
            return environment

        return await self._db.run(write)

    async def place(self, environment_id: str) -> ServicePlace:
        """Where an environment lies, for whoever was already let through to what lies in it. Raises Missing."""
        return await self._db.read(lambda tx: store.place_of(tx, environment_id))

    def places_of(self, tx: Tx, service_ids: Collection[str]) -> dict[str, tuple[ListedService, ServicePlace]]:
        """These services and where they lie, for whoever was already let through to what belongs to them."""
        return store.places_of_services(tx, service_ids)

    def _project(self, tx: Tx, actor: Actor, permission: Permission, project_id: str) -> Project:
        project = store.find_project(tx, self._vault, project_id)
        policy.permit(actor, permission, project.organization_id, project_id, noun=policy.Noun.PROJECT)
        return project

    def _environment(
        self, tx: Tx, actor: Actor, permission: Permission, environment_id: str
    ) -> tuple[Environment, Project]:
        environment = store.find_environment(tx, self._vault, environment_id)
        project = store.find_project(tx, self._vault, environment.project_id)
        policy.permit(actor, permission, project.organization_id, project.project_id, noun=policy.Noun.ENVIRONMENT)
        return environment, project

    def _overviews(self, tx: Tx, actor: Actor, projects: list[Project]) -> list[ProjectOverview]:
        """What the caller may see of these projects; of one that is only glimpsed no variable is shown."""
        known = {project.project_id: project for project in projects}
        hidden = {one.project_id for one in projects if not _sees(actor, one)}
        applications = _by_environment(store.applications_in(tx, list(known)))
        composes = _by_environment(store.composes_in(tx, list(known)))
        databases = _by_environment(store.databases_in(tx, list(known)))
        environments: dict[str, list[EnvironmentOverview]] = defaultdict(list)
        for environment in store.environments_of(tx, self._vault, list(known)):
            project = known[environment.project_id]
            inside, beside, kept = (
                tuple(one for one in of[environment.environment_id] if _sees(actor, project, one))
                for of in (applications, composes, databases)
            )
            shown = replace(environment, env="") if project.project_id in hidden else environment
            environments[project.project_id].append(
                EnvironmentOverview(environment=shown, applications=inside, composes=beside, databases=kept)
            )
        return [
            ProjectOverview(
                project=replace(project, env="") if project.project_id in hidden else project,
                environments=tuple(environments[project.project_id]),
            )
            for project in projects
        ]


def added_project(
    tx: Tx, vault: Vault, organization_id: str, *, name: str, description: str | None, env: str, env_inside: str = ""
) -> tuple[Project, Environment]:
    """A new project, and its default environment with the variables ``env_inside``. Raises InvalidInput."""
    project = Project(
        project_id=new_id(),
        organization_id=organization_id,
        name=checked_name(name),
        description=description,
        env=env,
        created_at=tx.now,
    )
    store.add_project(tx, vault, project)
    told = "Production environment"
    environment = _environment(tx, project.project_id, PRODUCTION, told, env=env_inside, is_default=True)
    store.add_environment(tx, vault, environment)
    return project, environment


def _by_environment(found: list[ListedService]) -> Mapping[str, list[ListedService]]:
    services: dict[str, list[ListedService]] = defaultdict(list)
    for service in found:
        services[service.environment_id].append(service)
    return services


def _environment(
    tx: Tx, project_id: str, name: str, description: str | None, *, env: str = "", is_default: bool = False
) -> Environment:
    return Environment(
        environment_id=new_id(),
        project_id=project_id,
        name=name,
        description=description,
        env=env,
        is_default=is_default,
        created_at=tx.now,
    )


def _sees(actor: Actor, project: Project, service: ListedService | None = None) -> bool:
    service_id = None if service is None else service.service_id
    return policy.sees(actor, project.organization_id, project.project_id, service_id=service_id)


def _glimpses(actor: Actor, project: Project) -> bool:
    return policy.glimpses(actor, project.organization_id, project.project_id)


def _free_name(name: str) -> str:
    name = checked_name(name)
    if name == PRODUCTION:
        raise InvalidInput('The name "production" belongs to the default environment; choose another one.')
    return name


def _refuse_unless_empty(tx: Tx, what: str, name: str, environment_ids: Sequence[str]) -> None:
    inside = store.names_in(tx, environment_ids)
    if inside:
        raise NotEmpty(f'The {what} "{name}" still holds: {", ".join(inside)}. Delete what lies in it first.')
    left = store.leftovers_in(tx, environment_ids)
    if away := sorted({f"{each} on {server}" for each, server in left if server is not None}):
        raise NotEmpty(
            f'What was deleted from the {what} "{name}" is not gone from its server yet: {", ".join(away)}. It goes as '
            "soon as that answers; if it never will, remove the server (server.remove)."
        )
    if left:
        raise NotEmpty(f'What was deleted from the {what} "{name}" is still being taken down. Try again shortly.')


def _refuse_with_backups(tx: Tx, what: str, name: str, project_id: str, environment_id: str | None = None) -> None:
    found = store.backups_in(tx, project_id, environment_id)
    if found:
        told = ", ".join(f"{kind} {backup_id} of {of}" for kind, of, backup_id in found[:_MOST_NAMED])
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise NotEmpty(
            f'The {what} "{name}" still has backups, of what was deleted from it or of a database elsewhere: {told}'
            f"{more}. Remove them first (backup.remove, volumeBackups.delete); their files stay where they lie."
        )
