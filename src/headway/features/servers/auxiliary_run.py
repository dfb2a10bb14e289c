"""What a run has done on another machine than its own: on the panel's, where git and its mirrors are and from where
artifacts are moved, and on the host where it releases what it has built elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, MutableSet, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from headway.core.deployments.leases import FIRST_EPOCH
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Deadlines, Json, Run, RunFailed
from headway.core.deployments.status import Reason
from headway.core.engine import explanations
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Anchor, AnchorGone, AnchorSpec, Exit, Handle, Host, StopMode
from headway.infra.hosts.command import Command
from headway.kernel.failures.explanation import MOST_CHARACTERS, Explanation, explain, on_own_threads
from headway.kernel.failures.rule import Phase
from headway.kernel.lines import without_folders

UNDO = "errand"
_READ_BYTES = 1 << 20
_SAID_BYTES = 64 << 10  # in one message
T = TypeVar("T")


class AuxiliaryRun:
    """Fits ``Run``: commands there, in an anchor of the run's own, and its fence; everything else is the run's."""

    def __init__(self, run: Run, host: Host, anchor: Anchor, read: int = 0) -> None:
        self.deployment: Deployment = run.deployment
        self.plan: Mapping[str, Json] = run.plan
        self.deadlines: Deadlines = run.deadlines
        self.host = host
        self._run = run
        self._anchor = anchor
        self._read = read
        self._last: dict[str, Explanation] = {}

    async def command(self, name: str, command: Command, *, check: bool = True) -> Exit:
        """See ``Run.command``; what it wrote is in the log once it has ended."""
        deadlines = self.deadlines
        bounded = replace(
            command,
            step_seconds=command.step_seconds or deadlines.step.total_seconds(),
            inactivity_seconds=command.inactivity_seconds or deadlines.inactivity.total_seconds(),
        )
        await self._run.settled()
        try:
            await self._anchor.start(name, bounded)
            ended = await self._anchor.wait(name)
        except AnchorGone as error:
            raise RunFailed(explanations.lost(error.reason), Reason.LOST) from error
        said = await self._passed_on()
        if said or name not in self._last:
            self._last[name] = await on_own_threads(partial(_explained, said, name))
        if check and not ended.succeeded:
            raise RunFailed(explanations.command_failed(name, ended, self._last[name]), explanations.reason_of(ended))
        return ended

    async def settled(self) -> None:
        await self._run.settled()

    async def step(self, name: str, work: Callable[[], Any]) -> Json:
        return await self._run.step(name, work)

    async def say(self, text: str) -> None:
        await self._run.say(text)

    def masked(self, text: str) -> str:
        return self._run.masked(text)

    async def undo(self, name: str, data: Json) -> None:
        await self._run.undo(name, data)

    async def write(self, change: Callable[[Tx], T]) -> T:
        return await self._run.write(change)

    async def describe(self, *, title: str | None = None, description: str | None = None, **commit: str) -> None:
        await self._run.describe(title=title, description=description, **commit)

    def fence(self, host: Host | None = None) -> AbstractAsyncContextManager[None]:
        return self._run.fence(host or self.host)

    async def skip(self) -> int:
        """Leaves out of the log what was written before; gives where that ends."""
        while piece := await self._anchor.read(self._read, _READ_BYTES):
            self._read += len(piece)
        return self._read

    def go_on_from(self, offset: int) -> None:
        """What was written before ``offset`` is in the log."""
        self._read = offset

    async def _passed_on(self) -> str:
        """Adds to the run's log what was written since; gives the end of it, masked."""
        last, waiting, size = "", list[str](), 0
        async for lines in self._lines():
            for line in lines:
                # Where a piece ends depends on the lines alone, so that a panel which goes on says each once.
                if waiting and size + _size(line) > _SAID_BYTES:
                    last = await self._said(waiting, last)
                    waiting, size = [], 0
                waiting.append(line)
                size += _size(line)
        if waiting:
            last = await self._said(waiting, last)
        return self.masked(last.rstrip("\0"))

    async def _lines(self) -> AsyncIterator[list[str]]:
        begun = b""
        while piece := await self._anchor.read(self._read, _READ_BYTES):
            self._read += len(piece)
            whole, _, begun = (begun + piece).rpartition(b"\n")
            if len(begun) > _READ_BYTES:  # no line that anybody reads
                whole, begun = whole + b"\n" + begun, b""
            yield whole.decode(errors="replace").splitlines()
        if begun:  # cut off, which its host marks so: half a secret may stand there
            yield (begun + b"\0").decode(errors="replace").splitlines()

    async def _said(self, lines: Sequence[str], before: str) -> str:
        await self._run.say("\n".join(lines))
        return "\n".join([before, *lines] if before else lines)[-MOST_CHARACTERS:]


