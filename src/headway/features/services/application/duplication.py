"""Makes the applications of an environment again in another place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from headway.core.access.model import Actor
from headway.features.git.providers import require_copyable
from headway.features.git.references import judged_copy
from headway.features.projects.model import ServicePlace
from headway.features.services.application import powers, store
from headway.features.services.application.attachments import with_own_ids
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.loopback import of_copy
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.sources import check_settings
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDuplication:
    """Fits ``duplication.CopyServices`` by its ``copy``."""

    creation: ApplicationCreation

    def copy(
        self, tx: Tx, actor: Actor, environment_id: str, target: ServicePlace, only: Collection[str] | None
    ) -> set[str]:
        """See ``CopyServices``. An upload stays with the one that it was made for."""
        vault, beside = self.creation.vault, target.environment_id == environment_id
        found = store.of_environment(tx, environment_id, vault)
        models = [each for each in found if only is None or each.service_id in only]
        for model in models:
            check_settings(model.settings)
            require_copyable(tx, actor, model.name, model.settings)
            made = self.creation.add(
                tx,
                target,
                f"{model.name} (copy)" if beside else model.name,
                description=model.description,
                settings=_for_copy(model, actor),
                env=model.env,
                host_id=model.host_id,
                build_host_id=model.build_host_id,
            )
            powers.save(tx, actor, made, vault)
        return {model.service_id for model in models}


def _for_copy(model: Application, actor: Actor) -> AppSettings:
    bare = replace(with_own_ids(model.settings), drop=replace(model.settings.drop, archive=None))
    return of_copy(actor, judged_copy(actor, bare))
