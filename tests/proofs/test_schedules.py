"""Must show 3 of schedules: over 30 simulated days, with the changes of the clocks in four time zones, two schedulers
on one PostgreSQL are killed and started again; every due time is as the policies say, and none comes twice.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from headway.core.deployments import leases
from headway.core.deployments import store as deployments_store
from headway.core.deployments.ledger import Ledger, Outcome
from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Maker, Reason, Status
from headway.core.engine.scheduler.cron import Cron
from headway.core.engine.scheduler.timer import CatchUp, Overlap, Policy
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.timers import ticks
from headway.infra.db.transaction import Tx
from tests.proofs._policies import Model, duration, fails
from tests.proofs._scheduler import HOST, SharedTimes, parts
from tests.support.panel.factories import add_host

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

# Clocks change in New York on 8 March, in Berlin on the 29th, on Lord Howe (by half an hour) and in Chile on 5 April.
BEGIN = datetime(2026, 3, 7, tzinfo=UTC)
END = BEGIN + timedelta(days=int(os.environ.get("DAYS", "30")))
ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago")
EXPRESSIONS = (
    "*/15 * * * *",
    "0 * * * *",
    "30 2 * * *",
    "15,45 1-3 * * *",
    "0 0 * * *",
    "30 23 * * 6,0",
    "5 */4 1-15 * *",
)
STEP = timedelta(minutes=5)
KILLS = int(os.environ.get("KILLS", "100"))
SEED = int(os.environ.get("SEED", "6"))
OUTAGES = (timedelta(minutes=25), timedelta(hours=2), timedelta(hours=5), timedelta(hours=30), timedelta(minutes=12))
SCHEDULERS = 2


@dataclass(kw_only=True)
class Site:
    """The database, the clock, the schedulers, and who performs the runs."""

    url: str
    times: Path
    clock: SharedTimes
    db: SqlDatabase
    ledger: Ledger
    models: dict[str, Model] = field(default_factory=dict)
    running: dict[str, tuple[str, tuple[datetime, int], datetime]] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes] | None] = field(default_factory=lambda: [None] * SCHEDULERS)
    kills: int = 0

    def start(self, number: int) -> None:
        argv = [sys.executable, "-m", "tests.proofs._scheduler", self.url, str(self.times)]
        self.processes[number] = subprocess.Popen([*argv, str(number + 1), str(SCHEDULERS + 1)])

    def kill(self, number: int) -> None:
        process = self.processes[number]
        assert process is not None
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.processes[number] = None
        self.kills += 1

    def await_look(self, now: datetime) -> None:
        """Until every scheduler that lives has looked at this time."""
        deadline = time.monotonic() + 60
        while any(self.clock.get(number + 1) != now for number, each in enumerate(self.processes) if each is not None):
            assert time.monotonic() < deadline, "a scheduler does not look"
            assert all(each is None or each.poll() is None for each in self.processes), "a scheduler has ended"
            time.sleep(0.0005)

    async def work(self, now: datetime) -> None:
        """Ends what has run its time or is to make room, and begins what may begin."""
        wishes = await self.db.read(deployments_store.intents)
        for deployment_id, (subject_id, key, ends_at) in list(self.running.items()):
            if deployment_id in wishes:
                await self._end(deployment_id, Reason.SUPERSEDED)
            elif ends_at <= now:
                await self._end(deployment_id, Reason.FAILED if fails(subject_id, key) else None)
        while claimed := await self.db.run(lambda tx: self.ledger.claim(tx, HOST, "panel")):
            found = claimed[0]
            key = (datetime.fromisoformat(found.input["due"]), int(found.input["attempt"]))
            ends_at = now + duration(found.subject_id, key)
            self.running[found.deployment_id] = (found.subject_id, key, ends_at)

    async def _end(self, deployment_id: str, reason: Reason | None) -> None:
        status = Status.DONE if reason is None else Status.ERROR
        outcome = Outcome(status=status, reason=reason, message=None if reason is None else "it ended")
        lease = leases.Lease(deployment_id=deployment_id, owner="panel", epoch=1)
        await self.db.run(lambda tx: self.ledger.finish(tx, lease, outcome, Maker.RUNNER))
        del self.running[deployment_id]


@pytest.fixture
def site(postgres_database_url: str, tmp_path: Path) -> Iterator[Site]:
    times = tmp_path / "times"
    clock = SharedTimes(times, SCHEDULERS + 1)
    clock.set(0, BEGIN)
    db = SqlDatabase(postgres_database_url)
    _, ledger, timers = parts(db, clock)
    made = Site(url=postgres_database_url, times=times, clock=clock, db=db, ledger=ledger)

    def fill(tx: Tx) -> None:
        add_host(tx, HOST, concurrency=100_000)
        for number, (zone, expression, policy) in enumerate(_every()):
            subject_id = f"s{number}"
            cron = Cron(expression=expression, timezone=zone)
            timer = timers.put(tx, SubjectType.SCHEDULE, subject_id, cron, policy, enabled=True)
            made.models[subject_id] = Model(timer, END)

    asyncio.run(db.run(fill))
    yield made
    for number, process in enumerate(made.processes):
        if process is not None:
            made.kill(number)
    db.close()


def test_every_due_time_is_as_the_policies_say_and_none_comes_twice(site: Site) -> None:
    dice = random.Random(SEED)
    steps = int((END - BEGIN) / STEP)
    away = _outages(dice, steps)
    killed_at = Counter(dice.choice([step for step in range(1, steps) if step not in away]) for _ in range(KILLS))
    for number in range(SCHEDULERS):
        site.start(number)
    began = time.monotonic()
    with asyncio.Runner() as runner:
        for step in range(1, steps + 1):
            now = BEGIN + step * STEP
            if step in away:
                for number in range(SCHEDULERS):
                    if site.processes[number] is not None:
                        site.kill(number)
                site.clock.set(0, now)
                continue
            for number in range(SCHEDULERS):
                if site.processes[number] is None:
                    site.start(number)
            site.clock.set(0, now)
            for _ in range(killed_at[step]):
                time.sleep(dice.random() * 0.008)
                number = dice.randrange(SCHEDULERS)
                site.kill(number)
                site.start(number)
            site.await_look(now)
            runner.run(site.work(now))
            for model in site.models.values():
                model.look(now)
                model.work(now)
        told, made = runner.run(site.db.read(_told))
    wanted = {(name, *key): fate for name, model in site.models.items() for key, fate in model.fates.items()}
    assert told == wanted
    started = sorted(key for key, fate in wanted.items() if fate == "started")
    assert sorted(made) == started, "each due time that was started has one run, and no other has any"
    counts = Counter(wanted.values())
    assert min(counts[fate] for fate in ("started", "skipped", "missed", "dropped")) > 20, counts
    took = time.monotonic() - began
    print(
        f"\n{len(site.models)} timers, {(END - BEGIN).days} days, {site.kills} kills, {len(away)} steps without a "
        f"scheduler, seed {SEED}: "
        f"{len(wanted)} due times and attempts, {dict(counts)}, in {took:.0f} s"
    )


def _every() -> Iterator[tuple[str, str, Policy]]:
    """Each zone with each expression, and every policy among them."""
    policies = [
        Policy(
            overlap=overlap,
            catch_up=catch_up,
            catch_up_limit=3,
            jitter=jitter,
            retries=retries,
            backoff=timedelta(minutes=7),
        )
        for overlap, catch_up, jitter, retries in itertools.product(
            Overlap, CatchUp, (timedelta(), timedelta(minutes=22)), (0, 2)
        )
    ]
    random.Random(SEED).shuffle(policies)
    wheel = itertools.cycle(policies)
    for _ in range(2):
        for zone, expression in itertools.product(ZONES, EXPRESSIONS):
            yield zone, expression, next(wheel)


def _outages(dice: random.Random, steps: int) -> set[int]:
    """The steps at which no scheduler is there."""
    away: set[int] = set()
    for length in OUTAGES:
        begin = dice.randrange(steps // 20, steps - int(length / STEP) - 2)
        away |= set(range(begin, begin + int(length / STEP)))
    return away


def _told(tx: Tx) -> tuple[dict[tuple[str, datetime, int], str], list[tuple[str, datetime, int]]]:
    rows = tx.execute(select(ticks)).all()
    told = {(row.subject_id, row.due_at, row.attempt): row.fate for row in rows}
    assert len(told) == len(rows)
    runs = tx.execute(select(deployments.c.subject_id, deployments.c.input)).all()
    return told, [(row.subject_id, datetime.fromisoformat(row.input["due"]), int(row.input["attempt"])) for row in runs]
