"""Gives requests back to the release before, as long as it still runs, where the one that took them dies."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta

from headway.core.deployments.ledger import Ledger
from headway.core.engine.by_host import ByHost
from headway.features.services.application import health_store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.health_store import ApplicationHandover
from headway.features.services.model import Release
from headway.features.services.reconciler import mark_unstable
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Unchanged

log = logging.getLogger(__name__)

_REST = 0.1
_STARTED_AGAIN = "exit status 0"
_PAUSE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFailback:
    """Watches every release for the ``window`` after it came to serve, on whatever host it is; ``unchanged`` says when
    nothing can have come to serve.
    """

    lifecycle: ApplicationLifecycle
    ledger: Ledger
    window: timedelta
    unchanged: Unchanged
    _moved: dict[str, ApplicationHandover] = field(default_factory=dict)
    _watching: ByHost = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_watching", ByHost("watch of release", self._watch))

    async def round(self) -> float:
        """Begins to watch what has come to serve since the last round; seconds to rest. Time alone brings none."""
        if (found := await self.unchanged.unless(self._handed_over)) is not None:
            self._moved.clear()  # what is over: the next look of its watch is the last
            self._moved.update((moved.new.release_id, moved) for moved in found)
            for release_id in self._moved:
                self._watching.start(release_id)
        return _REST

    async def _handed_over(self) -> list[ApplicationHandover]:
        return await self.lifecycle.db.read(lambda tx: health_store.handed_over(tx, tx.now - self.window))

    async def release(self) -> None:
        """Ends what is under way."""
        await self._watching.release()

    async def _watch(self, release_id: str) -> None:
        end = time.monotonic() + self.window.total_seconds()
        while (moved := self._moved.get(release_id)) is not None and time.monotonic() < end:
            if (how := await self._fallen(moved.new)) is not None:
                async with self.lifecycle.turn(moved.new.service_id):
                    await self._give_back(moved, how)
                return
            await asyncio.sleep(_PAUSE)

    async def _give_back(self, moved: ApplicationHandover, how: str) -> None:
        """Leads requests to the release before, first of all; what somebody has ended on purpose is not asked about."""
        there = self.lifecycle.driver.runtime(moved.old)
        crashed, before, usurped = await asyncio.gather(
            self.lifecycle.driver.runtime(moved.new).crashed(moved.new.release_id),
            there.status(moved.old.release_id),
            there.usurped(),
        )
        if not crashed or not before.up or moved.old.release_id in usurped:
            return
        routing = self.lifecycle.tools.routing
        if not await routing.lead_back(moved):
            return
        why = f"The release ended by itself{how} soon after requests came to it; the one before serves again."
        if not await self.lifecycle.db.run(lambda tx: self._handed_back(tx, moved, why)):
            # Its drain has ended meanwhile: it is removed, and its port is another's soon. Or a deploy has begun.
            await routing.lead_again(moved)
            return
        log.warning("application %s: release %s: %s", moved.new.service_id, moved.new.release_id, why)

    def _handed_back(self, tx: Tx, moved: ApplicationHandover, why: str) -> bool:
        is_given_back = health_store.hand_back(tx, moved, why)
        if is_given_back:
            mark_unstable(tx, self.ledger, moved.new.deployment_id)
        return is_given_back

    async def _fallen(self, release: Release) -> str | None:
        """How a process that took requests has ended since it was healthy, for a sentence; None where none has."""
        now = await self.lifecycle.driver.runtime(release).status(release.release_id)
        if release.health is None or set(release.health.copies) <= set(now.copies):
            return None
        ends = (each.last_exit for each in now.processes if each.last_exit)
        # An engine that has started a container again does not know any more how it ended.
        return next((f" ({each})" for each in ends if each != _STARTED_AGAIN), "")
