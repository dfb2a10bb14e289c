"""A look at what would be deployed: commands on a host that belong to no deployment and leave nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any

from headway.drivers.sources.git import UNDOS
from headway.infra.hosts.base import Anchor, AnchorGone, AnchorSpec, Exit, Host, StopMode
from headway.infra.hosts.command import Command
from headway.kernel.errors import InvalidInput, Unavailable
from headway.kernel.ids import new_id

PREFIX = "look-"  # of the folders that a panel that was killed has left
_TOTAL_SECONDS = 120.0
_STEP_SECONDS = 90.0


class LookFailed(InvalidInput):
    """A command of the look did not succeed."""


class Look:
    """Fits ``Work``: what a source and a builder need to look at an application. ``look_id`` names its own folders."""

    def __init__(self, host: Host, anchor: Anchor, look_id: str) -> None:
        self.host = host
        self.look_id = look_id
        self.undos: list[tuple[str, Any]] = []
        self._anchor = anchor

    async def command(self, name: str, command: Command, *, check: bool = True) -> Exit:
        bounded = replace(command, step_seconds=_STEP_SECONDS, inactivity_seconds=_STEP_SECONDS)
        try:
            await self._anchor.start(name, bounded)
            ended = await self._anchor.wait(name)
        except AnchorGone as error:
            raise Unavailable("The look at what is to be deployed was ended from outside. Ask again.") from error
        if check and not ended.succeeded:
            raise LookFailed(f"The command '{name}' did not succeed. A deployment's log tells more of it.")
        return ended

    async def say(self, text: str) -> None:
        """Nobody reads along."""

    def masked(self, text: str) -> str:
        """Nothing of it is written down."""
        return text

    async def undo(self, name: str, data: Any) -> None:  # noqa: ANN401 - any JSON value
        """Taken back at the end of the look, whatever it comes to."""
        self.undos.append((name, data))

    def fence(self) -> AbstractAsyncContextManager[None]:
        """There is no other that could own it."""
        return nullcontext()


@asynccontextmanager
async def open_look(host: Host, untracked_runs: set[str]) -> AsyncIterator[Look]:
    """A look of its own; nothing that it started is left afterwards. It is among ``untracked_runs`` while it lasts, so
    that it is not swept as the left-over of a deployment that is gone.
    """
    look_id = f"{PREFIX}{new_id()}"
    untracked_runs.add(look_id)
    try:
        anchor = await host.open_anchor(AnchorSpec(deployment_id=look_id, epoch=1, total_seconds=_TOTAL_SECONDS))
        await anchor.go()
        look = Look(host, anchor, look_id)
        try:
            yield look
        finally:
            await anchor.stop(StopMode.KILL)
            for name, data in reversed(look.undos):
                await UNDOS[name](host, data)
            await anchor.close()
    finally:
        untracked_runs.discard(look_id)
