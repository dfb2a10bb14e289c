"""The loop that samples: minutes are written as they end, a host that is away has a gap, and hours are settled."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headway.features.usage.model import Level, UsagePoint, host_target, sampler_target
from headway.features.usage.sampler import SampledHost, UsageSampler
from headway.features.usage.store import DAY, HOUR, MINUTE, points_in_days, points_in_minutes
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.usage import usage_days
from headway.infra.docker.api import DockerApi, unix_socket
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.consumption import MachineReading
from tests.integration.http.world import open_world
from tests.support.docker.told_engine import told_engine
from tests.support.panel.factories import add_host

HOSTS = ("h1", "h2")
NOON = datetime(2026, 11, 29, 12, 0, 5, tzinfo=UTC)


@dataclass(kw_only=True)
class ClockByHand:
    """Stands still until it is set."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at


@dataclass(kw_only=True)
class MachineByHand:
    """A machine of two processors, of which one is at work all the time."""

    clock: ClockByHand
    is_away: bool = False
    is_broken: bool = False
    asked: list[tuple[str, list[str], list[str]]] = field(default_factory=list)

    async def consumption(
        self, panel_id: str, releases: Collection[str], containers: Collection[str]
    ) -> MachineReading:
        self.asked.append((panel_id, [*releases], [*containers]))
        if self.is_away:
            raise HostUnreachable("the server does not answer")
        if self.is_broken:
            raise RuntimeError("what it tells is nothing that could be")
        passed = int((self.clock.at - NOON).total_seconds() * 1_000)
        return MachineReading(
            boot="b", at=passed, cores=2, cpu=passed * 1_000, memory=1 << 20, memory_size=1 << 30, cost=2_000
        )


