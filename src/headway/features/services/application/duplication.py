"""Makes what lies in an environment again: beside it, or in a new project."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.features.git.providers import require_copyable
from headway.features.git.references import judged_copy
from headway.features.projects import store as projects
from headway.features.projects.model import Environment, ServicePlace
from headway.features.projects.service import added_project
from headway.features.services.application import powers, store
from headway.features.services.application.attachments import with_own_ids
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.loopback import of_copy
from headway.features.services.application.model import Application
from headway.features.services.application.sources import check_settings
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


class CopyOthers(Protocol):
    """Makes what else lies in an environment again: see ``EnvironmentDuplication``."""

    def __call__(
        self, tx: Tx, actor: Actor, environment_id: str, target: ServicePlace, only: Collection[str] | None, /
    ) -> Collection[str]:
        """Those of ``only`` that it knows, or all; the ids of what was copied."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentDuplication:
    """Duplicates environments with what lies in them, of which ``copy_others`` makes what is no application."""

    db: Database
    vault: Vault
    creation: ApplicationCreation
    copy_others: CopyOthers

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
            others = self.copy_others(tx, actor, environment_id, target, only)
            for model in self._models(tx, environment_id, None if only is None else set(only) - set(others)):
                check_settings(model.settings)
                require_copyable(tx, actor, model.name, model.settings)
                bare = replace(with_own_ids(model.settings), drop=replace(model.settings.drop, archive=None))
                settings = judged_copy(actor, bare)
                made = self.creation.add(
                    tx,
                    target,
                    f"{model.name} (copy)" if beside else model.name,
                    description=model.description,
                    settings=of_copy(actor, settings),
                    env=model.env,
                    host_id=model.host_id,
                    build_host_id=model.build_host_id,
                )
                powers.save(tx, actor, made, self.vault)
            return projects.find_environment(tx, self.vault, target.environment_id)

        return await self.db.run(write)

    def _place(self, tx: Tx, actor: Actor, permission: Permission, environment_id: str) -> ServicePlace:
        place = projects.place_of(tx, environment_id)
        permit(actor, permission, place.organization_id, place.project_id, noun=Noun.ENVIRONMENT)
        return place

    def _models(self, tx: Tx, environment_id: str, only: Collection[str] | None) -> list[Application]:
        found = store.of_environment(tx, environment_id, self.vault)
        if only is not None and set(only) - {each.service_id for each in found}:
            raise Missing(Noun.APPLICATION)
        return [each for each in found if only is None or each.service_id in only]

    def _new_project(
        self, tx: Tx, actor: Actor, creates: Permission, source: ServicePlace, *, name: str, description: str | None
    ) -> ServicePlace:
        permit(actor, creates, actor.organization_id)
        _, environment = added_project(
            tx,
            self.vault,
            actor.organization_id,
            name=name,
            description=description,
            env=projects.find_project(tx, self.vault, source.project_id).env,
            env_inside=projects.find_environment(tx, self.vault, source.environment_id).env,
        )
        return projects.place_of(tx, environment.environment_id)
