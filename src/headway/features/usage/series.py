"""Use cases that read what was used: of a service, of a server, of the panel's own machine; all asked of the policy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.deployments.hosts import LOCAL_HOST
from headway.features.servers import store as servers
from headway.features.usage import store
from headway.features.usage.model import (
    EMPTY,
    Level,
    UsagePoint,
    host_target,
    merged,
    sampler_target,
    service_target,
)
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.clock import Clock
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Forbidden


class UsageSpan(StrEnum):
    """How far back it is asked for."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grain:
    """What a span is made of: the level that is read, and the time that a point of the answer is of. Samples are
    written a minute at a time, so that the time that they are told of ends with one, and stays the same for one.
    """

    level: Level
    step: timedelta
    count: int

    def until(self, now: datetime) -> datetime:
        """The end of the time that is told of."""
        edge = max(self.step, _MINUTE)
        return _BEGINNING + ((now - _BEGINNING) // edge + 1) * edge


_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
GRAINS: Mapping[UsageSpan, _Grain] = MappingProxyType(
    {
        UsageSpan.HOUR: _Grain(level=Level.SAMPLE, step=timedelta(seconds=10), count=360),
        UsageSpan.DAY: _Grain(level=Level.MINUTE, step=4 * _MINUTE, count=360),
        UsageSpan.WEEK: _Grain(level=Level.HOUR, step=_HOUR, count=168),
        UsageSpan.MONTH: _Grain(level=Level.HOUR, step=2 * _HOUR, count=360),
        UsageSpan.YEAR: _Grain(level=Level.HOUR, step=_DAY, count=366),
    }
)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSeries:
    """What was used in a time: a point for each step from ``since`` on, empty where nothing is known, and all of them
    put together. Of a machine ``sampler`` is what the sampling took there.
    """

    since: datetime
    step: timedelta
    points: Sequence[UsagePoint]
    total: UsagePoint
    sampler: UsagePoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReader:
    """What callers may know of what is used."""

    db: Database
    clock: Clock

    async def of_service(self, actor: Actor, permission: Permission, service_id: str, span: UsageSpan) -> UsageSeries:
        """What a service has used, all that runs of it together. Raises Missing, Forbidden."""

        def look(tx: Tx) -> UsageSeries:
            whose = store.whose_service(tx, service_id)
            if whose is None:
                raise Missing(Noun.SERVICE)
            permit(actor, permission, *whose, service_id=service_id, noun=Noun.SERVICE)
            return _series(tx, service_target(service_id), store.hosts_of(tx, service_id), span, self.clock.now())

        return await self.db.read(look)

    async def of_server(
        self, actor: Actor, permission: Permission, server_id: str | None, span: UsageSpan
    ) -> UsageSeries:
        """What a server has used, None for the panel's own machine. Raises Missing, Forbidden."""

        def look(tx: Tx) -> UsageSeries:
            owner = actor.organization_id if server_id is None else servers.find(tx, server_id).organization_id
            permit(actor, permission, owner, noun=Noun.SERVER)
            if server_id is None and actor.terms.projects is not None:
                raise Forbidden("A key for some projects is told nothing of the panel's own machine.")
            host_id, now = server_id or LOCAL_HOST, self.clock.now()
            sampler = _series(tx, sampler_target(host_id), {host_id}, span, now).total
            found = _series(tx, host_target(host_id), {host_id}, span, now)
            return UsageSeries(
                since=found.since, step=found.step, points=found.points, total=found.total, sampler=sampler
            )

        return await self.db.read(look)


def _series(tx: Tx, target: str, host_ids: Collection[str], span: UsageSpan, now: datetime) -> UsageSeries:
    grain = GRAINS[span]
    until = grain.until(now)
    since = until - grain.step * grain.count
    if grain.level is Level.HOUR:
        found = store.points_in_days(tx, target, since, until)
        points = store.points_in_minutes(
            tx, Level.MINUTE, target, host_ids, since=max(since, _hour_before(now)), until=until
        )
        found |= _of_open_hours(points, found)
    else:
        found = store.points_in_minutes(tx, grain.level, target, host_ids, since=since, until=until)
    steps = in_steps(found, since, grain.step, grain.count)
    return UsageSeries(since=since, step=grain.step, points=steps, total=merged(steps))


def in_steps(found: Mapping[datetime, UsagePoint], since: datetime, step: timedelta, count: int) -> list[UsagePoint]:
    """Points put together into so many steps; empty where there is none."""
    pieces: list[list[UsagePoint]] = [[] for _ in range(count)]
    for at in sorted(found):
        if 0 <= (number := (at - since) // step) < count:
            pieces[number].append(found[at])
    return [merged(each) if each else EMPTY for each in pieces]


def _of_open_hours(
    minutes: Mapping[datetime, UsagePoint], settled: Mapping[datetime, UsagePoint]
) -> dict[datetime, UsagePoint]:
    """The hours that are in no day yet, of their minutes."""
    pieces: dict[datetime, list[UsagePoint]] = {}
    for at, point in minutes.items():
        pieces.setdefault(at.replace(minute=0), []).append(point)
    return {hour: merged(points) for hour, points in pieces.items() if hour not in settled}


def _hour_before(now: datetime) -> datetime:
    """The beginning of the hour before this one, which is made some minutes after it is over."""
    return now.replace(minute=0, second=0, microsecond=0) - _HOUR