def _size(line: str) -> int:
    return len(line.encode("utf-8", "replace")) + 1


def _explained(said: str, name: str) -> Explanation:
    """What an output says of its end, else its last line that is not the echo of another's end."""
    phase = Phase.START if name == "release command" else Phase.BUILD
    lines = [line for line in said.split("\n") if line]
    other = next((line for line in reversed(lines) if not explanations.ECHO.search(line)), (lines or [""])[0])
    return explain(said, phase) or Explanation(line=without_folders(other))


@asynccontextmanager
async def open_errand(
    run: Run, host: Host, untracked_runs: MutableSet[str], use: str = ""
) -> AsyncIterator[AuxiliaryRun]:
    """An errand of the run on ``host``; nothing that it started is left afterwards. While it lasts it is among
    ``untracked_runs``, so that it is not swept as the left-over of another run; one that a panel left which has died is
    ended before. Those of one run that last at the same time on one host differ in their ``use``.
    """
    errand_id = f"{run.deployment.deployment_id}-{use}" if use else run.deployment.deployment_id
    await run.undo(UNDO, {"host": host.host_id, "id": errand_id})
    untracked_runs.add(errand_id)
    try:
        anchor = await _opened(run, host, errand_id)
        try:
            yield AuxiliaryRun(run, host, anchor)
        finally:
            await anchor.stop(StopMode.KILL)
            await anchor.close()
    finally:
        untracked_runs.discard(errand_id)


async def arrive(run: Run, host: Host) -> AuxiliaryRun:
    """The run on the host where it releases: opened once, and attached to again by a panel that goes on with the run.
    It ends with the deployment. Raises RunFailed (lost) where it is gone.
    """

    async def opened() -> Json:
        await to_be_ended(run, host)
        anchor = await _opened(run, host, run.deployment.deployment_id)
        return anchor.handle.dump()

    handle = Handle.load(await run.step("arrive", opened))
    await run.settled()  # before anything is started there
    try:
        return AuxiliaryRun(run, host, await host.attach(handle, run.deployment.epoch))
    except AnchorGone as gone:
        raise RunFailed(explanations.lost(gone.reason), Reason.LOST) from gone


async def to_be_ended(run: Run, host: Host) -> None:
    """Records that what the run does on ``host`` is ended before what was recorded until now is taken back."""
    await run.undo(UNDO, {"host": host.host_id, "id": run.deployment.deployment_id})


async def end_errands(host: Host, errand_id: str) -> None:
    """Ends what a run still does there; whoever ends the run calls it."""
    for handle in await host.remaining():
        if handle.deployment_id == errand_id:
            await host.forget(handle)


async def undo(hosts: Mapping[str, Host], here: Host, deployment_id: str, data: Mapping[str, str]) -> None:
    """Takes back what an errand recorded."""
    await end_errands(hosts[data.get("host", here.host_id)], data.get("id", deployment_id))


async def _opened(run: Run, host: Host, errand_id: str) -> Anchor:
    if run.deployment.epoch > FIRST_EPOCH:  # before the first there was none that could have left anything
        await host.raise_epoch(errand_id, run.deployment.epoch)
        await end_errands(host, errand_id)
    seconds = run.deployment.total_seconds or run.deadlines.total.total_seconds()
    spec = AnchorSpec(deployment_id=errand_id, epoch=run.deployment.epoch, total_seconds=seconds)
    anchor = await host.open_anchor(spec)
    await anchor.go()
    return anchor
