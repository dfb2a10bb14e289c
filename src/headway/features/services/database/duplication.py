"""Makes the databases of an environment again in another place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from headway.core.access.model import Actor
from headway.features.git.references import judged_copy
from headway.features.projects.model import ServicePlace
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.database import store
from headway.features.services.database.application_spec import judged_elsewhere, settings_for
from headway.features.services.database.model import Database, DatabaseSettings
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """Fits ``duplication.CopyServices`` by its ``copy``."""

    creation: ApplicationCreation
    vault: Vault

    def copy(
        self, tx: Tx, actor: Actor, environment_id: str, target: ServicePlace, only: Collection[str] | None
    ) -> set[str]:
        """The databases of an environment, those of ``only`` where it is given, with their settings and passwords and
        not deployed, so without what they hold; the ids of those that were copied. No port of a machine leads to two.
        Raises NearRefused.
        """
        models = store.of_environment(tx, environment_id, only, self.vault)
        for model in models:
            given = _for_copy(actor, replace(model.settings, ports={}, volume="data"))
            beside = target.environment_id == environment_id
            runs = self.creation.add(
                tx,
                target,
                f"{model.name} (copy)" if beside else model.name,
                settings=judged_copy(actor, settings_for(model.kind, given, model.runs.settings)),
                host_id=model.runs.host_id,
                database=model.kind,
            )
            made = replace(runs, description=model.runs.description)
            database = Database(kind=model.kind, runs=made, settings=given)
            store.add(tx, database, self.vault)
            store.write(tx, database, self.vault)
        return {model.database_id for model in models}


def _for_copy(actor: Actor, given: DatabaseSettings) -> DatabaseSettings:
    """Where it runs elsewhere, that is the word of whoever copies it, and leads no further than before."""
    led = judged_elsewhere(actor, DatabaseSettings(), given)
    if led.elsewhere is None or given.elsewhere is None or not given.elsewhere.guarded:
        return led
    return replace(led, elsewhere=given.elsewhere)
