"""Whether a release serves: by an answer, by a connection, or by having stayed up; and why not, in a sentence."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from headway.drivers.runtimes.contract.answer import AskedPort, mend
from headway.drivers.runtimes.contract.last_output import LAST_LINES, explained, quoted
from headway.drivers.runtimes.contract.patience import CRASHES, Patience
from headway.drivers.runtimes.contract.runtime import (
    Health,
    PortTaken,
    ProcessState,
    ProcessStatus,
    ReleaseStatus,
    Unhealthy,
)
from headway.drivers.runtimes.process.record import WEB
from headway.infra.hosts import procfs, sockets
from headway.kernel.artifacts import Bundle, HealthKind, ReleaseSpec
from headway.kernel.dataclass import dataclass

# Beside a web process that answers, a worker has to have stayed up for so long.
_WORKER_SECONDS = 1.0
_SECOND_LOOK_SECONDS = 0.05


class Watched(Protocol):
    """What has to be known of a release to judge it."""

    async def processes(self) -> Sequence[ProcessStatus]:
        """What each of its processes does now."""
        ...

    def pids(self) -> set[int]:
        """All processes of it, whoever started them. Blocks for some milliseconds."""
        ...

    def launched(self, pid: int) -> bool:
        """Whether the process has become the application's; before, it is still the launcher."""
        ...

    def last_lines(self, process: str, count: int) -> list[str]:
        """The last lines that a process wrote, masked as the run's log is."""
        ...


@dataclass(slots=True)
class _Steady:
    """Since when each process has been the application's, with the pid that it has now."""

    since: dict[str, tuple[int, float]]

    def look(self, found: Sequence[ProcessStatus], watched: Watched) -> None:
        """To be taken at every turn. supervisord's own count begins with the launcher, which on a busy machine can take
        as long as it wants to see a process stay up.
        """
        for process in found:
            if not process.up or process.pid is None or not watched.launched(process.pid):
                self.since.pop(process.name, None)
            elif self.since.get(process.name, (0, 0.0))[0] != process.pid:
                self.since[process.name] = (process.pid, time.monotonic())

    def lacking(self, wanted: Sequence[ProcessStatus], seconds: float) -> str | None:
        """Which of them has not stayed up for so long, in words; None when all have."""
        for process in wanted:
            _, start = self.since.get(process.name, (0, time.monotonic()))
            if not process.up:
                return f"{_subject(process)} is {process.state.replace('_', ' ')}."
            if time.monotonic() - start < seconds:
                return f"{_subject(process)} has to stay up for {seconds:g} s."
        return None


async def wait_until_healthy(spec: ReleaseSpec, watched: Watched, say: Callable[[str], Awaitable[None]]) -> Health:
    """Returns when the release is healthy. Raises Unhealthy with the sentence; the last lines are said before."""
    try:
        return await _wait(spec, watched, say)
    except Unhealthy as error:
        written: list[str] = []
        for process in await watched.processes():
            lines = await asyncio.to_thread(watched.last_lines, process.name, LAST_LINES)
            for line in lines:
                await say(f"{process.name} | {line}")
            written += lines
        raise await explained(error, written, spec.data_folder) from error.__cause__


async def _wait(spec: ReleaseSpec, watched: Watched, say: Callable[[str], Awaitable[None]]) -> Health:
    patience = Patience(say=say, deadline_seconds=spec.health.deadline_seconds)
    steady = _Steady(since={})
    by_port = spec.port is not None and spec.health.kind is not HealthKind.SETTLE
    asked = [_asked(spec, port, watched) for port in spec.ports] if by_port else []
    while True:
        found = await watched.processes()
        steady.look(found, watched)
        lacking = await _ask_all(spec, asked, watched)
        if lacking is None:
            kept_up = [process for process in found if not by_port or process.name.partition(".")[0] != "web"]
            lacking = steady.lacking(kept_up, _WORKER_SECONDS if by_port else spec.health.settle_seconds)
        if not found:
            lacking = "none of its processes was started."
        if lacking is None:
            await say(_good_news(spec, asked, patience.seconds))
            copies = ReleaseStatus(release_id=spec.release_id, processes=tuple(found)).copies
            return Health(answers=all(port.answers for port in asked), copies=copies)
        await _give_up_on_crashes(watched, found)
        await patience.pause(lacking)


def _asked(spec: ReleaseSpec, port: int, watched: Watched) -> AskedPort:
    return AskedPort(
        host="127.0.0.1",
        port=port,
        number=port,
        expected=spec.health.expected,
        living=watched.pids,
        untaken=partial(sockets.untaken, port),
    )


