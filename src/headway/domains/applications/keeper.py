"""Keeps what is on the machine and what is wanted of it the same: brings up, retires, watches, sweeps."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from headway.core.deployments import store as deployments
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.status import Status
from headway.domains.applications import store
from headway.domains.applications.model import Application, Release, ReleaseState, Wanted
from headway.domains.applications.operate import Operating
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.vault import Vault

log = logging.getLogger(__name__)

_REST = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """``keep_round`` is one round of its loop; ``restore`` is done once when the panel starts."""

    operating: Operating
    ledger: Ledger
    vault: Vault
    watch_time: timedelta
    keep_releases: int

    async def restore(self) -> None:
        """After a start of the panel, perhaps after a reboot: every application that is wanted serves again, what is
        not wanted is down, and what no row names is gone.
        """
        await self.operating.tools.runtime.ensure()
        applications = await self.operating.db.read(lambda tx: store.every(tx, self.vault))
        for application in applications:
            await self._bring_in_line(application)
        await self._sweep()

    async def keep_round(self) -> float:
        """Retires what is due and looks whether what serves still does; seconds to rest."""
        await self.operating.tools.runtime.watch()
        for release in await self.operating.db.read(store.due_to_retire):
            await self.operating.retire(release, self.keep_releases)
        for release in await self.operating.db.read(lambda tx: store.watched(tx, tx.now - self.watch_time)):
            if await self.operating.tools.runtime.crashed(release.release_id):
                await self.operating.db.run(lambda tx, found=release: self._mark_unstable(tx, found))  # type: ignore[misc]
        return _REST

    async def _bring_in_line(self, application: Application) -> None:
        try:
            if application.wanted is Wanted.UP:
                await self.operating.up(application)
            elif not await self._is_deploying(application):
                await self.operating.down(application)
        except HeadwayError as error:
            log.warning("application %s is not as it is wanted: %s", application.app_name, error.message)

    async def _is_deploying(self, application: Application) -> bool:
        found = await self.operating.db.read(lambda tx: store.releases_of(tx, application.application_id))
        return any(release.state is ReleaseState.STARTING for release in found)

    async def _sweep(self) -> None:
        """Removes releases that no row names: their deployment was undone while the machine was going down."""
        rows = {release.release_id for release in await self.operating.db.read(store.every_release)}
        for release_id in await self.operating.tools.runtime.known() - rows:
            claims = await self.operating.db.read(lambda tx, id_=release_id: deployments.claims(tx, [id_]))  # type: ignore[misc]
            if claims.get(release_id, (Status.ERROR,))[0].ended:
                await self.operating.tools.runtime.remove(release_id)

    def _mark_unstable(self, tx: Tx, release: Release) -> None:
        deployments.set_fields(tx, release.deployment_id, unstable=True)
        deployments.announce_later(tx, "deployment.unstable", {"deploymentId": release.deployment_id})
        self.ledger.touched(tx, release.deployment_id, Status.DONE)
