"""The engine: its loops under one roof, started together, stopped together, its runs left alive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from headway.core.deployments import leases
from headway.core.deployments.model import SubjectType
from headway.core.deployments.registration import RegisteredTwice, register
from headway.core.deployments.run import Kind, Subject
from headway.core.deployments.status import Status
from headway.core.engine.host_work import ByHost
from headway.core.engine.janitor import Janitor
from headway.core.engine.parts import Parts, Places, Registered, no_written_folders
from headway.core.engine.poller import Poller
from headway.core.engine.recovery import Recovery
from headway.core.engine.scheduler.scheduler import Scheduler, TimerSource
from headway.core.engine.stopper import Stopper
from headway.core.engine.troubles import Troubles
from headway.core.engine.worker import Worker
from headway.infra.hosts.base import Host
from headway.kernel.events import DeploymentEnded, DeploymentMoved, TimersChanged

_CLEARED_SECONDS = 1.0
_LINK_REST = 1.0
_LINK_LOOK_EVERY = 5.0
_CLEARING_SECONDS = 60.0


class Releasing(Protocol):
    """What works beside the loops."""

    async def release(self) -> None:
        """Ends what is under way; the next panel begins it again."""
        ...


class EngineRuns(RuntimeError):
    """Something is handed to an engine that runs: loops of it were begun without that, and runs taken up."""

    def __init__(self) -> None:
        super().__init__("The engine runs, and takes nothing any more: what a feature brings is handed over before.")


class Engine:
    """Claims, performs, recovers and clears deployments. It is made with what there is from the beginning; each feature
    hands over what it has by ``register``, before the engine runs.
    """

    def __init__(self, parts: Parts) -> None:
        self._runs = False
        given = parts.registered
        self._kinds, self._sources, self._hosts = dict(given.kinds), dict(given.sources), Hosts(given.hosts)
        self._places = given.places
        registered = Registered(
            kinds=MappingProxyType(self._kinds),
            sources=MappingProxyType(self._sources),
            hosts=self._hosts,
            places=self._written_folders,
        )
        self._parts = parts = replace(parts, registered=registered)
        self._janitor = janitor = Janitor(parts)
        self._host_links = HostLinks(parts, janitor.clear, self._met)
        self.worker = Worker(parts, lambda _id: self._recovering.wake(), self._host_links.is_open)
        self.recovery = Recovery(parts, self.worker)
        self._beside: tuple[Releasing, ...] = (self._host_links, self.recovery, janitor)
        self.stopper = Stopper(parts, self.worker, self.recovery)
        self._claiming = Poller("worker", self.worker.claim_all)
        self._recovering = Poller("recovery", self.recovery.look_at_all)
        self._sweeping = Poller("janitor", janitor.sweep)
        scheduler = self._scheduler()
        self._timing = Poller("scheduler", scheduler.look)
        self._pollers: tuple[Poller, ...] = (
            self._claiming,
            self._recovering,
            self._sweeping,
            Poller("reach", self._host_links.look_round),
            self._timing,
            Poller("due times", scheduler.prune),
            Poller("clock of timers", scheduler.put_right),
            Poller("presence", self.worker.renew),
            Poller("queue repair", janitor.repair),
        )

    @property
    def troubles(self) -> Troubles:
        """What the loops could not do."""
        return self._parts.troubles

    async def take_over(self, panel_id: str) -> None:
        """Voids the leases of this panel's earlier starts, by the one that holds its data directory's lock."""
        await self._parts.write(lambda tx: leases.release_of_panel(tx, panel_id))

    async def run(self) -> None:
        """Runs every loop until ``stop``, then lets the runs go on without this panel."""
        self._runs = True
        events = self._parts.events
        forget = (
            events.listen(DeploymentMoved, self._wake),
            events.listen(DeploymentEnded, self._clear_after),
            events.listen(TimersChanged, lambda _changed: self._timing.wake()),
        )
        try:
            async with asyncio.TaskGroup() as group:
                for poller in self._pollers:
                    group.create_task(poller.run(), name=poller.name)
        finally:
            for each in forget:
                each()
            for part in self._beside:
                await part.release()
            await self.worker.release()

    def register(
        self,
        *,
        kinds: Sequence[Kind] = (),
        subjects: Mapping[SubjectType, Subject] = MappingProxyType({}),
        timers: Mapping[SubjectType, TimerSource] = MappingProxyType({}),
        loops: Sequence[Poller] = (),
        released: Sequence[Releasing] = (),
        hosts: Mapping[str, Host] | None = None,
        places: Places | None = None,
    ) -> None:
        """Takes what a feature brings; ``released`` is let go of when the loops have ended. Raises EngineRuns, and
        RegisteredTwice for what another has brought under the same name.
        """
        if self._runs:
            raise EngineRuns
        register(self._kinds, ((kind.name, kind) for kind in kinds))
        self._parts.ledger.register(subjects)
        register(self._sources, timers.items())
        self._pollers += tuple(loops)
        self._beside += tuple(released)
        if hosts is not None:
            self._hosts.register(hosts)
        if places is not None:
            if self._places is not no_written_folders:
                raise RegisteredTwice("places")
            self._places = places

    def stop(self) -> None:
        """Ends the loops; safe before the start and more than once."""
        for poller in self._pollers:
            poller.stop()

    async def _written_folders(self, host_id: str) -> Collection[str]:
        return await self._places(host_id)

    def _met(self) -> None:
        """A host is in reach again."""
        self._recovering.wake()
        self._claiming.wake()

    def _wake(self, moved: DeploymentMoved) -> None:
        if moved.status != Status.RUNNING:  # something waits, or a slot has come free
            self._claiming.wake()

    def _clear_after(self, ended: DeploymentEnded) -> None:
        self._janitor.ended(ended)
        # By then who has carried the run has cleared after it, and many that end at once are looked at once.
        asyncio.get_running_loop().call_later(_CLEARED_SECONDS, self._sweeping.wake)

    def _scheduler(self) -> Scheduler:
        parts = self._parts
        return Scheduler(
            db=parts.db,
            ledger=parts.ledger,
            events=parts.events,
            clock=parts.clock,
            grace=parts.settings.missed_after,
            sources=parts.registered.sources,
            troubles=parts.troubles,
            interrupt=self.worker.interrupt,
        )


class HostLinks:
    """The hosts behind links. ``clear`` ends what is over on a host whose link is new, and tells whether nothing of it
    is left; ``back`` is told afterwards. What cannot be cleared within a minute keeps no host from working: it is tried
    further, and shown.
    """

    def __init__(self, parts: Parts, clear: Callable[[str], Awaitable[bool]], back: Callable[[], None]) -> None:
        self._parts = parts
        self._clear = clear
        self._back = back
        self._cleared: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._clearing: dict[str, tuple[int, float]] = {}
        self._meetings = ByHost("reach", self._meet)

    def is_open(self, host_id: str) -> bool:
        """Whether work may be claimed there: the link stands, and nothing is left there of what was given up."""
        host = self._parts.registered.hosts.get(host_id)
        return host is not None and host.link is not None and host.link == self._cleared.get(host_id, 0)

    async def look_round(self) -> float:
        """Looks whether each host is there, each by itself; seconds to rest."""
        now = asyncio.get_running_loop().time()
        for host_id, host in self._parts.registered.hosts.items():
            if host.link != 0 and (not self.is_open(host_id) or now >= self._due.get(host_id, 0.0)):
                self._due[host_id] = now + _LINK_LOOK_EVERY
                self._meetings.start(host_id)
        return _LINK_REST

    async def release(self) -> None:
        """Ends what is under way."""
        await self._meetings.release()

    async def _meet(self, host_id: str) -> None:
        host = self._parts.registered.hosts[host_id]
        await host.boot_id()
        link = host.link
        if link is None or self._cleared.get(host_id) == link:
            return
        if not await self._clear(host_id) and not self._has_waited(host_id, link):
            return
        if host.link == link:
            self._clearing.pop(host_id, None)
            self._cleared[host_id] = link
            self._back()

    def _has_waited(self, host_id: str, link: int) -> bool:
        """Whether what could not be cleared since the link is new was tried for long enough."""
        now = asyncio.get_running_loop().time()
        known, since = self._clearing.get(host_id, (link, now))
        self._clearing[host_id] = (link, since if known == link else now)
        return now - self._clearing[host_id][1] >= _CLEARING_SECONDS


class Hosts(Mapping[str, Host]):
    """Those that were registered, as they are at any time; servers come and go."""

    def __init__(self, hosts: Mapping[str, Host]) -> None:
        self._hosts = hosts
        self._is_registered = bool(hosts)

    def register(self, hosts: Mapping[str, Host]) -> None:
        """Takes the place of none. Raises RegisteredTwice where others were, though they may be none yet."""
        if self._is_registered:
            raise RegisteredTwice("hosts")
        self._hosts, self._is_registered = hosts, True

    def __getitem__(self, host_id: str) -> Host:
        """The host. Raises what the registered ones do."""
        return self._hosts[host_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)
