"""A simulated machine: anchors and their commands, which outlive the panel, and what they left on the disk."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from headway.infra.hosts.base import Cause, Exit, Handle, StopMode
from headway.infra.hosts.command import Command
from tests.simulation.loop import WORLD


class State(Enum):
    """Where an anchor is in its life."""

    WAITING = auto()
    WORKING = auto()
    NEVER_STARTED = auto()
    DEAD = auto()


class Bell:
    """Wakes whoever waits for a change."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Returns at the next ring."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def ring(self) -> None:
        """Wakes all that wait now."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


class Machine:
    """What is true of the machine whatever panels do. ``started`` is told of each command that begins,
    ``removed`` of each run whose folder goes, ``effect`` of what commands do outside their run. ``unsynced`` are the
    deployments that have written what no disk has yet, ``stale`` the changes that a fence should have kept out. While a
    server ``is_away``, no link to it stands.
    """

    def __init__(self, host_id: str = "here") -> None:
        self.host_id = host_id
        self.boot = 1
        self.epochs: dict[str, int] = {}
        self.fences: Counter[str] = Counter()
        self.links = 1
        self.is_away = False
        self.unsynced: set[str] = set()
        self.stale: list[str] = []
        self.runs: dict[tuple[str, int], SimRun] = {}
        self.begun: Counter[tuple[str, str]] = Counter()
        self.started: Callable[[SimRun, str], None] = lambda _run, _name: None
        self.effect: Callable[[str], None] = lambda _name: None
        self.removed: Callable[[SimRun], None] = lambda _run: None
        self.pids = 100

    @property
    def boot_id(self) -> str:
        """The identifier of this boot."""
        return f"boot-{self.boot}"

    def restart(self) -> None:
        """The machine goes down and comes up: no process is left, the disk is as it was."""
        for run in self.runs.values():
            run.die()
            run.sweep()
        self.boot += 1

    def cut(self) -> None:
        """Every link to the machine breaks: what was held over one is let go of. Others stand at once."""
        self.links += 1
        self.fences.clear()

    def write(self, deployment_id: str, epoch: int, what: str) -> None:
        """A deployment changes something on the disk, at an epoch that should not have passed."""
        self.unsynced.add(deployment_id)
        if self.epochs.get(deployment_id, 0) > epoch:
            self.stale.append(f"{what} of {deployment_id} at epoch {epoch}, which had passed")

    def living(self, deployment_id: str) -> list[str]:
        """The commands of a deployment that run now, at whatever epoch."""
        return [
            f"{name} at epoch {run.handle.epoch}"
            for (owner, _), run in self.runs.items()
            if owner == deployment_id
            for name, process in run.processes.items()
            if process.is_alive
        ]


@dataclass(eq=False)
class SimRun:
    """One anchor, its run folder, and its commands."""

    machine: Machine
    handle: Handle
    total_seconds: float
    state: State = State.WAITING
    is_shut: bool = False
    is_over_time: bool = False
    spool: bytearray = field(default_factory=bytearray)
    exits: dict[str, Exit] = field(default_factory=dict)
    processes: dict[str, SimCommand] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    bell: Bell = field(default_factory=Bell)
    timer: asyncio.TimerHandle | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the anchor's process is there."""
        return self.state in {State.WAITING, State.WORKING}

    def opener_died(self) -> None:
        """An anchor whose opener dies before the go-ahead ends, and says so."""
        if self.state is State.WAITING:
            self.end(State.NEVER_STARTED)

    def go(self) -> None:
        """The go-ahead: the total deadline runs from here."""
        self.state = State.WORKING
        self.timer = later(self.total_seconds, self.time_is_over)

    def start(self, name: str, command: Command, *, undo: bool) -> None:
        """Starts a command that has not been started before."""
        self.machine.begun[self.handle.deployment_id, name] += 1
        self.machine.unsynced.add(self.handle.deployment_id)
        self.machine.started(self, name)
        process = self.processes[name] = SimCommand(self, name, command, undo=undo)
        if self.is_over_time and not undo:
            process.end_all(-9, Cause.TOTAL_TIMEOUT)
        else:
            process.begin()

    def stop(self, mode: StopMode) -> None:
        """Shuts the gate and signals what runs, undos aside."""
        self.is_shut = True
        for process in self.processes.values():
            if process.is_alive and not process.undo:
                process.signal(mode)

    def is_stopped(self) -> bool:
        """Whether nothing runs that a stop ends."""
        return not any(process.is_alive and not process.undo for process in self.processes.values())

    def time_is_over(self) -> None:
        """The total deadline: what runs is ended, undos aside, and so is what is started later."""
        self.is_over_time = True
        for process in self.processes.values():
            if process.is_alive and not process.undo:
                process.end_all(-9, Cause.TOTAL_TIMEOUT)

    def say(self, key: str, text: str) -> None:
        """A line of Headway's own, once per key."""
        if key not in self.said:
            self.said.add(key)
            self.write(f"{text}\n".encode(), own_line=True)

    def write(self, data: bytes, *, own_line: bool = False) -> None:
        """Adds to the output, while somebody reads the pipe."""
        if self.state is State.WORKING:
            if own_line and self.spool and not self.spool.endswith(b"\n"):
                self.spool += b"\0\n"
            self.spool += data
            self.bell.ring()

    def end_line(self) -> None:
        """A command is over: where nothing else runs, what comes next begins a line of its own."""
        if not any(process.is_alive for process in self.processes.values()):
            self.write(b"", own_line=True)

    def die(self) -> None:
        """The anchor's process is gone; commands live on, but nobody notes their ends."""
        if self.is_alive:
            self.end(State.DEAD if self.state is State.WORKING else State.NEVER_STARTED)

    def end(self, state: State) -> None:
        """The anchor's process ends."""
        self.state = state
        if self.timer is not None:
            self.timer.cancel()
        self.bell.ring()

    def sweep(self) -> None:
        """Ends whatever commands are left."""
        for process in self.processes.values():
            process.vanish()

    def remove(self) -> None:
        """The end of anchor, commands and run folder."""
        self.die()
        self.sweep()
        self.machine.removed(self)
        self.machine.runs.pop((self.handle.deployment_id, self.handle.epoch), None)
        self.bell.ring()


