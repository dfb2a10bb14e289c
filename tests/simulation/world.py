"""One simulated world: a machine, a database, panels that come and go, and what a seed does to them."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Request, SubjectType
from headway.core.engine.engine import Engine
from headway.core.engine.parts import EngineSettings, Parts, Registered
from headway.core.engine.poller import Poller
from headway.core.engine.run_log import LogFolder
from headway.core.engine.scheduler.scheduler import TimerSource
from headway.core.engine.troubles import Troubles
from headway.infra.logs import pump
from headway.infra.logs.paths import LogPaths
from headway.kernel import ids
from headway.kernel.events import Events
from headway.kernel.vault import Vault
from tests.simulation.border import Border
from tests.simulation.database import SimDatabase, Store
from tests.simulation.host import SimHost
from tests.simulation.loop import RUNS_IN, Process, SimLoop
from tests.simulation.machine import Machine
from tests.simulation.truth import Truth, Untrue, ends_told, is_anything_owed
from tests.simulation.work import Effects, Work
from tests.support.panel.factories import LEASE, add_host

T = TypeVar("T")

CONCURRENCY = 2
MEMORY = Path("/dev/shm")


@dataclass(slots=True, kw_only=True)
class Panel:
    """One start of a panel."""

    panel_id: str
    process: Process
    context: Context
    engine: Engine
    db: SimDatabase
    ledger: Ledger
    parts: Parts
    task: asyncio.Task[None]


class World:
    """Everything of one simulation. Panels reach it over ``border`` only."""

    def __init__(self, loop: SimLoop, chance: Random, border: Border, folder: Path) -> None:
        self.loop = loop
        self.chance = chance
        self.border = border
        self.machine = Machine()
        self.effects = Effects()
        self.store = Store(loop)
        self.logs = LogPaths(folder)
        self.panels: dict[str, Panel] = {}
        self.truth = Truth(self.machine, self.effects, CONCURRENCY)
        self.version = 1
        self.undo_seconds = 0.0
        self.servers: list[Machine] = []
        self.settings = EngineSettings()
        self.vault = Vault(Vault.new_key())
        self.sources: dict[SubjectType, TimerSource] = {}
        self.pollers: Callable[[Engine], tuple[Poller, ...]] = lambda _engine: ()
        self._starts = 0
        self._processes: list[Process] = []
        self.store.perform(lambda tx: add_host(tx, concurrency=CONCURRENCY))
        self.store.watch = self.truth.look_at_rows

    def start_panel(self, panel_id: str = "a") -> Panel:
        """Starts a panel, which first voids the leases of its predecessor."""
        self._starts += 1
        process, context, events = Process(f"{panel_id}{self._starts}"), copy_context(), Events()
        self._processes.append(process)
        context.run(RUNS_IN.set, process)
        ledger = Ledger(events=events, subjects={}, log_path=lambda id_: str(self.logs.log(id_)), lease_duration=LEASE)
        work = Work(self.effects, self.border, self.version, lambda: self.undo_seconds)
        parts = Parts(
            db=SimDatabase(self.store, self.border),
            ledger=ledger,
            events=events,
            registered=Registered(
                hosts={each.host_id: SimHost(each, self.border) for each in (self.machine, *self.servers)},
                kinds={work.name: work},
                sources=self.sources,
            ),
            vault=self.vault,
            logs=LogFolder(self.logs, Nobody(), events),
            owner=f"{panel_id}.{self._starts}",
            troubles=Troubles(clock=self.loop, monotonic=self.loop.time),
            clock=self.loop,
            settings=self.settings,
            crash_point=lambda _name: self.border.count(),
        )
        engine = Engine(parts)
        engine.register(loops=self.pollers(engine))

        async def run() -> None:
            await engine.take_over(panel_id)
            await engine.run()

        panel = self.panels[panel_id] = Panel(
            panel_id=panel_id,
            process=process,
            context=context,
            engine=engine,
            db=SimDatabase(self.store, self.border),
            ledger=ledger,
            parts=engine._parts,
            task=self.loop.create_task(run(), context=context),
        )
        return panel

    def ask(self, panel: Panel, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A client's request to a panel."""
        return self.loop.create_task(work, context=panel.context)

    async def enqueue(self, panel: Panel, request: Request) -> str:
        """A client's wish for a deployment, tried until the panel answers."""
        return (await panel.db.run(lambda tx: panel.ledger.enqueue(tx, request))).deployment_id

    @property
    def starts(self) -> int:
        """How many panels have been started."""
        return self._starts

    def all_ended(self) -> bool:
        """Whether nothing waits or runs."""
        return all(row.status in {"done", "error"} for row in self.truth.rows.values())

    def is_calm(self) -> bool:
        """Whether nothing waits or runs, nothing lies on the machine, and nothing is to be taken back."""
        return self.all_ended() and not self.machine.runs and not self.store.perform(is_anything_owed, writing=False)[1]

    async def until(self, fact: Callable[[], bool], seconds: float, what: str, every: float = 0.25) -> None:
        """Waits for a fact of the world. Raises Untrue when it does not come true in time."""
        deadline = self.loop.time() + seconds
        while not fact():
            if self.truth.untruths:  # met by a task that has swallowed it
                raise Untrue(self.truth.untruths[0])
            self.truth.hold(self.loop.time() < deadline, f"not within {seconds} s: {what}")
            await asyncio.sleep(every)

    def end(self) -> None:
        """Nothing counts any more: ends every task, also of the dead."""
        self.border.is_shut = True
        for process in self._processes:
            self.loop.take_back(process.held)
        self.loop.bury()
        self.store.close()


