"""What a run on a server has done on the panel's own machine, where git and its mirrors are."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

from headway.core.deployments.lease import FIRST_EPOCH
from headway.core.deployments.run import Json, Run, RunFailed
from headway.core.engine import explain
from headway.infra.hosts.base import Anchor, AnchorGone, AnchorSpec, Exit, Host, StopMode
from headway.infra.hosts.command import Command

UNDO = "errand"
_READ_BYTES = 1 << 20


class Errand:
    """Fits ``Work``: commands here, in an anchor of the run's own; everything else is the run's."""

    def __init__(self, run: Run, host: Host, anchor: Anchor) -> None:
        self.host = host
        self._run = run
        self._anchor = anchor
        self._read = 0

    async def command(self, name: str, command: Command, *, check: bool = True) -> Exit:
        """See ``Work.command``; what it wrote is in the log once it has ended."""
        deadlines = self._run.deadlines
        bounded = replace(
            command,
            step_seconds=command.step_seconds or deadlines.step.total_seconds(),
            inactivity_seconds=command.inactivity_seconds or deadlines.inactivity.total_seconds(),
        )
        try:
            await self._anchor.start(name, bounded)
            ended = await self._anchor.wait(name)
        except AnchorGone as error:
            raise RunFailed(f"What was done on the panel's machine ({name}) was ended from outside.") from error
        last = await self._passed_on()
        if check and not ended.succeeded:
            raise RunFailed(explain.command_failed(name, ended, last), explain.reason_of(ended))
        return ended

    async def say(self, text: str) -> None:
        """See ``Work.say``."""
        await self._run.say(text)

    def masked(self, text: str) -> str:
        """See ``Work.masked``."""
        return self._run.masked(text)

    async def undo(self, name: str, data: Json) -> None:
        """See ``Work.undo``."""
        await self._run.undo(name, data)

    def fence(self) -> AbstractAsyncContextManager[None]:
        """See ``Work.fence``."""
        return self._run.fence()

    async def _passed_on(self) -> str:
        """Adds to the run's log what was written since; gives its last line."""
        last = ""
        while piece := await self._anchor.read(self._read, _READ_BYTES):
            self._read += len(piece)
            for line in piece.decode(errors="replace").splitlines():
                last = line
                await self._run.say(line)
        return self.masked(last)


@asynccontextmanager
async def open_errand(run: Run, host: Host, guests: MutableSet[str], total_seconds: float) -> AsyncIterator[Errand]:
    """An errand of the run on ``host``, which is not its own; nothing that it started is left afterwards. While it
    lasts it is among ``guests``, so that it is not swept as the left-over of another run; one that a panel left which
    has died is ended before.
    """
    deployment = run.deployment
    await run.undo(UNDO, {})
    guests.add(deployment.deployment_id)
    try:
        if deployment.epoch > FIRST_EPOCH:  # before the first there was none that could have left anything
            await host.raise_epoch(deployment.deployment_id, deployment.epoch)
            await end_errands(host, deployment.deployment_id)
        spec = AnchorSpec(deployment_id=deployment.deployment_id, epoch=deployment.epoch, total_seconds=total_seconds)
        anchor = await host.open_anchor(spec)
        await anchor.go()
        try:
            yield Errand(run, host, anchor)
        finally:
            await anchor.stop(StopMode.KILL)
            await anchor.close()
    finally:
        guests.discard(deployment.deployment_id)


async def end_errands(host: Host, deployment_id: str) -> None:
    """Ends what a run still does there; whoever ends the run calls it."""
    for handle in await host.remaining():
        if handle.deployment_id == deployment_id:
            await host.forget(handle)


async def undo(host: Host, deployment_id: str, name: str, _data: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Takes back what an errand recorded; False when the name is not its own."""
    if name != UNDO:
        return False
    await end_errands(host, deployment_id)
    return True
