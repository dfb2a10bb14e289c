"""Measures what is used over time, in a database: how much room a year of many services takes, and how long writing a
minute, settling an hour and reading each span do. Values are random, so that nothing is smaller than it would be.

Prints megabytes and milliseconds; fails where a year takes more room than its bound.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TypeVar

from sqlalchemy import text

from headway.features.usage.model import (
    HOURS,
    SAMPLES,
    Level,
    UsagePoint,
    host_target,
    sampler_target,
    service_target,
)
from headway.features.usage.store import (
    DAY,
    HOUR,
    MINUTE,
    add_minute,
    hour_of,
    let_go,
    open_hours,
    points_in_days,
    points_in_minutes,
    settle_some,
    write_hour,
)
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.sqlite import sqlite_url
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from headway.kernel.ids import new_id
from tests.support.databases.postgres import find_program, running_cluster
from tests.support.panel.factories import add_host

SERVICES = int(os.environ.get("SERVICES", "100"))
DAYS = 366
BOUND_MB = 100
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
TARGETS = [*(service_target(new_id()) for _ in range(SERVICES)), host_target("h1"), sampler_target("h1")]
RANDOM = Random(7)
T = TypeVar("T")


def main() -> int:
    """Measures; the exit status."""
    failed = 0
    for name, database in databases():
        failed |= report(name, database)
    return failed


def report(name: str, database: SqlDatabase) -> int:
    """Fills a database, and prints what that takes; 1 where it is too much."""
    times: dict[str, list[float]] = {}
    transact(database, lambda tx: add_host(tx, host_id="h1"))
    fill_year(database)
    year = size(database)
    fill_minutes(database, times)
    whole = size(database)
    for what, read in readings().items():
        for _ in range(20):
            times.setdefault(what, []).append(timed(lambda read=read: transact(database, read)))  # type: ignore[misc]
    print(f"{name}: a year of {SERVICES} services {year:.1f} MB, with a day of minutes {whole:.1f} MB")
    for what, each in times.items():
        ordered = sorted(each)
        print(f"  {what}: {statistics.median(ordered):.1f} ms, p95 {ordered[int(len(ordered) * 0.95)]:.1f} ms")
    return int(year > BOUND_MB)


def fill_year(database: SqlDatabase) -> None:
    """Hour by hour, as it is written: each hour a transaction that writes the day of each target again."""
    for number in range(DAYS * HOURS):
        hour = NOW - DAY * DAYS + HOUR * number
        made = {target: point(3_600_000) for target in TARGETS}
        transact(database, lambda tx, hour=hour, made=made: write_hour(tx, hour, made))  # type: ignore[misc]


def fill_minutes(database: SqlDatabase, times: dict[str, list[float]]) -> None:
    """A day and an hour of minutes, each in a transaction of its own, with an hour that is settled among them."""
    for number in range(25 * 60):
        minute = NOW + MINUTE * number
        samples = {target: [point(10_000) for _ in range(SAMPLES)] for target in TARGETS}
        took = timed(lambda: transact(database, lambda tx: add_minute(tx, "h1", minute, samples)))  # noqa: B023
        times.setdefault("a minute", []).append(took)
        if number % 60 == 10:
            took = timed(lambda: transact(database, lambda tx: settled(tx, minute)))  # noqa: B023
            times.setdefault("an hour", []).append(took)


def settled(tx: Tx, now: datetime) -> None:
    """Makes the hours that are over, as ``settlement.settle`` does."""
    for hour, host_id in open_hours(tx, now):
        points = hour_of(tx, hour, host_id)
        while settle_some(tx, hour, host_id, points) is False:
            pass
    let_go(tx, now)


def readings() -> Mapping[str, Callable[[Tx], object]]:
    """What a page asks for, of one service."""
    target, end = TARGETS[SERVICES // 2], NOW + HOUR * 25
    return {
        "reading an hour": lambda tx: points_in_minutes(tx, Level.SAMPLE, target, {"h1"}, since=end - HOUR, until=end),
        "reading a day": lambda tx: points_in_minutes(tx, Level.MINUTE, target, {"h1"}, since=end - DAY, until=end),
        "reading a year": lambda tx: points_in_days(tx, target, end - DAYS * DAY, end),
    }


def point(covered: int) -> UsagePoint:
    """A point of a service that is at work."""
    cores, kib = RANDOM.random() * 2, RANDOM.randrange(1 << 24)
    return UsagePoint(
        covered=covered - RANDOM.randrange(10),
        cpu=int(covered * 1_000 * cores),
        cpu_peak=RANDOM.randrange(1 << 31),
        memory=kib * covered,
        memory_peak=kib,
        restarts=RANDOM.randrange(3),
        cpu_bound=2_000_000,
        memory_bound=1 << 20,
    )


def transact(database: SqlDatabase, work: Callable[[Tx], T]) -> T:
    """``work`` in a transaction, here and now."""
    with database.writer.connect() as connection, connection.begin():
        return work(Tx(connection, SystemClock()))


def timed(work: Callable[[], object]) -> float:
    """How many milliseconds it takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000


def size(database: SqlDatabase) -> float:
    """What the tables take, in megabytes, with all that belongs to them."""
    with database.writer.connect() as connection:
        if database.is_sqlite:
            pages, page = (connection.scalar(text(f"PRAGMA {each}")) for each in ("page_count", "page_size"))
            return int(pages or 0) * int(page or 0) / 1e6
        asked = text("SELECT pg_total_relation_size('usage_days') + pg_total_relation_size('usage_minutes')")
        return int(connection.scalar(asked) or 0) / 1e6


def databases() -> Iterator[tuple[str, SqlDatabase]]:
    """Each form of database, empty."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder, opened(sqlite_url(Path(folder) / "x")) as one:
        yield "SQLite", one
    if find_program("postgres") is None:
        print("PostgreSQL: its programs are not there")
        return
    with running_cluster() as cluster:
        cluster.administer("CREATE DATABASE usage")
        with opened(cluster.url("usage")) as one:
            yield "PostgreSQL", one


@contextmanager
def opened(url: str) -> Iterator[SqlDatabase]:
    """A database with this release's schema."""
    database = SqlDatabase(url)
    try:
        migrate(database)
        yield database
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