class Nobody:
    """The followers of a log that nobody follows."""

    def grew(self, deployment_id: str, size: int) -> None:
        """Nobody is told."""

    def ended(self, deployment_id: str) -> None:
        """Nobody is told."""

    def restarted(self, deployment_id: str) -> None:
        """Nobody is told."""


@contextmanager
def world(seed: str, longest_seconds: float = 0.0) -> Iterator[World]:
    """A fresh world; an untruth, and whatever no task has caught, fails in the end."""
    chance = Random(seed)
    border = Border(Random(f"{seed} border"), longest_seconds)
    loop = SimLoop(border.count)
    folder = Path(tempfile.mkdtemp(prefix="headway-sim-", dir=MEMORY if MEMORY.is_dir() else None))
    with _of_this_world(seed, loop):
        try:
            made = World(loop, chance, border, folder)
            try:
                yield made
            finally:
                made.end()
        finally:
            loop.close()
            shutil.rmtree(folder)


def with_a_server(made: World) -> Machine:
    """A server whose runs are judged as those here are."""
    server = Machine("server")
    server.started, server.removed = made.machine.started, made.machine.removed
    made.servers = [server]
    made.store.perform(lambda tx: add_host(tx, "server"))
    return server


def play(made: World, script: Callable[[World], Awaitable[None]]) -> None:
    """Performs a script, then looks at the end of it all. Raises Untrue."""

    async def whole() -> None:
        await script(made)
        if made.truth.untruths:
            return
        _, told = made.store.perform(ends_told, writing=False)
        made.truth.look_at_the_end(made.logs, told)

    try:
        made.loop.run_until_complete(whole())
    except AssertionError:
        if not made.truth.untruths:
            raise
    assert made.truth.untruths == [], "\n".join([*made.border.trace[-60:], *made.truth.untruths])


@contextmanager
def _of_this_world(seed: str, loop: SimLoop) -> Iterator[None]:
    """Ids are as random as the seed, and the pump's clock is that of the loop."""
    replaced = {"secrets": (ids, _Seeded(seed)), "time": (pump, _Time(loop))}
    before = {name: vars(module)[name] for name, (module, _) in replaced.items()}
    for name, (module, value) in replaced.items():
        setattr(module, name, value)
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        for name, (module, _) in replaced.items():
            setattr(module, name, before[name])
        logging.disable(logging.NOTSET)


class _Seeded:
    """As much of ``secrets`` as ids need."""

    def __init__(self, seed: str) -> None:
        self.choice = Random(f"{seed} ids").choice


class _Time:
    """As much of ``time`` as the pump needs."""

    def __init__(self, loop: SimLoop) -> None:
        self.monotonic = loop.time
