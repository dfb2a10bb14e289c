"""Where in an application scripts run: inside of the release that serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.core.deployments.run import RunFailed
from headway.drivers.runtimes.contract.inner_places import Inside
from headway.features.services.application import store
from headway.features.services.application.snapshot import open_snapshot
from headway.features.services.application.tools import ApplicationContexts
from headway.features.services.application.variables import known_secrets
from headway.features.services.kinds import ScriptPlace
from headway.features.services.model import DesiredState
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationScripts:
    """Fits ``kinds.ScriptPlaces``."""

    vault: Vault
    contexts: ApplicationContexts
    of_several: bool = False

    def place(self, tx: Tx, application_id: str, _service_name: str | None) -> ScriptPlace:
        application = store.find(tx, application_id, self.vault)
        release = store.serving(tx, application_id)
        if release is None:
            raise RunFailed(f"The application {application.name} was never deployed; deploy it first.")
        if application.wanted is not DesiredState.UP:
            raise RunFailed(f"The application {application.name} is stopped; start it first.")
        snapshot = open_snapshot(store.spec_of(tx, release.release_id), self.vault)
        mask = known_secrets(tx, application, self.vault) | {*(snapshot.mask if snapshot is not None else ())}
        plan = {"runtime": release.runtime, "release_id": release.release_id}
        return ScriptPlace(plan=plan, mask=tuple(sorted(mask)))

    async def enter(self, host_id: str, plan: Mapping[str, Any]) -> Inside:
        return await self.contexts.at(host_id).runtimes.of(plan["runtime"]).inside(plan["release_id"])
