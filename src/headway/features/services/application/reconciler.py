"""Keeps what is on the machine and what is wanted of it the same: brings up, retires, watches, sweeps."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import ClassVar

from headway.core.access import allowances
from headway.core.deployments import store as deployments
from headway.core.engine.concurrency import AT_ONCE, at_once
from headway.core.engine.host_work import ByHost
from headway.drivers.runtimes.contract.runtime_set import Failure
from headway.features.services import store as services_store
from headway.features.services.application import health_store, store
from headway.features.services.application.downtime import ApplicationDowntime
from headway.features.services.application.driver import ApplicationDriver
from headway.features.services.application.failback import how_ended
from headway.features.services.application.loopback_memory import look_back
from headway.features.services.application.port_guard import Guard
from headway.features.services.application.tools import ApplicationContext
from headway.features.services.last_look import Replaced, may_end
from headway.features.services.model import AtRest, DesiredState, Release, ReleaseState
from headway.features.services.reconciler import ONCE, ServiceReconciler
from headway.infra.db.engine import DatabaseAway
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, Unavailable

log = logging.getLogger(__name__)

_NATIVE = "native"
_ROUTES_SECONDS = 60.0
_BY_ENGINES = frozenset({"container", "swarm"})  # what engines start again by themselves


@dataclass(kw_only=True)
class ApplicationReconciler(ServiceReconciler[ApplicationContext, ApplicationDriver]):
    """Keeps the applications of one host, and guards their routes."""

    rest_seconds: ClassVar[float] = 1.0
    replaced: Callable[[str], Replaced]
    guard: Guard = field(init=False)
    _held: set[str] = field(default_factory=set)
    _unswept: set[str] = field(default_factory=set)
    _look_at_routes_at: float = field(default_factory=lambda: time.monotonic() + _ROUTES_SECONDS)
    _retiring: ByHost = field(init=False)
    _seats: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))  # of what is being ended

    def __post_init__(self) -> None:
        super().__post_init__()
        self.guard = Guard(host_id=self.host_id, lifecycle=self.lifecycle, unstable=self._mark_unstable)
        self._retiring = ByHost("end of what was replaced", self._retire)

    async def restore(self) -> float:
        """After a start of the panel, perhaps after a reboot: what is wanted serves again, what was being deleted is
        gone, the edge leads where the rows say, and what no row names is gone too. Seconds to rest: it is done once.
        """
        await self.finish_deletions()
        await look_back(self.lifecycle.db, self._tools, self.lifecycle.vault)
        unclosed = await self._close_ports()
        await self._tools.runtimes.ensure()  # what fails is met again, and shown, by the next round
        at_rest = await self.lifecycle.db.read(self._at_rest)
        wanted = [each for each in at_rest if each.wanted is DesiredState.UP and each.runtime not in unclosed]
        await self._bring_all_in_line([each.service_id for each in wanted])
        await self._tools.routing.look_at_all(self._tools.edge)
        await self._catch_up()
        self._unswept = set(self._tools.runtimes.forms)
        await self._sweep()
        return ONCE

    async def keep_round(self) -> float:
        """Brings what runs in line with what is wanted, retires what is due, and looks whether what serves still does;
        seconds to rest.
        """
        lifecycle = self.lifecycle
        self._starts.begin_round()
        await self.finish_deletions()  # first: also from a server that lacks what keeps applications up
        unclosed = await self._close_ports()
        failed = {**await self._tools.runtimes.watch(), **unclosed}
        if self.host_id != lifecycle.tools.host_id:  # there it has a loop of its own
            await self.guard.guard_round()
        running = await self._tools.runtimes.running()
        up = {name: found for name, found in running.found.items() if name not in unclosed}
        at_rest = await lifecycle.db.read(self._at_rest)
        await self._show({**running.failed, **failed}, at_rest)
        await self._bring_all_in_line(_out_of_line(at_rest, up))
        await self._hold(up)
        await self._lead_lost(at_rest)
        due = await lifecycle.db.read(lambda tx: store.due_to_retire(tx, self.host_id))
        for each in due:
            if each.runtime in up:
                self._aside(self._retiring, each.release_id, _replaced(each.release_id))
        since = self.watch_time
        for release in await lifecycle.db.read(lambda tx: health_store.watched(tx, self.host_id, tx.now - since)):
            if release.runtime in up:
                await self._by_itself(f"new release {release.release_id}", partial(self._watch, release))
        await self._catch_up()
        if up.keys() & self._unswept:  # it was away as all else was restored
            await self._sweep()
        await self._watch_downtime(at_rest, up)
        return await self._rest()

    async def _close_ports(self) -> dict[str, Failure]:
        """Keeps processes from the ports of containers. That this fails is a failure of the runtime of processes, none
        of which may be the first to start then.
        """
        try:
            await self._tools.close_ports_of_containers()
        except DatabaseAway:
            raise
        except (HeadwayError, OSError) as error:
            return {_NATIVE: error}
        return {}

    async def _show(self, failed: Mapping[str, Failure], at_rest: Sequence[AtRest]) -> None:
        """Shows which runtimes are away or broken that keep something alive here."""
        needed = {each.runtime for each in at_rest if each.wanted is DesiredState.UP}
        for name in failed.keys() & needed:
            await self._note_runtime(name, failed[name])

    async def _bring_all_in_line(self, application_ids: Sequence[str]) -> None:
        free = [each for each in application_ids if not self._is_taken(each, each)]
        await at_once(self._by_itself(each, partial(self._bring_in_line, each)) for each in free)

    async def _catch_up(self) -> None:
        """Tries again what the edge of this host could not follow; of other hosts, who looks after those does."""
        routing = self.lifecycle.tools.routing
        behind = tuple(routing.behind)
        if not behind:
            return
        hosts = await self.lifecycle.db.read(lambda tx: services_store.hosts_of(tx, behind))
        # What is gone has no host any more: it is forgotten by the panel's machine.
        mine = [each for each in behind if hosts.get(each, self.lifecycle.tools.host_id) == self.host_id]
        await at_once(self._by_itself(f"route of {each}", partial(routing.catch_up, each)) for each in mine)

    async def _lead_lost(self, at_rest: Sequence[AtRest]) -> None:
        """Looks now and then whether what serves has a route: its file may have been lost, or could not be read."""
        if time.monotonic() < self._look_at_routes_at:
            return
        self._look_at_routes_at = time.monotonic() + _ROUTES_SECONDS
        led, away = await self._tools.edge.routes(), self.guard.away
        await at_once(
            self._by_itself(f"lost route of {each.service_id}", partial(self._lead_one, each.service_id))
            for each in at_rest
            if each.wanted is DesiredState.UP and each.release_id not in {None, *away} and each.service_id not in led
        )

    async def _lead_one(self, application_id: str) -> None:
        async with self.lifecycle.turn(application_id):
            if await self.lifecycle.db.read(lambda tx: services_store.is_wanted(tx, application_id)):
                await self.lifecycle.tools.routing.lead_lost(application_id)

    async def _watch(self, release: Release) -> None:
        runtime = self.lifecycle.driver.runtime(release)
        if await runtime.crashed(release.release_id):
            how = how_ended(await runtime.status(release.release_id))
            why = f"The release ended by itself{how} after requests came to it. Its output says more."
            await self.lifecycle.db.run(lambda tx: self._mark_unstable(tx, release.deployment_id, why))

    async def _watch_downtime(self, at_rest: Sequence[AtRest], up: Collection[str]) -> None:
        """Looks whether what is to run does, as long after its deployment as it may be; a few at each round."""
        await self.downtime.forget_others(at_rest)
        of = ApplicationDowntime(lifecycle=self.lifecycle)
        await at_once(
            self._by_itself(f"whether {each.service_id} runs", partial(self.downtime.look, each, of))
            for each in self.downtime.due([each for each in at_rest if each.runtime in up])
        )

    async def release(self) -> None:
        await self._retiring.release()

    async def _retire(self, release_id: str) -> None:
        await self._by_itself(_replaced(release_id), partial(self._end_replaced, release_id))

    async def _end_replaced(self, release_id: str) -> None:
        """Ends a replaced release, once the one in its place is seen to answer yet; those that are kept keep their
        folders. Where an engine or the edge is away, or a disk is full, it is left to the next round.
        """
        try:
            if await may_end(self.replaced(release_id)):
                async with self._seats:
                    await self._end(release_id)
        except (Unavailable, OSError) as error:
            if self._told.get(release_id) != str(error):  # each round meets it again: once is enough
                self._told[release_id] = str(error)
                log.warning("left for later: %s", error)
        else:
            self._told.pop(release_id, None)

    async def _end(self, release_id: str) -> None:
        release = await self.lifecycle.db.read(lambda tx: store.release(tx, release_id))
        if release is None or release.state is not ReleaseState.RETIRING:  # it serves, or went with its application
            return
        await self.lifecycle.driver.retire(release)
        async with self.lifecycle.turn(release.service_id):  # another may have ended at the same moment
            await self.lifecycle.clear(release.service_id)

    async def _hold(self, up: Collection[str]) -> None:
        """What may not be started again now is not by the engine either: what runs goes on. A swarm would start it
        again whatever it is told, so that copies there end. Once it may, the panel starts it again where it is down.
        """
        lost = await self.lifecycle.db.read(allowances.without_machine)
        self._held.intersection_update(lost)
        for application_id in lost - self._held:
            await self._by_itself(f"{application_id} that may not serve", partial(self._hold_one, application_id, up))

    async def _hold_one(self, application_id: str, up: Collection[str]) -> None:
        release = await self.lifecycle.db.read(lambda tx: store.serving(tx, application_id))
        mine = release is not None and release.host_id == self.host_id and release.runtime in _BY_ENGINES
        if release is None or not mine or (release.runtime in up and await self._is_held(release)):
            self._held.add(application_id)

    async def _is_held(self, release: Release) -> bool:
        try:
            if release.runtime == "swarm":
                await self.lifecycle.driver.runtime(release).stop(release.release_id)
            else:
                await self._tools.imaging.hold(release.release_id)
        except Unavailable as away:
            log.warning("left for later: %s", away.message)
            return False
        return True

    async def _sweep(self) -> None:
        """Removes releases that no row names: their deployment was undone while the machine was going down."""
        rows = {each.release_id for each in await self.lifecycle.db.read(store.every_release)}
        for runtime, known in (await self._tools.runtimes.known()).items():
            swept = runtime not in self._unswept
            self._unswept.discard(runtime)
            for release_id in () if swept else known - rows:
                await self._by_itself(f"unknown release {release_id}", partial(self._sweep_away, runtime, release_id))

    async def _sweep_away(self, runtime: str, release_id: str) -> None:
        if await self.lifecycle.db.read(lambda tx: _is_nobodys(tx, release_id)):
            await self._tools.runtimes.of(runtime).remove(release_id)


def _replaced(release_id: str) -> str:
    return f"replaced release {release_id}"


def _is_nobodys(tx: Tx, release_id: str) -> bool:
    claims = deployments.claims(tx, [release_id])
    is_made = release_id in claims and not claims[release_id].status.ended
    return not is_made and store.release(tx, release_id) is None  # it may have got its row since the others were read


def _out_of_line(at_rest: Sequence[AtRest], up: Mapping[str, Collection[str]]) -> list[str]:
    """The applications of which something runs that is not to, or nothing although it is to."""
    return [
        each.service_id
        for each in at_rest
        if each.runtime in up and (each.release_id in up[each.runtime]) is not (each.wanted is DesiredState.UP)
    ]
