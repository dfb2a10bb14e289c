"""A panel's way to a simulated machine: the host contract, in memory but for files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from headway.infra.hosts.base import (
    AnchorGone,
    AnchorSpec,
    EpochPassed,
    Exit,
    GateShut,
    GoneReason,
    Handle,
    HostUnreachable,
    StopMode,
)
from headway.infra.hosts.command import Command, Limits
from headway.infra.hosts.epochs import LOCK_SECONDS, EpochHeld
from headway.infra.hosts.files import LocalFiles
from headway.kernel.errors import Conflict, HeadwayError
from tests.simulation.border import Border
from tests.simulation.loop import RUNS_IN
from tests.simulation.machine import Machine, SimRun, State, later


@dataclass(frozen=True, slots=True)
class SimFence:
    """An epoch that is held still over a link of that number."""

    deployment_id: str
    epoch: int
    link: int


FENCE: ContextVar[SimFence | None] = ContextVar("FENCE", default=None)


class SimHost(LocalFiles):
    """Fits ``infra.hosts.base.Host``."""

    def __init__(self, machine: Machine, border: Border) -> None:
        self.host_id = machine.host_id
        self._machine = machine
        self._border = border

    @property
    def link(self) -> int | None:
        """See ``Host.link``."""
        if self.host_id == "here":
            return 0
        return None if self._machine.is_away else self._machine.links

    async def boot_id(self) -> str:
        """See ``Host.boot_id``."""
        await self._border.out("host", "boot id")
        await self._border.back("host", "boot id")
        return self._machine.boot_id

    async def open_anchor(self, spec: AnchorSpec) -> SimAnchor:
        """See ``Host.open_anchor``."""
        await self._border.out("host", f"open anchor {spec.epoch}")
        await self._raise(spec.deployment_id, spec.epoch)
        run = self._opened(spec)
        await self._border.back("host", "open anchor")
        return SimAnchor(self._machine, self._border, run.handle, spec.epoch, opener=True)

    async def attach(self, handle: Handle, epoch: int) -> SimAnchor:
        """See ``Host.attach``."""
        await self._border.out("host", f"attach {epoch}")
        anchor = SimAnchor(self._machine, self._border, handle, epoch)
        anchor.check_epoch()
        run = anchor.run
        if handle.boot_id != self._machine.boot_id and not (run and run.state is State.NEVER_STARTED):
            raise AnchorGone("The machine was started again.", GoneReason.OTHER_BOOT)
        if run is not None and run.state is State.WAITING:
            if handle.epoch == epoch:
                raise HostUnreachable("There was no go-ahead yet.")
            run.end(State.NEVER_STARTED)
        anchor.told = len(anchor.living().spool)
        await self._border.back("host", "attach")
        return anchor

    async def make_group(self, name: str, limits: Limits, *, ruled: bool = False) -> str | None:
        """See ``Host.make_group``: there are none here."""
        return None

    async def end_group(self, name: str) -> bool:
        """See ``Host.end_group``."""
        return False

    async def raise_epoch(self, deployment_id: str, epoch: int) -> None:
        """See ``Host.raise_epoch``."""
        await self._border.out("host", f"raise epoch {epoch}")
        await self._raise(deployment_id, epoch)
        await self._border.back("host", f"raise epoch {epoch}")

    @asynccontextmanager
    async def fence(self, deployment_id: str, epoch: int) -> AsyncIterator[None]:
        """See ``Host.fence``; a process that dies lets go of what it holds."""
        await self._border.out("host", f"fence {epoch}")
        self._check(deployment_id, epoch)
        self._machine.fences[deployment_id] += 1
        fence, before = SimFence(deployment_id, epoch, self._machine.links), FENCE.get()
        released = False

        def release() -> None:
            nonlocal released
            if not released:
                released = True
                if self.stands(fence):
                    self._machine.fences[deployment_id] -= 1

        if (process := RUNS_IN.get()) is not None:
            process.when_dead(release)
        FENCE.set(fence)
        try:
            yield
        finally:
            FENCE.set(before)
            release()

    async def change(self, what: str, effect: Callable[[], None]) -> None:
        """An effect on the machine within a fence: only over the link that holds it."""
        await self._border.out("host", what)
        fence = FENCE.get()
        assert fence is not None, f"{what} without a fence"
        if not self.admits(fence):
            raise HostUnreachable("The link was lost in the middle of a change.")
        self._machine.write(fence.deployment_id, fence.epoch, what)
        effect()
        await self._border.back("host", what)

    def admits(self, fence: SimFence) -> bool:
        """Whether what is to change under a fence is asked for over the link that holds it."""
        return self.stands(fence)

    def stands(self, fence: SimFence) -> bool:
        """Whether the link over which a fence is held has not broken since."""
        return fence.link == self._machine.links

    async def sync(self, *paths: str) -> None:
        """See ``Host.sync``."""
        await self._border.out("host", "sync")
        self._machine.unsynced.clear()
        await self._border.back("host", "sync")

    async def sweep(self, handle: Handle) -> None:
        """See ``Host.sweep``."""
        await self._border.out("host", "sweep")
        run = self._run(handle)
        if run is not None and run.is_alive:
            raise HeadwayError("The anchor is alive: it is to be attached to, not swept.")
        if run is not None:
            run.sweep()
        await self._border.back("host", "sweep")

    async def read_output(self, handle: Handle, offset: int, limit: int) -> bytes:
        """See ``Host.read_output``."""
        await self._border.out("host", "read output")
        run = self._run(handle)
        return bytes(run.spool[offset : offset + limit]) if run else b""

    async def exits(self, handle: Handle) -> dict[str, Exit]:
        """See ``Host.exits``."""
        await self._border.out("host", "exits")
        run = self._run(handle)
        return dict(run.exits) if run else {}

    async def forget(self, handle: Handle) -> None:
        """See ``Host.forget``."""
        await self._border.out("host", "forget")
        if (run := self._run(handle)) is not None:
            run.remove()
        await self._border.back("host", "forget")

    async def remaining(self) -> list[Handle]:
        """See ``Host.remaining``."""
        await self._border.out("host", "remaining")
        return [self._machine.runs[key].handle for key in sorted(self._machine.runs)]

    async def _raise(self, deployment_id: str, epoch: int) -> None:
        deadline = asyncio.get_running_loop().time() + LOCK_SECONDS
        while self._machine.fences[deployment_id]:
            if asyncio.get_running_loop().time() >= deadline:
                raise EpochHeld("The run is held by another panel that does not let go.")
            await asyncio.sleep(0.05)
        self._check(deployment_id, epoch)
        self._machine.epochs[deployment_id] = epoch

    def _check(self, deployment_id: str, epoch: int) -> None:
        check_epoch(self._machine, deployment_id, epoch)

    def _run(self, handle: Handle) -> SimRun | None:
        return self._machine.runs.get((handle.deployment_id, handle.epoch))

    def _opened(self, spec: AnchorSpec) -> SimRun:
        key = (spec.deployment_id, spec.epoch)
        if key in self._machine.runs:
            raise Conflict("The run has an anchor already.")
        self._machine.pids += 1
        handle = Handle(
            host_id=self.host_id,
            deployment_id=spec.deployment_id,
            epoch=spec.epoch,
            boot_id=self._machine.boot_id,
            pid=self._machine.pids,
            start_time=self._machine.pids,
            cgroup="",
            run_folder=f"/runs/{spec.deployment_id}.{spec.epoch}",
        )
        run = self._machine.runs[key] = SimRun(self._machine, handle, spec.total_seconds)
        if (process := RUNS_IN.get()) is not None:
            process.when_dead(run.opener_died)
        return run


class SimAnchor:
    """Fits ``infra.hosts.base.Anchor``."""

    def __init__(self, machine: Machine, border: Border, handle: Handle, epoch: int, *, opener: bool = False) -> None:
        self.handle = handle
        self.told = 0
        self._machine = machine
        self._border = border
        self._epoch = epoch
        self._opener = opener

    @property
    def run(self) -> SimRun | None:
        """What is left of the run on the machine."""
        return self._machine.runs.get((self.handle.deployment_id, self.handle.epoch))

    async def go(self) -> None:
        """See ``Anchor.go``."""
        await self._border.out("host", "go")
        run = self.run
        if self._opener and run is not None and run.state is State.WAITING:
            if self._machine.epochs[self.handle.deployment_id] > self._epoch:
                run.end(State.NEVER_STARTED)
            else:
                run.go()
        self._opener = False
        if run is not None and run.state is State.NEVER_STARTED:
            raise EpochPassed("The go-ahead came too late.")
        self.living()
        await self._border.back("host", "go")

    async def start(self, name: str, command: Command, *, undo: bool = False) -> None:
        """See ``Anchor.start``."""
        await self._border.out("host", f"start {name}")
        run = self.spoken_to()
        if name not in run.processes:
            if run.is_shut and not undo:
                raise GateShut("The run is being ended: nothing more is started.")
            run.start(name, command, undo=undo)
        await self._border.back("host", f"start {name}")

    async def wait(self, name: str) -> Exit:
        """See ``Anchor.wait``."""
        await self._border.out("host", f"wait {name}")
        self.check_epoch()
        while True:
            run = self.run
            if run is not None and name in run.exits:
                self.told = len(run.spool)
                await self._border.back("host", f"wait {name}")
                return run.exits[name]
            run = self.living()
            if name not in run.processes:
                raise HeadwayError("No such command was started.")
            await run.bell.wait()

    async def say(self, key: str, text: str) -> None:
        """See ``Anchor.say``."""
        await self._border.out("host", f"say {key}")
        run = self.spoken_to()
        run.say(key, text)
        self.told = len(run.spool)
        await self._border.back("host", f"say {key}")

    async def stop(self, mode: StopMode, grace_seconds: float = 10.0) -> None:
        """See ``Anchor.stop``."""
        await self._border.out("host", f"stop {mode}")
        run = self.spoken_to()
        run.stop(mode)
        if mode is StopMode.CANCEL:
            later(grace_seconds, lambda: run.stop(StopMode.KILL) if run.is_alive else None)
        while not run.is_stopped():
            await run.bell.wait()
            self.living()
        await self._border.back("host", f"stop {mode}")

    async def read(self, offset: int, limit: int) -> bytes:
        """See ``Anchor.read``."""
        await self._border.out("host", "read")
        self.check_epoch()
        return bytes(self.run.spool[offset : offset + limit]) if self.run else b""

    async def changed(self, offset: int) -> None:
        """See ``Anchor.changed``."""
        await self._border.out("host", "changed")
        self.check_epoch()
        while not (self.run and len(self.run.spool) > offset):
            await self.living().bell.wait()

    async def close(self) -> None:
        """See ``Anchor.close``."""
        await self._border.out("host", "close")
        if not self._opener:
            self.check_epoch()
        if self.run is not None:
            self.run.remove()
        await self._border.back("host", "close")

    def spoken_to(self) -> SimRun:
        """The living run, as an anchor answers: epoch first, then whether it has had its go-ahead."""
        self.check_epoch()
        run = self.living()
        if run.state is State.WAITING:
            raise HostUnreachable("There was no go-ahead yet.")
        return run

    def living(self) -> SimRun:
        """The run, whose anchor is alive. Raises AnchorGone."""
        run = self.run
        if run is not None and run.is_alive:
            return run
        if run is None or run.state is State.NEVER_STARTED or not run.processes:
            raise AnchorGone("The run ended before anything was started in it.", GoneReason.NEVER_STARTED)
        raise AnchorGone("The process that held the run is gone.", GoneReason.GONE)

    def check_epoch(self) -> None:
        """Raises EpochPassed when a later epoch is in force."""
        check_epoch(self._machine, self.handle.deployment_id, self._epoch)


def check_epoch(machine: Machine, deployment_id: str, epoch: int) -> None:
    """Raises EpochPassed when a later epoch is in force."""
    if machine.epochs.get(deployment_id, 0) > epoch:
        raise EpochPassed(f"Deployment {deployment_id} was taken over: epoch {epoch} has passed.")
