"""Makes compose services' rows: new ones, and the copies of an environment's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from headway.core.access.model import Actor
from headway.core.deployments.model import SubjectType
from headway.features.git.providers import require_copyable
from headway.features.git.references import judged_copy
from headway.features.projects.model import ServicePlace
from headway.features.services.compose import powers, store
from headway.features.services.compose.model import Compose, ComposeSettings
from headway.features.services.creation import ServiceCreation
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeCreation(ServiceCreation[ComposeSettings]):
    """Adds compose services."""

    kind: SubjectType = SubjectType.COMPOSE

    def copy(
        self, tx: Tx, actor: Actor, environment_id: str, target: ServicePlace, only: Collection[str] | None
    ) -> set[str]:
        """Makes the compose services of an environment again in ``target``, those of ``only`` where it is given, with
        their settings and variables and not deployed; the ids of what was copied. Raises CopyOfHidden, NearRefused.
        """
        models = [
            each
            for each in store.of_environment(tx, environment_id, self.vault)
            if only is None or each.service_id in only
        ]
        for model in models:
            require_copyable(tx, actor, model.name, model.settings)
            made = self.add(
                tx,
                target,
                f"{model.name} (copy)" if target.environment_id == environment_id else model.name,
                description=model.description,
                settings=_for_copy(model, actor),
                env=model.env,
                host_id=model.host_id,
            )
            powers.save(tx, actor, made)
        return {model.service_id for model in models}

    def _own(self, tx: Tx, service: Compose, name: str) -> Compose:
        # The volumes of a preview are nobody else's.
        return replace(service, build_uid=self._new_uid(tx, "compose"), delete_volumes=service.preview_of is not None)


def _for_copy(model: Compose, actor: Actor) -> ComposeSettings:
    """The one service was allowed to use the host, and its copies are where the caller may allow that; an upload stays
    with the one. Raises NearRefused.
    """
    may = powers.allower(actor, model.host_id) is not None
    host_access, engine_fetch = model.settings.host_access and may, bool(model.settings.engine_fetch) and may
    settings = replace(
        model.settings,
        host_access=host_access,
        engine_fetch=engine_fetch,
        drop=replace(model.settings.drop, archive=None),
    )
    return judged_copy(actor, settings)
