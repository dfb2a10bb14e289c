"""The store of what is used: levels agree, gaps stay gaps, nothing is counted twice, and what is old goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from headway.features.usage.model import (
    EMPTY,
    SAMPLES,
    Level,
    UsagePoint,
    host_target,
    merged,
    sampler_target,
    service_target,
)
from headway.features.usage.settlement import settle
from headway.features.usage.store import (
    DAY,
    HOUR,
    KEPT,
    MINUTE,
    add_minute,
    points_in_days,
    points_in_minutes,
)
from headway.infra.db.engine import Database, DatabaseAway, SqlDatabase
from headway.infra.db.tables.usage import usage_days, usage_minutes
from headway.infra.db.transaction import Tx
from tests.support.panel.factories import add_host

BEGINNING = datetime(2026, 11, 28, 22, 0, tzinfo=UTC)
HOSTS = ("h1", "h2")
HERE, THERE = host_target("h1"), host_target("h2")
FULL = UsagePoint(covered=10_000, cpu=5_000_000, cpu_peak=500_000, memory=2_048 * 10_000, memory_peak=2_048)


def minute_of(*points: UsagePoint) -> list[UsagePoint]:
    """The samples of a minute, with gaps behind those that are given."""
    return [*points, *([EMPTY] * (SAMPLES - len(points)))]


async def written(
    database: SqlDatabase,
    minutes: int,
    of: Callable[[int], Mapping[str, list[UsagePoint]]],
    *,
    host_id: str = "h1",
    since: datetime = BEGINNING,
) -> None:
    """So many minutes of a host, all in one transaction."""

    def work(tx: Tx) -> None:
        for number in range(minutes):
            if samples := of(number):
                add_minute(tx, host_id, since + MINUTE * number, samples)

    await database.run(work)


async def with_hosts(database: SqlDatabase) -> None:
    """Two hosts, whose days stay."""

    def work(tx: Tx) -> None:
        for host_id in ("h1", "h2"):
            add_host(tx, host_id=host_id)

    await database.run(work)


async def in_minutes(database: SqlDatabase, level: Level, target: str, until: datetime) -> dict[datetime, UsagePoint]:
    return await database.read(lambda tx: points_in_minutes(tx, level, target, HOSTS, since=BEGINNING, until=until))


async def in_days(database: SqlDatabase, target: str) -> dict[datetime, UsagePoint]:
    return await database.read(lambda tx: points_in_days(tx, target, BEGINNING - DAY, BEGINNING + 400 * DAY))


async def test_all_levels_tell_the_same_whole(database: SqlDatabase) -> None:
    await with_hosts(database)
    random = Random(7)

    def drawn(_number: int) -> UsagePoint:
        if random.random() < 0.2:
            return EMPTY
        cpu, kib = random.randrange(40_000_000), random.randrange(1 << 30)
        return UsagePoint(
            covered=10_000,
            cpu=cpu,
            cpu_peak=cpu // 10,
            memory=kib * 10_000,
            memory_peak=kib,
            restarts=random.randrange(2),
        )

    points = {number: [drawn(each) for each in range(SAMPLES)] for number in range(180)}
    await written(database, 180, lambda number: {HERE: points[number], THERE: minute_of(FULL)})
    assert (await settle(database, BEGINNING + 3 * HOUR + 10 * MINUTE)).hours == 3

    end = BEGINNING + 3 * HOUR
    of_minutes = await in_minutes(database, Level.MINUTE, HERE, end)
    of_hours = await in_days(database, HERE)

    whole = merged(point for number in range(180) for point in points[number])
    assert merged(of_minutes.values()) == whole
    assert merged(of_hours.values()) == whole
    assert list(of_hours) == [BEGINNING, BEGINNING + HOUR, BEGINNING + 2 * HOUR], "over midnight"
    for at, hour in of_hours.items():
        assert hour == merged(point for minute, point in of_minutes.items() if at <= minute < at + HOUR)


async def test_a_gap_is_a_gap_in_each_level(database: SqlDatabase) -> None:
    await with_hosts(database)
    away = {*range(30, 40), *range(60, 120)}
    await written(database, 130, lambda number: {} if number in away else {HERE: minute_of(FULL, EMPTY, FULL)})
    await settle(database, BEGINNING + 2 * HOUR + 20 * MINUTE)

    until = BEGINNING + 130 * MINUTE
    of_samples = await in_minutes(database, Level.SAMPLE, HERE, until)
    of_minutes = await in_minutes(database, Level.MINUTE, HERE, until)

    assert set(of_minutes) == {BEGINNING + MINUTE * number for number in range(130) if number not in away}
    assert {at.second for at in of_samples} == {0, 20}
    assert of_minutes[BEGINNING].covered == 20_000
    assert list(await in_days(database, HERE)) == [BEGINNING], "of the second hour nothing is known"


async def test_an_hour_is_made_once_whoever_asks_for_it(database: SqlDatabase) -> None:
    await with_hosts(database)
    await written(database, 60, lambda _number: {HERE: minute_of(FULL)})
    now = BEGINNING + HOUR + 10 * MINUTE
    assert [(await settle(database, now)).hours for _ in range(3)] == [1, 0, 0]
    assert (await in_days(database, HERE))[BEGINNING].covered == 600_000


@dataclass
class CutOff:
    """A database that is away after some transactions, which notes how many days each of them has written."""

    database: SqlDatabase
    after: int
    wrote: list[int] = field(default_factory=list)

    async def read(self, work: Callable[[Tx], Any]) -> Any:  # noqa: ANN401 - whatever the work gives
        return await self.database.read(work)

    async def run(self, work: Callable[[Tx], Any]) -> Any:  # noqa: ANN401 - as above
        if len(self.wrote) == self.after:
            raise DatabaseAway("The database is away.")
        days = select(func.count()).select_from(usage_days)
        before = await self.database.read(lambda tx: tx.scalar(days))
        result = await self.database.run(work)
        self.wrote.append(await self.database.read(lambda tx: tx.scalar(days)) - before)
        return result


async def test_an_hour_of_many_is_made_some_at_a_time_and_goes_on_where_it_was_cut_off(database: SqlDatabase) -> None:
    await with_hosts(database)
    names = [f"h{number}" for number in range(3, 123)]
    for each in names:
        await database.run(partial(add_host, host_id=each))
    targets = sorted(map(host_target, names))
    for host_id in HOSTS:  # what has moved is in the same day twice
        await written(database, 3, lambda _number: dict.fromkeys(targets, minute_of(FULL)), host_id=host_id)
    now = BEGINNING + HOUR + 10 * MINUTE
    for after in (1, 2, 2):
        cut_off = CutOff(database, after)
        with pytest.raises(DatabaseAway):
            await settle(cast("Database", cut_off), now)
        assert max(cut_off.wrote) <= 50, "nobody who writes waits for all of them"
    assert (await settle(database, now)).hours == 1, "the first was whole already"
    assert (await settle(database, now)).hours == 0

    def covered(tx: Tx) -> set[int]:
        return {
            points_in_days(tx, each, BEGINNING - DAY, BEGINNING + DAY)[BEGINNING].covered
            for each in (targets[0], targets[49], targets[50], targets[119])
        }

    assert await database.read(covered) == {60_000}, "nothing is counted twice"


async def test_an_hour_waits_for_its_last_minute(database: SqlDatabase) -> None:
    await with_hosts(database)
    await written(database, 59, lambda _number: {HERE: minute_of(FULL)})
    assert (await settle(database, BEGINNING + HOUR + 2 * MINUTE)).hours == 0
    await written(database, 1, lambda _number: {HERE: minute_of(FULL)}, since=BEGINNING + 59 * MINUTE)
    assert (await settle(database, BEGINNING + HOUR + 6 * MINUTE)).hours == 1
    assert (await in_days(database, HERE))[BEGINNING].covered == 600_000


async def test_what_was_away_when_its_hour_was_over_is_made_later(database: SqlDatabase) -> None:
    await with_hosts(database)
    await written(database, 30, lambda _number: {HERE: minute_of(FULL)})
    assert (await settle(database, BEGINNING + 9 * HOUR)).hours == 1
    assert (await in_days(database, HERE))[BEGINNING].covered == 300_000


async def test_what_moves_has_points_from_both_hosts(database: SqlDatabase) -> None:
    await with_hosts(database)
    await written(database, 60, lambda number: {HERE: minute_of(FULL)} if number < 20 else {})
    await written(database, 60, lambda number: {HERE: minute_of(FULL)} if number > 19 else {}, host_id="h2")
    await settle(database, BEGINNING + HOUR + 10 * MINUTE)
    assert (await in_days(database, HERE))[BEGINNING].covered == 600_000
    assert len(await in_minutes(database, Level.MINUTE, HERE, BEGINNING + HOUR)) == 60


async def test_a_minute_that_is_written_again_is_replaced(database: SqlDatabase) -> None:
    await with_hosts(database)
    for points in (minute_of(FULL, FULL), minute_of(FULL)):
        await written(database, 1, lambda _number, points=points: {HERE: points})  # type: ignore[misc]
    assert (await in_minutes(database, Level.MINUTE, HERE, BEGINNING + HOUR))[BEGINNING].covered == 10_000


async def test_what_is_too_old_goes_and_what_there_is_no_more(database: SqlDatabase) -> None:
    await with_hosts(database)
    gone, kept = service_target("gone"), sampler_target("h1")
    await written(database, 1, lambda _number: {HERE: minute_of(FULL), gone: minute_of(FULL), kept: minute_of(FULL)})
    await settle(database, BEGINNING + 2 * HOUR)
    assert await in_minutes(database, Level.SAMPLE, HERE, BEGINNING + HOUR) == {}
    assert len(await in_minutes(database, Level.MINUTE, HERE, BEGINNING + HOUR)) == 1
    assert [len(await in_days(database, each)) for each in (HERE, kept, gone)] == [1, 1, 0]

    await settle(database, BEGINNING + KEPT[Level.MINUTE] + 3 * HOUR)
    assert await database.read(lambda tx: tx.scalar(select(func.count()).select_from(usage_minutes))) == 0
    assert len(await in_days(database, HERE)) == 1
    await settle(database, BEGINNING + KEPT[Level.HOUR] + 3 * DAY)
    assert await database.read(lambda tx: tx.scalar(select(func.count()).select_from(usage_days))) == 0


async def test_only_the_time_that_is_asked_for_is_told(database: SqlDatabase) -> None:
    await with_hosts(database)
    await written(database, 5, lambda _number: {HERE: [FULL] * SAMPLES})
    since, until = BEGINNING + timedelta(seconds=90), BEGINNING + timedelta(seconds=150)
    found = await database.read(lambda tx: points_in_minutes(tx, Level.SAMPLE, HERE, HOSTS, since=since, until=until))
    assert list(found) == [since + timedelta(seconds=10) * number for number in range(6)]