class SimCommand:
    """A command at work. Its first stage is a list of words: ``print TEXT``, ``write TEXT`` (no line end), ``sleep
    SECONDS``, ``effect NAME``, ``last``, ``stubborn`` and ``exit STATUS``; of further stages only ``exit`` counts.
    """

    def __init__(self, run: SimRun, name: str, command: Command, *, undo: bool) -> None:
        self.undo = undo
        self.is_alive = True
        self._run = run
        self._name = name
        self._words = list(command.stages[0].argv[1:])
        self._statuses = tuple(_status(stage.argv[1:]) for stage in command.stages)
        self._capture = command.capture
        self._captured = b""
        self._is_stubborn = "stubborn" in self._words
        self._inactivity = command.inactivity_seconds
        self._quiet: asyncio.TimerHandle | None = None
        self._timers = [later(command.step_seconds, lambda: self.end_all(-9, Cause.STEP_TIMEOUT))]
        self._cause: Cause | None = None

    def begin(self) -> None:
        """Carries out the words up to the next sleep."""
        self._stir()
        while self.is_alive and self._words:
            verb, _, rest = self._words.pop(0).partition(" ")
            match verb:
                case "print":
                    self._write(f"{rest}\n".encode())
                case "write":
                    self._write(rest.encode())
                case "effect":
                    self._run.machine.effect(rest)
                case "sleep":
                    self._timers.append(later(float(rest), self.begin))
                    return
                case "last":
                    return
                case "stubborn" | "exit":
                    continue
        if self.is_alive:
            self._end(self._statuses, None)

    def signal(self, mode: StopMode) -> None:
        """SIGKILL, or SIGTERM, which a stubborn command does not heed."""
        if mode is StopMode.KILL:
            self.end_all(-9, self._cause or Cause.KILLED)
        elif self._is_stubborn:
            self._cause = Cause.CANCELLED
        else:
            self.end_all(-15, Cause.CANCELLED)

    def end_all(self, status: int, cause: Cause) -> None:
        """Ends every stage from outside."""
        if self.is_alive:
            self._end((status,) * len(self._statuses), cause)

    def vanish(self) -> None:
        """Ends it without anybody to note that."""
        self.is_alive = False
        for timer in (*self._timers, self._quiet):
            if timer is not None:
                timer.cancel()

    def _end(self, statuses: tuple[int, ...], cause: Cause | None) -> None:
        self.vanish()
        if self._run.state is State.WORKING:
            self._run.end_line()
            self._run.exits[self._name] = Exit(statuses=statuses, cause=cause, output=self._captured)
            self._run.bell.ring()

    def _write(self, data: bytes) -> None:
        self._stir()
        if self._capture:
            self._captured += data
        else:
            self._run.write(data)

    def _stir(self) -> None:
        if self._inactivity is not None:
            if self._quiet is not None:
                self._quiet.cancel()
            self._quiet = later(self._inactivity, lambda: self.end_all(-9, Cause.INACTIVITY_TIMEOUT))


def later(seconds: float | None, work: Callable[[], object]) -> asyncio.TimerHandle | None:
    """Does it after so long, outside every panel; never where there is no time."""
    return None if seconds is None else asyncio.get_running_loop().call_later(seconds, work, context=WORLD)


def _status(words: tuple[str, ...]) -> int:
    return next((int(word.partition(" ")[2]) for word in words if word.startswith("exit ")), 0)
