"""Days on which the engine does all that it can, and how each goes where one of its waits fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random

from headway.core.deployments.model import Request, SubjectType
from headway.core.deployments.retention import Keep, Retention
from headway.core.engine.poller import Poller
from headway.core.engine.run_log import LogFilesOnDisk
from headway.core.engine.scheduler import store as timer_store
from headway.core.engine.scheduler.cron import Cron
from headway.core.engine.scheduler.timer import Policy, Tick
from headway.core.engine.scheduler.timers import Timers
from headway.core.engine.troubles import Troubles
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.events import Events
from tests.simulation import features
from tests.simulation.border import Fault
from tests.simulation.injection import ERRORS, OF_FEATURES, Injector, Point
from tests.simulation.machine import Machine
from tests.simulation.world import Panel, World, play, world
from tests.support.panel.factories import request

LONGEST_SECONDS = 6_000.0  # what fails twenty times in a row is tried each five minutes in the end
AGAIN = {"day": 20, "night": 20, "evening": 8}  # the loops of features look each second, however long an item waits
PANELS = "panels"
SHORT = {"fetch": ["print fetching"], "build": ["print building"], "migrate": ["print migrating"]}
FAILING = {**SHORT, "migrate": ["print migrating", "exit 3"]}
SLOW = {**SHORT, "build": ["print building", "sleep 8", "print built"]}
ENDLESS = {**SHORT, "fetch": ["print fetching", "sleep 3000", "stubborn"]}


class Nightly:
    """What a timer asks for; fits ``Source``."""

    def request(self, tx: Tx, subject_id: str, tick: Tick) -> Request | None:
        """See ``Source.request``."""
        return wish(subject_id, SHORT)


def wish(name: str, commands: Mapping[str, list[str]]) -> Request:
    """A deployment of the application of that name."""
    return request(subject_id=name, exclusive_key=f"application:{name}", input={"commands": dict(commands)})


def prepare(made: World) -> None:
    """A server, a timer that is due after half a minute of the first hour, and records that are not kept for ever."""
    made.servers = [Machine("server")]
    made.sources = {SubjectType.SCHEDULE: Nightly()}
    made.pollers = lambda engine: (Poller("retention", _retention(made, engine._parts.db).keep_round),)
    timers, cron = Timers(Events(), made.loop), Cron(expression="30 0 0 1 1 *")

    def put(tx: Tx) -> None:
        timers.put(tx, SubjectType.SCHEDULE, "nightly", cron, Policy(), enabled=True)

    made.store.perform(put)


async def a_day(made: World) -> None:
    """One fails and owes an undo, its neighbours succeed, one is cancelled, one is due by the clock, one is too old."""
    prepare(made)
    panel = made.start_panel()
    made.border.faults.append(Fault("undo release", HeadwayError("The engine does not answer.")))
    for name, commands in (("old", SHORT), ("failing", FAILING), ("neighbour", SLOW), ("endless", ENDLESS)):
        await ask(made, panel, name, commands)
    await ask(made, panel, "old", SHORT)
    endless = await found(made, "endless")
    await kept_up(made, lambda: made.machine.begun[endless, "fetch"] > 0 or ended(made, endless), "it runs")
    await cancel(made, endless)
    await calm(made, 6)


async def a_night(made: World) -> None:
    """The panel dies over three runs: one lives, the anchor of one is gone, one begins; another is cancelled."""
    prepare(made)
    panel = made.start_panel()
    for name, commands in (("lives", SLOW), ("loses", SLOW), ("waits", SHORT)):
        await ask(made, panel, name, commands)
    lives, loses = await found(made, "lives"), await found(made, "loses")
    both = lambda: all(made.machine.begun[each, "build"] or ended(made, each) for each in (lives, loses))  # noqa: E731
    await kept_up(made, both, "both build")
    made.panels["a"].process.kill()
    for run in made.machine.runs.values():
        if run.handle.deployment_id == loses:
            run.die()
    made.start_panel()
    await ask(made, made.panels["a"], "endless", ENDLESS)
    endless = await found(made, "endless")
    await kept_up(made, lambda: made.machine.begun[endless, "fetch"] > 0 or ended(made, endless), "it runs")
    await asyncio.sleep(1)
    made.panels["a"].process.kill()
    made.start_panel()
    await cancel(made, endless)
    await calm(made, 5)


async def an_evening(made: World) -> None:
    """Schedules and previews are deleted: each has runs that ended, are at work or wait; all of it is told."""
    receiver = features.prepare(made)
    panel = made.start_panel()

    async def runs(subject_type: SubjectType, name: str, commands: Mapping[str, list[str]]) -> None:
        asked = replace(wish(name, commands), subject_type=subject_type)
        await made.ask(panel, made.enqueue(panel, asked))

    for name in features.SCHEDULES:
        await runs(SubjectType.SCHEDULE, name, SHORT)
    await kept_up(made, made.all_ended, "they have run")
    both = (features.SCHEDULES[0], features.PREVIEWS[0])
    await runs(SubjectType.SCHEDULE, both[0], ENDLESS)
    await runs(SubjectType.PREVIEW, both[1], ENDLESS)
    endless = [max(row.seq for row in made.truth.rows.values() if row.subject_id == name) for name in both]
    ids = [row.deployment_id for row in made.truth.rows.values() if row.seq in endless]
    await kept_up(made, lambda: all(made.machine.begun[each, "fetch"] for each in ids), "they are at work")
    await runs(SubjectType.SCHEDULE, features.SCHEDULES[1], ENDLESS)
    await runs(SubjectType.PREVIEW, features.PREVIEWS[1], ENDLESS)
    features.delete(made)
    await ask(made, panel, "neighbour", SHORT)
    await calm(made, 7)
    await kept_up(made, lambda: features.is_clear(made, receiver), "all is cleared and told")


DAYS: Mapping[str, Callable[[World], Awaitable[None]]] = {"day": a_day, "night": a_night, "evening": an_evening}


def play_day(day: str, injector: Injector) -> dict[str, str]:
    """How the deployments of a day ended, by their applications in the order of asking, and how many panels there were
    that day. Raises AssertionError.
    """
    with world(day, 0.0) as made:
        made.loop.pierce = injector.pierced
        play(made, DAYS[day])
        ends = sorted(made.truth.ends.values(), key=lambda row: row.seq)
        return {f"{row.seq} {row.subject_id}": row.reason or row.status for row in ends} | {PANELS: str(made.starts)}


def points_of(day: str) -> tuple[dict[str, str], list[tuple[Point, int]]]:
    """How a day goes where nothing fails, and where something may: each point the first time, and the last. Of an
    evening only those of features: the others are those of the days.
    """
    injector = Injector()
    ends = play_day(day, injector)
    points = sorted(injector.met.items(), key=lambda each: str(each[0]))
    if day == "evening":
        points = [(point, times) for point, times in points if point.file in OF_FEATURES]
    return ends, [(point, nth) for point, times in points for nth in sorted({1, times})]


def judge(day: str, point: Point, nth: int, ends: Mapping[str, str]) -> str:
    """What is wrong with a day on which a point fails, "" for nothing: one deployment may end otherwise (of an evening,
    where what fails is no deployment's, none), none is left, and none of the others takes part.
    """
    error = Random(f"{point} {nth}").choice(ERRORS)
    injector = Injector(point=point, nth=nth, error=error)
    try:
        found = play_day(day, injector)
    except AssertionError as untrue:
        return f"{error()!r}: {(str(untrue).splitlines() or ['?'])[-1]}"
    others = {name for name in {*ends, *found} if ends.get(name) != found.get(name)}
    if injector.raised_outside:  # of every loop: then the panel itself ends, and is started anew
        others.discard(PANELS)
    if PANELS not in others and len(others) <= (0 if day == "evening" else 1):
        return ""
    return f"{error()!r}: {[(name, ends.get(name), found.get(name)) for name in sorted(others)]}"


def judge_lasting(day: str, point: Point) -> str:
    """What is wrong with a day on which a point fails again and again, "" for nothing: more of the deployments may end
    otherwise, and all of them end, each status a fact, with nothing left.
    """
    error = Random(f"{point} again").choice(ERRORS)
    try:
        play_day(day, Injector(point=point, times=AGAIN[day], error=error))
    except AssertionError as untrue:
        return f"{AGAIN[day]} times {error()!r}: {(str(untrue).splitlines() or ['?'])[-1]}"
    return ""


async def ask(made: World, panel: Panel, name: str, commands: Mapping[str, list[str]]) -> None:
    """A client's wish, asked until it is taken."""
    await made.ask(panel, made.enqueue(panel, wish(name, commands)))


async def found(made: World, name: str) -> str:
    """The id of an application's deployment."""
    return next(row.deployment_id for row in made.truth.rows.values() if row.subject_id == name)


async def cancel(made: World, deployment_id: str) -> None:
    """Asked until it is answered: whoever is told of an error asks again."""
    for _ in range(20):
        panel = revived(made)
        with suppress(Exception):
            await made.ask(panel, panel.engine.stopper.cancel(deployment_id))
        if ended(made, deployment_id):
            return
        await asyncio.sleep(1)


async def calm(made: World, number: int) -> None:
    """Returns once so many have ended, but for one whose timer was late, and nothing of them is left."""

    def is_calm() -> bool:
        over = made.all_ended() and not made.machine.runs
        return over and len(made.truth.ends) >= number - missed(made)

    await kept_up(made, is_calm, "all have ended")
    await kept_up(made, lambda: not made.effects.releases - done(made), "what was half-made is gone")


async def kept_up(made: World, fact: Callable[[], bool], what: str) -> None:
    """Waits for a fact, while somebody keeps the panel up."""
    await made.until(lambda: bool(revived(made)) and fact(), LONGEST_SECONDS, what, every=0.5)


def missed(made: World) -> int:
    """How many due times of the timer were missed."""
    timer = made.store.perform(lambda tx: timer_store.find(tx, SubjectType.SCHEDULE, "nightly"), writing=False)[1]
    return 0 if timer is None else timer.missed


def done(made: World) -> set[str]:
    """The deployments that are done."""
    return {row.deployment_id for row in made.truth.ends.values() if row.status == "done"}


def ended(made: World, deployment_id: str) -> bool:
    """Whether a deployment has ended."""
    return deployment_id in made.truth.ends


def revived(made: World) -> Panel:
    """The panel, started anew by whoever keeps it alive where it has ended."""
    panel = made.panels["a"]
    if panel.task.done() or not panel.process.is_alive:
        panel.process.kill()
        panel = made.start_panel()
    return panel


def _retention(made: World, db: Database) -> Retention:
    keep = Keep(number=1, age=timedelta(hours=1))
    troubles = Troubles(clock=made.loop, monotonic=made.loop.time)
    return Retention(db=db, logs=LogFilesOnDisk(made.logs), default=keep, own={}, needed=_needed, troubles=troubles)


def _needed(tx: Tx, deployment_ids: object) -> tuple[str, ...]:
    """Those of which something is still to be taken back are known by their record."""
    return ()
