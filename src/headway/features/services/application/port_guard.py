"""Takes a route away from a release whose port somebody else listens on, and gives it back when that is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import field

from headway.core.engine.concurrency import at_once
from headway.features.services import store as services_store
from headway.features.services.application import store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.model import Release, ReleaseState
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

log = logging.getLogger(__name__)

_REST = 0.25
_TAKEN = "Its port is held by a process that is not its own; nobody is led there until that is gone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Guards the routes of one host. ``unstable`` marks the deployment of a release that lost its port."""

    host_id: str
    lifecycle: ApplicationLifecycle
    unstable: Callable[[Tx, str, str], None]
    _away: dict[str, Release] = field(default_factory=dict)
    _closing: set[str] = field(default_factory=set)

    @property
    def away(self) -> Collection[str]:
        """The releases to which nobody is to be led now."""
        return self._away.keys() | self._closing

    async def guard_round(self) -> float:
        """One look at the ports of all that serves; seconds to rest. What a release does not listen on any more may be
        taken by any account of the machine that comes first.
        """
        usurped = await self.lifecycle.contexts.at(self.host_id).runtimes.usurped()
        taken = {release_id for found in usurped.values() for release_id in found}
        changed = [*(self._close(each) for each in taken)]
        changed += (self._open(each) for each in self._away.keys() - taken)
        await at_once(changed)  # one that breaks is met again in the next round
        return _REST

    async def _open(self, release_id: str) -> None:
        """Leads requests there again, unless another serves by now, or nobody is to. While what is being deployed has
        them it waits: should that fail, nobody else would lead them back.
        """
        service_id = self._away[release_id].service_id
        async with self.lifecycle.turn(service_id):
            release = await self.lifecycle.db.read(lambda tx: _wanted(tx, service_id, release_id))
            if release is not None and not await self.lifecycle.tools.routing.lead_there_again(release):
                return
        self._away.pop(release_id, None)

    async def _close(self, release_id: str) -> None:
        """Leads nobody there any more, where people are to be; again, where somebody has led them there since. What is
        asked beside the one that serves, as it drains, is asked no more.
        """
        release = await self.lifecycle.db.read(lambda tx: _to_close(tx, release_id))
        if release is None:
            return
        if release.state is ReleaseState.RETIRING:
            await self.lifecycle.tools.routing.lead_away(release)
            return
        self._closing.add(release_id)  # for the seconds that the edge may take
        try:
            is_closed = await self.lifecycle.tools.routing.lead_away(release)
            is_new = is_closed and release_id not in self._away
            if is_closed:
                self._away[release_id] = release
        finally:
            self._closing.discard(release_id)
        if not is_new:
            return
        log.error(
            "the port of application %s is held by a process that is not its own; nobody is led there until it is gone",
            release.service_id,
            extra={"ports": list(release.ports)},
        )
        await self.lifecycle.db.run(lambda tx: self.unstable(tx, release.deployment_id, _TAKEN))


def _to_close(tx: Tx, release_id: str) -> Release | None:
    """The release, where people are led to it, or may be while it drains: not one that was stopped, whose port is
    anybody's.
    """
    release = store.release(tx, release_id)
    if release is None or release.state is ReleaseState.RETIRING:
        return release
    return _wanted(tx, release.service_id, release_id)


def _wanted(tx: Tx, service_id: str, release_id: str) -> Release | None:
    """The release, where it is the one that is to take the service's requests."""
    serving = store.serving(tx, service_id) if services_store.is_wanted(tx, service_id) else None
    return serving if serving is not None and serving.release_id == release_id else None
