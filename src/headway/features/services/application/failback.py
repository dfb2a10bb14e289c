"""Gives requests back to the release before, as long as it still runs, where the one that took them dies."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import field
from datetime import timedelta

from headway.core.deployments.ledger import Ledger
from headway.core.engine.host_work import ByHost
from headway.drivers.runtimes.contract.runtime import ReleaseStatus
from headway.features.services.application import health_store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.health_store import ApplicationHandover
from headway.features.services.model import Release
from headway.features.services.reconciler import mark_unstable
from headway.features.services.routing import ServiceRouting
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Unchanged
from headway.kernel.artifacts import Route
from headway.kernel.dataclass import dataclass

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
            if (how := await self.fallen(moved.new)) is not None:
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
        if crashed and before.up and moved.old.release_id not in usurped:
            await self._lead_back(moved, _ended(how))

    async def hand_back(self, moved: ApplicationHandover, what: str) -> bool:
        """Leads requests to the release before, if it runs; whether it serves again. ``what`` is the beginning of the
        sentence that says why.
        """
        async with self.lifecycle.turn(moved.new.service_id):
            before = await self.lifecycle.driver.runtime(moved.old).status(moved.old.release_id)
            return before.up and await self._lead_back(moved, what)

    async def _lead_back(self, moved: ApplicationHandover, what: str) -> bool:
        routing = self.lifecycle.tools.routing
        if not await routing.lead_back(moved):
            return False
        why = f"{what} soon after requests came to it; the one before serves again."
        if not await self.lifecycle.db.run(lambda tx: self._handed_back(tx, moved, why)):
            # Its drain has ended meanwhile: it is removed, and its port is another's soon. Or a deploy has begun.
            await routing.lead_again(moved)
            return False
        log.warning("application %s: release %s: %s", moved.new.service_id, moved.new.release_id, why)
        return True

    def _handed_back(self, tx: Tx, moved: ApplicationHandover, why: str) -> bool:
        is_given_back = health_store.hand_back(tx, moved, why)
        if is_given_back:
            mark_unstable(tx, self.ledger, moved.new.deployment_id, why)
        return is_given_back

    async def fallen(self, release: Release) -> str | None:
        """How a process that took requests has ended since it was healthy, for a sentence; None where none has."""
        now = await self.lifecycle.driver.runtime(release).status(release.release_id)
        if release.health is None or set(release.health.copies) <= set(now.copies):
            return None
        return how_ended(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacedRelease:
    """Fits ``last_look.Replaced``: a release that drains, beside one that answered HTTP when it came to serve."""

    failback: ApplicationFailback
    release_id: str
    watch_time: timedelta

    @property
    def routing(self) -> ServiceRouting:
        """See ``Replaced``."""
        return self.failback.lifecycle.tools.routing

    async def route(self) -> Route | None:
        """See ``Replaced``."""
        moved = await self._moved()
        route = None if moved is None else await self.routing.standing(moved.new.service_id)
        return route if route and moved and route.release_id == moved.new.release_id else None

    async def fallen(self) -> str | None:
        """See ``Replaced``."""
        moved = await self._moved()
        how = None if moved is None else await self.failback.fallen(moved.new)
        if moved is None or how is None:
            return None
        runtime = self.failback.lifecycle.driver.runtime(moved.new)
        return _ended(how) if await runtime.crashed(moved.new.release_id) else None

    async def keep(self, time: timedelta) -> None:
        """See ``Replaced``."""
        await self.failback.lifecycle.db.run(lambda tx: health_store.keep(tx, self.release_id, tx.now + time))

    async def hand_back(self, what: str) -> bool:
        """See ``Replaced``."""
        moved = await self._moved()
        return moved is not None and await self.failback.hand_back(moved, what)

    async def _moved(self) -> ApplicationHandover | None:
        return await self.failback.lifecycle.db.read(
            lambda tx: health_store.stand_in(tx, self.release_id, tx.now - self.watch_time)
        )


def _ended(how: str) -> str:
    return f"The release ended by itself{how}"


def how_ended(status: ReleaseStatus) -> str:
    """How a process of a release has ended last, for a sentence; empty where nobody knows."""
    ends = (each.last_exit for each in status.processes if each.last_exit)
    # An engine that has started a container again does not know any more how it ended.
    return next((f" ({each})" for each in ends if each != _STARTED_AGAIN), "")
