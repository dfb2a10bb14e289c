"""The container of a database server that is a service."""

from __future__ import annotations

from headway.core.deployments.run import RunFailed
from headway.drivers.runtimes.contract.inner_places import InContainer
from headway.drivers.runtimes.contract.runtime import NotRunning
from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDatabases:
    """Fits ``kinds.DatabaseContainers``."""

    lifecycle: ApplicationLifecycle

    async def find(self, _host_id: str, database_id: str, name: str, at: str) -> str:
        """See ``DatabaseContainers.find``: that of the release that serves."""
        release = await self.lifecycle.db.read(lambda tx: store.serving(tx, database_id))
        if release is None:
            raise RunFailed(f"The database {name}{at} was never deployed: deploy it, then back it up.")
        try:
            inside = await self.lifecycle.driver.runtime(release).inside(release.release_id)
        except NotRunning as error:
            raise RunFailed(f"The database {name}{at} does not run: start it first.") from error
        match inside:
            case InContainer(container_id=container_id):
                return container_id
            case _:
                raise RunFailed(f"The database {name}{at} does not run in a container.")