async def _ask_all(spec: ReleaseSpec, asked: Sequence[AskedPort], watched: Watched) -> str | None:
    """What is lacking of the first port of which anything is, None when nothing is. Raises PortTaken."""
    for port in asked:
        lacking = await _look_at_port(spec, port.port, watched)
        if lacking is not None:
            port.forget()
            return lacking
        lacking = await port.lacking_by(spec.health)
        if lacking is not None:
            return lacking
    return None


async def _look_at_port(spec: ReleaseSpec, port: int, watched: Watched) -> str | None:
    """None when a process of the release listens on its port, and nobody else; else what is lacking."""
    holder = await asyncio.to_thread(_foreign_holder, port, watched)
    if holder is not None:
        # A process that was started between the two lists looks foreign for a moment.
        await asyncio.sleep(_SECOND_LOOK_SECONDS)
        holder = await asyncio.to_thread(_foreign_holder, port, watched)
    if holder is not None:
        raise PortTaken(
            f"Port {port} is held by another process ({procfs.name(holder)}, pid {holder}), so the release cannot "
            f"listen on it. {mend_of_taken(spec)}"
        )
    return await asyncio.to_thread(_closed, port, watched)


def mend_of_taken(spec: ReleaseSpec) -> str:
    """How a release gets a port that another process holds, as a sentence: a port of its own stays what it is."""
    if isinstance(spec.artifact, Bundle) and spec.artifact.port == spec.port and spec.port is not None:
        return (
            "End that process; its program has that port in its sources: let it read PORT, and Headway gives it a free "
            "one."
        )
    if "PORT" in spec.env:
        return (
            "End that process, or give the application another port (headway env set APP PORT=N); without PORT Headway "
            "chooses one."
        )
    return "End that process, or deploy again: a port that Headway chose is another one then."


def _foreign_holder(port: int, watched: Watched) -> int | None:
    on_port = [listener for listener in sockets.listeners() if listener.port == port and listener.takes_loopback]
    if not on_port:
        return None
    own = sockets.sockets_of(watched.pids())
    foreign = (sockets.holder_of(listener.inode) for listener in on_port if listener.inode not in own)
    return next((pid for pid in foreign if pid is not None), None)


def _closed(port: int, watched: Watched) -> str | None:
    own = sockets.sockets_of(watched.pids())
    listening = [listener for listener in sockets.listeners() if listener.inode in own]
    on_port = [listener for listener in listening if listener.port == port]
    if any(listener.takes_loopback for listener in on_port):
        return None
    wanted = f"it has to listen on the port that the variable PORT names ({port}), of 127.0.0.1 or 0.0.0.0"
    if on_port:
        only = f"{wanted}; it listens on that port of {on_port[0].address} only."
        return f"{only} {mend([f'{on_port[0].address}:{port}'], port)}"
    if listening:
        others = sorted({f"{listener.address}:{listener.port}" for listener in listening})
        return f"{wanted}; it listens on {', '.join(others)} instead. {mend(others, port)}"
    return f"{wanted}; it listens on no port. {mend([], port)}"


async def _give_up_on_crashes(watched: Watched, found: Sequence[ProcessStatus]) -> None:
    for process in found:
        if process.exits >= CRASHES or process.state is ProcessState.GIVEN_UP:
            lines = await asyncio.to_thread(watched.last_lines, process.name, LAST_LINES)
            said = await quoted(lines)
            raise Unhealthy(
                f"{_subject(process)} ended {process.exits} times while it was starting, last with "
                f"{process.last_exit}.{said}{_without(process.name)} Mend what it reports (the deployment's log ends "
                "with more of it) and deploy again."
            )


def _without(process: str) -> str:
    """How a release is had without a process that takes no requests, as a sentence that follows another."""
    kind = process.partition(".")[0]
    return "" if kind in {"", WEB} else f" Where it is not needed: headway apps set APP --scale {kind}=0."


def _subject(process: ProcessStatus) -> str:
    return f"The process {process.name}"


def _good_news(spec: ReleaseSpec, asked: Sequence[AskedPort], seconds: float) -> str:
    if not asked:
        return f"Healthy: its processes have stayed up for {spec.health.settle_seconds:g} s."
    on = " and ".join(map(str, spec.ports))
    other = next((port.other for port in asked if port.other), None)
    if other is not None:
        return f"Healthy, and no server of HTTP as the edge asks it: {other}, on port {on} (after {seconds:.2f} s)."
    how = f"GET {spec.health.path} is answered" if spec.health.kind is HealthKind.HTTP else "it answers HTTP"
    return f"Healthy: {how} on port {on} (after {seconds:.2f} s)."
