"""Makes what lies in an environment again: beside it, or in a new project."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.features.projects import store
from headway.features.projects.model import Environment, ServicePlace
from headway.features.projects.service import added_project
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault


class CopyServices(Protocol):
    """Makes the services of one kind of an environment again."""

    def __call__(
        self, tx: Tx, actor: Actor, environment_id: str, target: ServicePlace, only: Collection[str] | None, /
    ) -> Collection[str]:
        """Makes those of ``only``, or all, in ``target``, on the same servers, with their settings and variables and
        not deployed; the ids of what was copied. Raises CopyOfHidden, Forbidden, NearRefused, InvalidInput.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentDuplication:
    """Duplicates environments with what lies in them: ``copies`` makes it, one kind after the other."""

    db: Database
    vault: Vault
    copies: Sequence[CopyServices]

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
        """Makes the services of an environment again: in the same environment as copies (``beside``), else in the
        default environment of a new project with this name and the variables of both, which takes the permission
        ``creates``. ``only`` names those to make, None all. Gives the environment in which they lie now. Raises
        Missing, and what ``CopyServices`` does.
        """

        def write(tx: Tx) -> Environment:
            source = self._place(tx, actor, permission, environment_id)
            target = (
                source if beside else self._new_project(tx, actor, creates, source, name=name, description=description)
            )
            made = set[str]()
            for copy in self.copies:
                made |= set(copy(tx, actor, environment_id, target, only))
            if only is not None and set(only) - made:
                raise Missing(Noun.APPLICATION)
            return store.find_environment(tx, self.vault, target.environment_id)

        return await self.db.run(write)

    def _place(self, tx: Tx, actor: Actor, permission: Permission, environment_id: str) -> ServicePlace:
        place = store.place_of(tx, environment_id)
        permit(actor, permission, place.organization_id, place.project_id, noun=Noun.ENVIRONMENT)
        return place

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
            env=store.find_project(tx, self.vault, source.project_id).env,
            env_inside=store.find_environment(tx, self.vault, source.environment_id).env,
        )
        return store.place_of(tx, environment.environment_id)
