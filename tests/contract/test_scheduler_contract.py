"""The scheduler on both databases: each due time once, whoever looks, and with the runs that the policy says."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from headway.core.deployments import leases
from headway.core.deployments import store as deployments
from headway.core.deployments.ledger import Ledger, Outcome
from headway.core.deployments.model import Deployment, Lane, Request, SubjectType
from headway.core.deployments.run import Owner
from headway.core.deployments.status import Intent, Maker, Reason, Status
from headway.core.engine.scheduler import store
from headway.core.engine.scheduler.cron import Cron
from headway.core.engine.scheduler.scheduler import Scheduler
from headway.core.engine.scheduler.store import TimerKey
from headway.core.engine.scheduler.timer import CatchUp, Fate, Overlap, Policy, Tick
from headway.core.engine.scheduler.timers import Timers
from headway.core.engine.troubles import Troubles
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.timers import ticks, timers
from headway.infra.db.transaction import Tx
from headway.kernel.events import DueTimeDecided, Events
from headway.kernel.vault import VaultError
from tests.support.panel.factories import add_host

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTELY = Cron(expression="* * * * *")
MINE = TimerKey(subject_type=SubjectType.SCHEDULE, subject_id="mine")


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


class Subjects:
    """Whose timers these are, and what they ask for."""

    noun = "Schedule"

    def __init__(self, timers: Timers) -> None:
        self.gone: set[str] = set()
        self.broken: dict[str, Exception] = {}
        self._timers = timers

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        return Owner(organization_id="o", project_id=None)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        self._timers.moved(tx, deployment)

    def request(self, tx: Tx, subject_id: str, tick: Tick) -> Request | None:
        if subject_id in self.gone:
            return None
        if subject_id in self.broken:
            raise self.broken[subject_id]
        timer = store.find(tx, SubjectType.SCHEDULE, subject_id)
        assert timer is not None
        return Request(
            kind="schedule",
            kind_version=1,
            subject_type=SubjectType.SCHEDULE,
            subject_id=subject_id,
            host_id="here",
            organization_id="o",
            project_id=None,
            exclusive_key=None if timer.policy.overlap is Overlap.ALLOW else f"schedule:{subject_id}",
            lane=Lane.SCHEDULE,
            input={"due": tick.due_at.isoformat()},
        )


class Bench:
    """One subject with its timer, and what is done with its runs."""

    def __init__(self, database: SqlDatabase) -> None:
        self.db = database
        self.clock = HandClock()
        self.told: list[DueTimeDecided] = []
        self.interrupted: list[str] = []
        events = Events()
        events.listen(DueTimeDecided, self.told.append)
        self.timers = Timers(events, self.clock)
        self.subjects = Subjects(self.timers)
        self.troubles = Troubles(self.clock, monotonic=self.clock.monotonic)
        self.ledger = Ledger(
            events=events,
            subjects={SubjectType.SCHEDULE: self.subjects},
            log_path=lambda deployment_id: f"/logs/{deployment_id}.log",
            lease_duration=timedelta(seconds=30),
        )
        self.scheduler = Scheduler(
            db=database,
            ledger=self.ledger,
            events=events,
            clock=self.clock,
            grace=timedelta(seconds=60),
            sources={SubjectType.SCHEDULE: self.subjects},
            troubles=self.troubles,
            interrupt=lambda deployment_id, _intent: self.interrupted.append(deployment_id),
        )

    async def set(
        self, *, cron: Cron = MINUTELY, enabled: bool = True, subject_id: str = "mine", **policy: object
    ) -> None:
        """Sets the timer."""
        wanted = Policy(**policy)  # type: ignore[arg-type]
        await self.db.run(
            lambda tx: self.timers.put(tx, SubjectType.SCHEDULE, subject_id, cron, wanted, enabled=enabled)
        )

    async def set_all(self, subject_ids: Sequence[str]) -> None:
        """Sets a timer for each of many."""

        def put(tx: Tx) -> None:
            for subject_id in subject_ids:
                self.timers.put(tx, SubjectType.SCHEDULE, subject_id, MINUTELY, Policy(), enabled=True)

        await self.db.run(put)

    async def after(self, seconds: float) -> None:
        """Moves the clock and looks."""
        self.clock.time += timedelta(seconds=seconds)
        await self.scheduler.look()

    async def told_of(self) -> list[tuple[str, int, str]]:
        """(minute and second of the due time, attempt, fate) of all that was decided, the oldest first."""
        rows = await self.db.read(lambda tx: tx.execute(select(ticks).order_by(ticks.c.due_at, ticks.c.attempt)).all())
        return [(f"{row.due_at:%M:%S}", row.attempt, row.fate) for row in rows]

    async def runs(self) -> list[Deployment]:
        """The deployments that were asked for, the oldest first."""
        found = await self.db.read(lambda tx: deployments.of_subject(tx, SubjectType.SCHEDULE, "mine"))
        return found[::-1]

    async def claim(self) -> str:
        """Lets the next one run; its id."""
        claimed = await self.db.run(lambda tx: self.ledger.claim(tx, "here", "panel"))
        assert claimed is not None
        return claimed[0].deployment_id

    async def end(self, deployment_id: str, reason: Reason | None = None) -> None:
        """Ends one that runs."""
        status = Status.DONE if reason is None else Status.ERROR
        outcome = Outcome(status=status, reason=reason, message=None if reason is None else "it ended")

        def write(tx: Tx) -> None:
            lease = leases.Lease(deployment_id=deployment_id, owner="panel", epoch=1)
            self.ledger.finish(tx, lease, outcome, Maker.RUNNER)

        await self.db.run(write)


@pytest.fixture
async def bench(database: SqlDatabase) -> Bench:
    await database.run(add_host)
    return Bench(database)


async def test_each_due_time_is_started_once_whoever_looks(bench: Bench) -> None:
    await bench.set(overlap=Overlap.ALLOW)
    another = Bench(bench.db)
    for _ in range(10):
        bench.clock.time += timedelta(seconds=30)
        another.clock.time = bench.clock.time
        await asyncio.gather(*(each.scheduler.look() for each in (bench, another, bench, another)))
    assert await bench.told_of() == [(f"{minute:02}:00", 0, "started") for minute in range(1, 6)]
    assert [run.input["due"][14:16] for run in await bench.runs()] == ["01", "02", "03", "04", "05"]
    assert {run.trigger for run in await bench.runs()} == {"schedule"}


async def test_nothing_is_due_at_the_time_at_which_a_timer_is_set_or_while_it_is_off(bench: Bench) -> None:
    await bench.set()
    await bench.after(0)
    await bench.set(enabled=False)
    await bench.after(600)
    await bench.set()
    await bench.after(0)
    assert await bench.told_of() == []
    await bench.after(60)
    assert await bench.told_of() == [("11:00", 0, "started")]


async def test_while_one_runs_the_next_is_skipped_and_counted(bench: Bench) -> None:
    await bench.set()
    await bench.after(60)
    await bench.after(60)
    await bench.end(await bench.claim())
    await bench.after(60)
    assert [fate for _, _, fate in await bench.told_of()] == ["started", "skipped", "started"]
    assert [each.fate for each in bench.told] == ["started", "skipped", "started"]
    assert bench.told[0].late_seconds == 0


async def test_queued_runs_run_one_after_the_other(bench: Bench) -> None:
    await bench.set(overlap=Overlap.QUEUE)
    for _ in range(3):
        await bench.after(60)
    first = await bench.claim()
    assert await bench.db.run(lambda tx: bench.ledger.claim(tx, "here", "panel")) is None
    await bench.end(first)
    await bench.claim()
    assert [run.status for run in await bench.runs()] == [Status.DONE, Status.RUNNING, Status.PENDING]


async def test_a_run_that_replaces_ends_what_waits_and_asks_what_runs_to_end(bench: Bench) -> None:
    await bench.set(overlap=Overlap.REPLACE)
    await bench.after(60)
    running = await bench.claim()
    await bench.after(60)
    await bench.after(60)
    first, second, third = await bench.runs()
    assert (first.status, first.intent) == (Status.RUNNING, Intent.SUPERSEDE)
    assert (second.status, second.reason) == (Status.ERROR, Reason.SUPERSEDED)
    assert third.status is Status.PENDING
    assert set(bench.interrupted) == {running}


async def test_a_failure_is_tried_again_and_gives_way_to_the_next_due_time(bench: Bench) -> None:
    await bench.set(retries=2, backoff=timedelta(seconds=10))
    await bench.after(60)
    await bench.end(await bench.claim(), Reason.FAILED)
    await bench.after(9)
    assert [attempt for _, attempt, fate in await bench.told_of() if fate == "started"] == [0]
    await bench.after(1)
    await bench.end(await bench.claim(), Reason.TIMED_OUT)
    await bench.after(50)  # the next due time comes at the same moment as would the third attempt
    assert await bench.told_of() == [
        ("01:00", 0, "started"),
        ("01:00", 1, "started"),
        ("01:00", 2, "dropped"),
        ("02:00", 0, "started"),
    ]


async def test_what_somebody_ended_is_not_tried_again(bench: Bench) -> None:
    await bench.set(retries=2, backoff=timedelta(seconds=10))
    await bench.after(60)
    await bench.end(await bench.claim(), Reason.KILLED)
    await bench.after(30)
    assert await bench.told_of() == [("01:00", 0, "started")]


@pytest.mark.parametrize(
    ("catch_up", "wanted"),
    [(CatchUp.NONE, "mmmms"), (CatchUp.ONCE, "mmmsk"), (CatchUp.ALL, "msssk")],  # missed, started, skipped
)
async def test_times_that_nobody_saw(bench: Bench, catch_up: CatchUp, wanted: str) -> None:
    await bench.set(cron=Cron(expression="0 * * * *"), catch_up=catch_up, catch_up_limit=3)
    await bench.after(5 * 3600)
    assert "".join({"skipped": "k"}.get(fate, fate[0]) for _, _, fate in await bench.told_of()) == wanted
    timer = await bench.db.read(lambda tx: store.find(tx, SubjectType.SCHEDULE, "mine"))
    assert timer is not None
    assert timer.missed == wanted.count("m")


async def test_a_start_waits_for_its_jitter_and_is_dropped_when_the_timer_is_changed(bench: Bench) -> None:
    await bench.set(cron=Cron(expression="0 * * * *"), jitter=timedelta(hours=1))
    await bench.after(3600)
    assert await bench.told_of() == [("00:00", 0, "waiting")]
    await bench.set(cron=Cron(expression="30 * * * *"))
    await bench.after(1800)
    assert await bench.told_of() == [("00:00", 0, "dropped"), ("30:00", 0, "started")]


async def test_the_timer_of_what_is_gone_asks_for_nothing(bench: Bench) -> None:
    await bench.set()
    bench.subjects.gone.add("mine")
    await bench.after(60)
    assert await bench.told_of() == [("01:00", 0, "dropped")]
    await bench.db.run(lambda tx: bench.timers.remove(tx, SubjectType.SCHEDULE, "mine"))
    await bench.after(60)
    assert await bench.told_of() == []


async def test_one_that_cannot_be_read_any_more_keeps_no_other_from_its_times(bench: Bench) -> None:
    await bench.set(subject_id="broken")
    await bench.set()
    await bench.db.run(
        lambda tx: tx.execute(update(timers).where(timers.c.subject_id == "broken").values(timezone="Gone"))
    )
    await bench.after(60)
    assert await bench.told_of() == [("01:00", 0, "started")]
    assert await bench.scheduler.look() > 0


async def test_the_oldest_due_times_are_forgotten(bench: Bench) -> None:
    await bench.set(overlap=Overlap.ALLOW)
    for _ in range(5):
        await bench.after(60)
    await bench.db.run(lambda tx: store.prune(tx, kept=3))
    assert [due for due, _, _ in await bench.told_of()] == ["03:00", "04:00", "05:00"]


async def test_a_due_time_is_decided_once_also_without_the_lock(bench: Bench) -> None:
    tick = Tick(due_at=NOON, start_at=NOON, fate=Fate.STARTED)
    assert await bench.db.run(lambda tx: store.record(tx, MINE, tick, NOON))
    assert not await bench.db.run(lambda tx: store.record(tx, MINE, replace(tick, fate=Fate.SKIPPED), NOON))


@pytest.mark.slow
async def test_a_timer_that_breaks_holds_up_no_other_and_is_tried_again(bench: Bench) -> None:
    errors = RuntimeError("nobody foresaw it"), VaultError("The secret cannot be opened.")
    many = [f"broken{number}" for number in range(120)]  # more than are read at a time, and due before the other
    bench.subjects.broken.update(zip(many, itertools.cycle(errors), strict=False))
    await bench.set_all(many)
    bench.clock.time += timedelta(seconds=1)
    await bench.set()
    await bench.after(61)
    assert len(await bench.runs()) == 1
    told = [trouble.sentence for trouble in bench.troubles.all()]
    assert len(told) == 120
    assert [sentence for sentence in told if "nobody foresaw" in sentence] == []
    bench.subjects.broken.clear()
    await bench.after(10)
    assert bench.troubles.all() == []
    started = await bench.db.read(lambda tx: deployments.of_subject(tx, SubjectType.SCHEDULE, "broken7"))
    assert len(started) == 1


async def test_a_clock_that_was_ahead_silences_nothing(bench: Bench) -> None:
    await bench.set(retries=1)
    await bench.after(8 * 3600)
    await bench.end(await bench.claim(), Reason.FAILED)
    bench.clock.time -= timedelta(hours=8)
    await bench.scheduler.put_right()
    assert [each[1:] for each in await bench.told_of()] == [(0, "started"), (1, "waiting")]
    await bench.after(60)
    await bench.end(await bench.claim(), Reason.KILLED)
    await bench.after(60)
    assert (await bench.told_of())[:2] == [("01:00", 0, "started"), ("02:00", 0, "started")]
    timer = await bench.db.read(lambda tx: store.find(tx, SubjectType.SCHEDULE, "mine"))
    assert timer is not None
    assert (timer.missed, timer.next_at) == (0, NOON + timedelta(minutes=3))


async def test_a_clock_that_is_right_is_left_alone(bench: Bench) -> None:
    await bench.set(jitter=timedelta(hours=20), cron=Cron(expression="0 * * * *"))
    await bench.after(3600)
    before = await bench.db.read(lambda tx: tx.execute(select(ticks)).all())
    await bench.scheduler.put_right()
    assert await bench.db.read(lambda tx: tx.execute(select(ticks)).all()) == before
    assert before[0].start_at > bench.clock.time + timedelta(hours=1)


@pytest.mark.parametrize("ends", ["removed", "disabled"])
async def test_a_timer_that_is_no_more_is_no_trouble(bench: Bench, ends: str) -> None:
    bench.subjects.broken.update({each: RuntimeError("nobody foresaw it") for each in ("ends", "stays")})
    await bench.set_all(["ends", "stays"])
    await bench.after(61)
    assert [each.item for each in bench.troubles.all()] == ["schedule ends", "schedule stays"]
    if ends == "removed":
        await bench.db.run(lambda tx: store.remove(tx, SubjectType.SCHEDULE, "ends"))
    else:
        await bench.set(subject_id="ends", enabled=False)
    await bench.after(1)
    assert [each.item for each in bench.troubles.all()] == ["schedule stays"]


async def test_a_clock_that_is_set_back_between_look_and_deed_keeps_nothing_busy(bench: Bench) -> None:
    await bench.set()
    bench.clock.time += timedelta(seconds=61)
    due = bench.clock.time
    times = iter([due])
    bench.clock.now = lambda: next(times, due - timedelta(seconds=90))  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        assert await bench.scheduler.look() > 0