@dataclass(kw_only=True)
class Bench:
    """A sampler of two hosts over a database."""

    database: SqlDatabase
    clock: ClockByHand
    sampler: UsageSampler
    there: MachineByHand
    linked: set[str]

    async def pass_(self, seconds: int) -> None:
        """So many seconds, with a round each ten of them."""
        for _ in range(seconds // 10):
            self.clock.at += timedelta(seconds=10)
            await self.round()

    async def round(self) -> None:
        """One round, to its end."""
        assert 0 < await self.sampler.keep_round() <= 10
        async with asyncio.timeout(10):
            while self.sampler._rounds._tasks:
                await asyncio.gather(*self.sampler._rounds._tasks.values())

    async def points(self, level: Level, target: str) -> dict[datetime, UsagePoint]:
        return await self.database.read(
            lambda tx: points_in_minutes(tx, level, target, HOSTS, since=NOON - HOUR, until=self.clock.at + HOUR)
        )


async def bench(database: SqlDatabase, tmp_path: Path) -> Bench:
    clock = ClockByHand()
    here, there = MachineByHand(clock=clock), MachineByHand(clock=clock)
    api = DockerApi(unix_socket(str(tmp_path / "none.sock")))

    def host(host_id: str, machine: MachineByHand) -> SampledHost:
        return SampledHost(host_id=host_id, machine=machine, api=api, panel_id=f"p-{host_id}")

    linked = {"h2"}

    async def reached() -> Collection[str]:
        return linked

    for host_id in ("h1", "h2"):
        await database.run(lambda tx, host_id=host_id: add_host(tx, host_id=host_id))  # type: ignore[misc]
    sampler = UsageSampler(
        db=database, clock=clock, here=host("h1", here), there=lambda each: host(each, there), reached=reached
    )
    found = Bench(database=database, clock=clock, sampler=sampler, there=there, linked=linked)
    await found.round()
    return found


async def test_a_minute_is_written_when_it_is_over(database: SqlDatabase, tmp_path: Path) -> None:
    one = await bench(database, tmp_path)
    await one.pass_(50)
    assert await one.points(Level.SAMPLE, host_target("h1")) == {}, "nothing is written by the sample"
    await one.pass_(70)
    samples = await one.points(Level.SAMPLE, host_target("h1"))
    assert [at.second for at in samples] == [10, 20, 30, 40, 50, 0, 10, 20, 30, 40, 50]
    assert {each.cores for each in samples.values()} == {1.0}
    (minute, *_) = (await one.points(Level.MINUTE, host_target("h2"))).values()
    assert (minute.covered, minute.cores, minute.cpu_bound) == (50_000, 1.0, 2_000_000)
    cost = (await one.points(Level.MINUTE, sampler_target("h1"))).values()
    assert cost
    assert all(0 < (each.cores or 0) < 0.01 for each in cost)
    await one.sampler.release()


async def test_a_host_that_is_away_has_a_gap_and_holds_up_no_other(database: SqlDatabase, tmp_path: Path) -> None:
    one = await bench(database, tmp_path)
    await one.pass_(120)
    one.there.is_away = True
    await one.pass_(120)
    one.there.is_away = False
    await one.pass_(180)
    here = await one.points(Level.SAMPLE, host_target("h1"))
    there = await one.points(Level.SAMPLE, host_target("h2"))
    away = sorted(set(here) - set(there))
    assert 13 <= len(away) <= 19, "of the time that it was away, and until it is asked again, within a minute"
    assert away[-1] - away[0] == timedelta(seconds=10 * (len(away) - 1))
    assert one.there.asked[-1] == ("p-h2", [], [])
    await one.sampler.release()


async def test_an_hour_is_settled_after_it_is_over(database: SqlDatabase, tmp_path: Path) -> None:
    one = await bench(database, tmp_path)
    await one.pass_(120)
    one.clock.at += HOUR
    await one.pass_(180)
    settled = await database.read(lambda tx: points_in_days(tx, host_target("h1"), NOON - DAY, NOON + DAY))
    assert [at.hour for at in settled] == [12]
    await one.sampler.release()


async def test_a_host_that_always_fails_is_asked_once_a_minute_and_again_as_soon_as_it_answers(
    database: SqlDatabase, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = await bench(database, tmp_path)
    await one.pass_(10)
    one.there.is_broken = True
    asked = len(one.there.asked)
    await one.pass_(600)
    assert 11 <= len(one.there.asked) - asked <= 13, "and not sixty times"
    assert caplog.text.count("usage of host h2 failed in a round") == len(one.there.asked) - asked
    assert len(await one.points(Level.SAMPLE, host_target("h1"))) >= 54
    one.there.is_broken = False
    asked = len(one.there.asked)
    await one.pass_(180)
    assert len(one.there.asked) - asked >= 12
    await one.sampler.release()


async def test_a_minute_whose_link_was_lost_for_a_moment_keeps_its_beginning(
    database: SqlDatabase, tmp_path: Path
) -> None:
    one = await bench(database, tmp_path)
    await one.pass_(90)
    one.linked.clear()
    await one.pass_(10)
    one.linked.add("h2")
    await one.pass_(60)
    minute = (await one.points(Level.MINUTE, host_target("h2")))[NOON.replace(second=0) + MINUTE]
    assert minute.covered == 60_000
    one.linked.clear()
    await one.pass_(3_700)
    assert [*one.sampler._hosts] == ["h1"], "nothing is kept of what is away for long"
    await one.sampler.release()


async def test_containers_are_those_of_services_on_the_host_also_while_the_engine_is_away(tmp_path: Path) -> None:
    clock = ClockByHand()
    machine = MachineByHand(clock=clock)

    async def nowhere() -> Collection[str]:
        return ()

    async with open_world(tmp_path / "data") as world:
        shop = await world.application("shop")

        def container(container_id: str, **own: str) -> Mapping[str, object]:
            return {"Id": container_id, "Labels": {f"headway.{name}": value for name, value in own.items()}}

        listed = [
            container("first", application=shop, forwarder="no"),
            container("second", compose=shop),
            container("of another panel's service", application="none of this one"),
            container("of nobody"),
            container("of two", application=shop, compose="another"),
            container("forwards", application=shop, forwarder=""),
        ]
        async with told_engine(tmp_path, lambda _path: listed) as api:
            here = SampledHost(host_id="local", machine=machine, api=api, panel_id="p")
            database = world.services.db
            sampler = UsageSampler(db=database, clock=clock, here=here, there=lambda _: here, reached=nowhere)
            one = Bench(database=database, clock=clock, sampler=sampler, there=machine, linked=set())
            await one.round()
            assert machine.asked[-1] == ("p", [], ["first", "second"])
        await one.pass_(120)
        assert machine.asked[-1] == ("p", [], ["first", "second"])
        await sampler.release()


async def test_hours_that_cannot_be_made_hold_up_no_minute(database: SqlDatabase, tmp_path: Path) -> None:
    one = await bench(database, tmp_path)
    await database.run(lambda tx: usage_days.drop(tx.connection))
    await one.pass_(60)
    one.clock.at += HOUR
    await one.pass_(180)
    minutes = await one.points(Level.MINUTE, host_target("h1"))
    assert len([at for at in minutes if at > NOON + HOUR]) >= 2
    await one.sampler.release()
