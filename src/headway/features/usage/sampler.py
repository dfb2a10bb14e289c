"""The loop that reads each ten seconds what every host has used, and writes it down once a minute."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from headway.core.engine.host_work import ByHost
from headway.features.usage import store
from headway.features.usage.meter import Meter
from headway.features.usage.minutes import OpenMinutes
from headway.features.usage.model import SAMPLE, UsagePoint, service_target
from headway.features.usage.settlement import settle
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker import labels
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.hosts.consumption import MachineReading
from headway.kernel.clock import Clock
from headway.kernel.dataclass import dataclass

_LEAST_REST = 1.0
_ENGINE_SECONDS = 5.0
_TRIES = 3  # in a row that fail: from then on a host is asked once a minute
_MINUTE, _NEVER = timedelta(minutes=1), datetime.min.replace(tzinfo=UTC)
_KNOWN_FOR = timedelta(hours=1)  # what was read of a host that is away since


class UsageSource(Protocol):
    """What tells of a machine what is used there; ``drivers.runtimes.contract.machine.Machine`` does."""

    async def consumption(
        self, panel_id: str, releases: Collection[str], containers: Collection[str]
    ) -> MachineReading:
        """What it has used, and these groups. Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledHost:
    """What is asked of a host; ``panel_id`` is what the panel is called there."""

    host_id: str
    machine: UsageSource
    api: DockerApi
    panel_id: str


@dataclass(slots=True)
class _Sampled:
    """What is known of a host from one reading to the next: whose its groups are, by release or container, as of the
    last minute that they were looked for.
    """

    meter: Meter
    minutes: OpenMinutes = field(default_factory=OpenMinutes)
    releases: Mapping[str, str] = field(default_factory=dict)
    containers: Mapping[str, str] = field(default_factory=dict)
    looked_at: datetime | None = None
    cost: int = 0  # microseconds spent here since the last reading, beside what is spent there
    asked_at: datetime = _NEVER
    failures: int = 0  # since the last reading

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be asked in this round."""
        return self.failures < _TRIES or not self.asked_at <= now < self.asked_at + _MINUTE


class UsageSampler:
    """``here`` is the panel's machine, ``there`` gives a server; ``reached`` are the servers that answer now and have
    services. A host that is slow, or away, has a gap and holds up no other; one that fails again and again is asked
    once a minute.
    """

    def __init__(
        self,
        *,
        db: Database,
        clock: Clock,
        here: SampledHost,
        there: Callable[[str], SampledHost],
        reached: Callable[[], Awaitable[Collection[str]]],
    ) -> None:
        self._db = db
        self._clock = clock
        self._here = here
        self._there = there
        self._reached = reached
        self._hosts: dict[str, _Sampled] = {}
        self._settled: datetime | None = None
        self._rounds = ByHost("usage", self._sample)

    async def keep_round(self) -> float:
        """Begins a reading of each host, unless one is under way there; seconds to rest until the next."""
        wanted, now = {self._here.host_id, *await self._reached()}, self._clock.now()
        for host_id in wanted:
            if self._hosts.setdefault(host_id, _Sampled(meter=Meter(host_id))).is_due(now):
                self._rounds.start(host_id)
        # A link that was lost for a moment leaves a gap, not a minute without its beginning.
        for host_id in [each for each, known in self._hosts.items() if known.asked_at < now - _KNOWN_FOR]:
            if host_id not in wanted:
                del self._hosts[host_id]
        return max(_LEAST_REST, SAMPLE - now.timestamp() % SAMPLE)

    async def release(self) -> None:
        """Ends what is under way; the minute that is not over is lost."""
        await self._rounds.release()

    async def _sample(self, host_id: str) -> None:
        known = self._hosts[host_id]
        known.asked_at, known.failures = self._clock.now(), known.failures + 1
        host = self._here if host_id == self._here.host_id else self._there(host_id)
        await self._look(host, known)
        reading = await host.machine.consumption(host.panel_id, [*known.releases], [*known.containers])
        known.failures = 0
        began = time.thread_time_ns()
        owners = {**known.releases, **known.containers}
        # A reading tells of the ten seconds before it, which is in the middle of them.
        at = self._clock.now() - timedelta(seconds=SAMPLE / 2)
        known.minutes.add(at, known.meter.take(reading, owners, known.cost))
        over = known.minutes.over(at)
        known.cost = (time.thread_time_ns() - began) // 1_000
        for minute, samples in over:
            known.cost += await self._write(host_id, minute, samples)
        if over:
            known.cost += await self._settle()

    async def _look(self, host: SampledHost, known: _Sampled) -> None:
        """Looks once a minute whose the groups are, so that what was started since has points from then on."""
        minute = self._clock.now().replace(second=0, microsecond=0)
        if known.looked_at == minute:
            return

        def read(tx: Tx) -> tuple[Mapping[str, str], set[str]]:
            return store.releases_on(tx, host.host_id), store.services_on(tx, host.host_id)

        releases, services = await self._db.read(read)
        known.releases = {release_id: service_target(each) for release_id, each in releases.items()}
        known.containers = await _containers_of(host, services, known.containers) if services else {}
        known.looked_at = minute

    async def _write(self, host_id: str, minute: datetime, samples: Mapping[str, Sequence[UsagePoint]]) -> int:
        """Writes a minute; microseconds that it took."""

        def write(tx: Tx) -> int:
            began = time.thread_time_ns()
            store.add_minute(tx, host_id, minute, samples)
            return (time.thread_time_ns() - began) // 1_000

        return await self._db.run(write)

    async def _settle(self) -> int:
        """Once an hour: what the hours before have come to; microseconds that it took. Where that fails, the minutes
        are written all the same, and it is tried again after the next.
        """
        now = self._clock.now()
        until = store.settled_until(now)
        if self._settled == until:
            return 0
        settled = await settle(self._db, now)
        self._settled = until
        return settled.took


async def _containers_of(host: SampledHost, services: Collection[str], known: Mapping[str, str]) -> Mapping[str, str]:
    """The containers of these services that run on a host; those that were known where its engine does not say."""
    try:
        listed = await host.api.get(
            "/containers/json", seconds=_ENGINE_SECONDS, filters=labels.labelled(panel=host.panel_id)
        )
    except (EngineAway, EngineRefused):
        return known  # an engine that begins anew leaves what it runs alone; what is gone has no group
    found = {}
    for each in listed:
        own = each.get("Labels") or {}
        named = [service_id for name in labels.OF_SERVICES if (service_id := own.get(name))]
        if len(named) == 1 and named[0] in services and not labels.leads_to_others(own):
            found[each["Id"]] = service_target(named[0])
    return found
