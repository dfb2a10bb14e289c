"""The container of a database server that is a service of a compose file."""

from __future__ import annotations

from headway.core.deployments.run import RunFailed
from headway.features.services.compose.tools import ComposeContexts
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeDatabases:
    """Fits ``kinds.DatabaseContainers``."""

    contexts: ComposeContexts

    async def find(self, host_id: str, compose_id: str, name: str, at: str) -> str:
        """See ``DatabaseContainers.find``: the newest of its containers."""
        running = await self.contexts.at(host_id).running(compose_id, name)
        if not running:
            raise RunFailed(
                f"The service {name}{at} has no container that runs: start the compose service, then back it up."
            )
        return running[-1].container_id
