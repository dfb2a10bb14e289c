"""Takes a route away from a release whose port somebody else listens on, and gives it back when that is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from headway.features.services import store as services_store
from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.model import APPLICATIONS, DesiredState, Release, ReleaseState
from headway.infra.db.transaction import Tx

log = logging.getLogger(__name__)

_REST = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Guards the routes of one host. ``unstable`` marks the deployment of a release that lost its port."""

    host_id: str
    lifecycle: ApplicationLifecycle
    unstable: Callable[[Tx, str], None]
    _away: dict[str, Release] = field(default_factory=dict)

    async def guard_round(self) -> float:
        """One look at the ports of all that serves; seconds to rest. What a release does not listen on any more may be
        taken by any account of the machine that comes first.
        """
        usurped = await self.lifecycle.contexts.at(self.host_id).runtimes.usurped()
        taken = {release_id for found in usurped.values() for release_id in found}
        for release_id in taken - self._away.keys():
            release = await self.lifecycle.db.read(lambda tx, id_=release_id: store.release(tx, id_))  # type: ignore[misc]
            if release is not None and release.state is ReleaseState.SERVING and release_id not in self._away:
                await self._close(release)
        for release_id in self._away.keys() - taken:
            await self._open(self._away.pop(release_id))
        return _REST

    async def _open(self, release: Release) -> None:
        async with self.lifecycle.turn(release.service_id):
            at_rest = await self.lifecycle.db.read(lambda tx: services_store.at_rest(tx, self.host_id, APPLICATIONS))
            if (release.service_id, DesiredState.UP) in {(each.service_id, each.wanted) for each in at_rest}:
                await self.lifecycle.tools.routing.lead_at_rest(release)

    async def _close(self, release: Release) -> None:
        self._away[release.release_id] = release
        await self.lifecycle.tools.routing.remove(release.service_id)
        log.error(
            "the port of application %s is held by a process that is not its own; nobody is led there until it is gone",
            release.service_id,
            extra={"ports": list(release.ports)},
        )
        await self.lifecycle.db.run(lambda tx: self.unstable(tx, release.deployment_id))
