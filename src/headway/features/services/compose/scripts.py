"""Where in a compose service scripts run: inside of a container of one of its services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.core.deployments.run import RunFailed
from headway.drivers.runtimes.contract.inner_places import InContainer, Inside
from headway.features.services.compose import store
from headway.features.services.compose.plan import known_secrets
from headway.features.services.compose.tools import ComposeContexts
from headway.features.services.kinds import ScriptPlace
from headway.features.services.model import DesiredState
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeScripts:
    """Fits ``kinds.ScriptPlaces``."""

    vault: Vault
    contexts: ComposeContexts
    of_several: bool = True

    def place(self, tx: Tx, compose_id: str, service_name: str | None) -> ScriptPlace:
        compose = store.find(tx, compose_id, self.vault)
        release = store.serving(tx, compose_id, self.vault)
        if release is None:
            raise RunFailed(f"The compose service {compose.name} was never deployed; deploy it first.")
        if compose.wanted is not DesiredState.UP:
            raise RunFailed(f"The compose service {compose.name} is stopped; start it first.")
        if service_name not in release.record.services:
            there = ", ".join(sorted(release.record.services))
            raise RunFailed(f"The compose service {compose.name} has no service {service_name}; it has: {there}.")
        mask = {*known_secrets(tx, compose, self.vault), *release.record.secrets}
        plan = {"compose_id": compose_id, "service": service_name}
        return ScriptPlace(plan=plan, mask=tuple(sorted(mask)))

    async def enter(self, host_id: str, plan: Mapping[str, Any]) -> Inside:
        """See ``ScriptPlaces.enter``: the newest of its containers."""
        tools, service = self.contexts.at(host_id), plan["service"]
        running = await tools.running(plan["compose_id"], service)
        if not running:
            raise RunFailed(
                f"No container of the service {service} runs; start the compose service, or look at its logs."
            )
        newest = running[-1].container_id
        state = (await tools.engine.api.get(f"/containers/{newest}/json"))["State"]
        return InContainer(container_id=newest, pid=state["Pid"] or None)
