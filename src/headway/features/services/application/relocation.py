"""Use cases that change where applications lie: moved to another environment, or made again in one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Protocol

from headway.core.access import allowances
from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.deployments import store as deployments
from headway.core.deployments.model import SubjectType
from headway.features.git.providers import require_copyable
from headway.features.git.references import judged_copy
from headway.features.projects import store as projects
from headway.features.projects.model import Environment, ServicePlace
from headway.features.projects.service import added_project
from headway.features.services import store as services_store
from headway.features.services.application import powers, store
from headway.features.services.application.attachments import with_own_ids
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.loopback import of_copy
from headway.features.services.application.model import Application
from headway.features.services.application.service import CheckSettings
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


class CopyOthers(Protocol):
    """Makes what else lies in an environment again: see ``Arranging.duplicate``."""

    def __call__(
        self, tx: Tx, actor: Actor, environment_id: str, target: ServicePlace, only: Collection[str] | None, /
    ) -> Collection[str]:
        """Those of ``only`` that it knows, or all; the ids of what was copied."""
        ...


class ApplicationRelocation:
    """Moves applications and duplicates environments with what lies in them. ``carry_along`` takes what else belongs to
    an application to its new project.
    """

    def __init__(
        self,
        *,
        db: Database,
        vault: Vault,
        creation: ApplicationCreation,
        check: CheckSettings,
        copy_others: CopyOthers,
        carry_along: Callable[[Tx, str, str], None],
    ) -> None:
        self._copy_others = copy_others
        self._carry_along = carry_along
        self._db = db
        self._vault = vault
        self._making = creation
        self._check = check

    async def move(self, actor: Actor, permission: Permission, application_id: str, environment_id: str) -> Application:
        """Puts an application into another environment, of any project that the caller may change; its processes, its
        host name and its deployments stay as they are. The next deploy works with the variables of its new place.
        Raises Missing, Forbidden.
        """
        put = self.mover(actor, permission, environment_id)

        def write(tx: Tx) -> Application:
            owner = services_store.owner(tx, application_id, SubjectType.APPLICATION)
            if owner is None:
                raise store.ApplicationNotFound
            permit(actor, permission, owner.organization_id, owner.project_id, service_id=application_id)
            put(tx, store.find(tx, application_id, self._vault))
            return store.find(tx, application_id, self._vault)

        return await self._db.run(write)

    def mover(self, actor: Actor, permission: Permission, environment_id: str) -> Callable[[Tx, Application], None]:
        """Puts an application that the caller was let through to into this environment. Raises Missing, Forbidden."""

        def put(tx: Tx, application: Application) -> None:
            place = self._place(tx, actor, permission, environment_id)
            if application.environment_id == environment_id:
                return
            allowances.carry(tx, actor, application.service_id)
            for each in (application, *store.previews_of(tx, application.service_id, self._vault)):
                id_ = each.service_id
                services_store.set_fields(tx, id_, environment_id=environment_id, project_id=place.project_id)
                for type_ in (each.subject_type, SubjectType.RUN):
                    deployments.give_to_project(tx, type_, id_, place.project_id)
            self._carry_along(tx, application.service_id, place.project_id)

        return put

    async def duplicate(
        self,
        actor: Actor,
        permission: Permission,
        environment_id: str,
        *,
        name: str,
        description: str | None,
        only: Collection[str] | None,
        beside: bool,
        creates: Permission,
    ) -> Environment:
        """Makes the services of an environment again, on the same servers, with their settings and variables and not
        deployed: in the same environment as copies (``beside``), else in the default environment of a new project with
        this name and the variables of both, which takes the permission ``creates``. ``only`` names those to make, None
        all. Gives the environment in which they lie now. Raises Missing, CopyOfHidden, Forbidden, NearRefused,
        InvalidInput.
        """

        def write(tx: Tx) -> Environment:
            source = self._place(tx, actor, permission, environment_id)
            target = (
                source if beside else self._new_project(tx, actor, creates, source, name=name, description=description)
            )
            others = self._copy_others(tx, actor, environment_id, target, only)
            for model in self._models(tx, environment_id, None if only is None else set(only) - set(others)):
                self._check(model.settings)
                require_copyable(tx, actor, model.name, model.settings)
                bare = replace(with_own_ids(model.settings), drop=replace(model.settings.drop, archive=None))
                settings = judged_copy(actor, bare)
                made = self._making.add(
                    tx,
                    target,
                    f"{model.name} (copy)" if beside else model.name,
                    description=model.description,
                    settings=of_copy(actor, settings),
                    env=model.env,
                    host_id=model.host_id,
                    build_host_id=model.build_host_id,
                )
                powers.save(tx, actor, made, self._vault)
            return projects.find_environment(tx, self._vault, target.environment_id)

        return await self._db.run(write)

    def _place(self, tx: Tx, actor: Actor, permission: Permission, environment_id: str) -> ServicePlace:
        place = projects.place_of(tx, environment_id)
        permit(actor, permission, place.organization_id, place.project_id, noun=Noun.ENVIRONMENT)
        return place

    def _models(self, tx: Tx, environment_id: str, only: Collection[str] | None) -> list[Application]:
        found = store.of_environment(tx, environment_id, self._vault)
        if only is not None and set(only) - {each.service_id for each in found}:
            raise Missing(Noun.APPLICATION)
        return [each for each in found if only is None or each.service_id in only]

    def _new_project(
        self, tx: Tx, actor: Actor, creates: Permission, source: ServicePlace, *, name: str, description: str | None
    ) -> ServicePlace:
        permit(actor, creates, actor.organization_id)
        _, environment = added_project(
            tx,
            self._vault,
            actor.organization_id,
            name=name,
            description=description,
            env=projects.find_project(tx, self._vault, source.project_id).env,
            env_inside=projects.find_environment(tx, self._vault, source.environment_id).env,
        )
        return projects.place_of(tx, environment.environment_id)
