"""The panel's side of an anchor on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from headway.infra.hosts import processes
from headway.infra.hosts.base import (
    AnchorGone,
    Exit,
    GateShut,
    GoneReason,
    Handle,
    HostUnreachable,
    StopMode,
)
from headway.infra.hosts.command import Command
from headway.infra.hosts.epochs import Epochs, passed
from headway.infra.hosts.link import Link, LinkLost, connect
from headway.infra.hosts.opening import Opening
from headway.infra.hosts.run_folder import RunFolder
from headway.infra.hosts.wire import Field, command_fields, read_exit
from headway.kernel.errors import HeadwayError, InvalidInput

ANSWER_SECONDS = 20.0
LEAVING_SECONDS = 5.0
CONNECT_PAUSE_SECONDS = 0.02


class LocalAnchor:
    """An anchor that was opened here or found again. ``tidy`` removes what a run leaves on the machine's disk, and
    ``sweep`` ends the processes of a run whose anchor did not end them itself.
    """

    def __init__(
        self,
        *,
        handle: Handle,
        epoch: int,
        folder: RunFolder,
        epochs: Epochs,
        tidy: Callable[[Handle], Awaitable[None]],
        sweep: Callable[[Handle], Awaitable[None]],
        opening: Opening | None = None,
    ) -> None:
        self.handle = handle
        self._epoch = epoch
        self._folder = folder
        self._epochs = epochs
        self._tidy = tidy
        self._sweep = sweep
        self._opening = opening
        self._link: Link | None = None
        self._connecting = asyncio.Lock()

    async def go(self) -> None:
        """Lets the anchor work; before this call it starts nothing, and ends itself if its opener dies."""
        if self._opening is None:
            return
        said = await asyncio.to_thread(self._opening.go)
        self._opening = None
        match said:
            case "ready":
                return
            case "passed" | "never_started":
                raise passed(self.handle.deployment_id, self._epoch)
            case _:
                raise self._gone()

    async def start(self, name: str, command: Command, *, undo: bool = False) -> None:
        """Starts a command under a name; a name that was started before is never started again.

        Raises GateShut after ``stop`` unless ``undo`` is set, InvalidInput for an account that cannot be taken on.
        """
        check_accounts(command)
        await self._ask("start", name, int(undo) or None, *command_fields(command))

    async def wait(self, name: str) -> Exit:
        """The end of a started command, once its output is synced and all that it left behind is gone; found also when
        the anchor has died since.
        """
        try:
            (record,) = await self._ask("wait", name, seconds=None)
        except AnchorGone:
            if found := (await asyncio.to_thread(self._folder.exits)).get(name):
                return found
            raise
        return read_exit(record)

    async def say(self, key: str, text: str) -> None:
        """Adds a line of Headway's own to the output, between those of commands; once per key."""
        await self._ask("say", key, text)

    async def stop(self, mode: StopMode, grace_seconds: float = 10.0) -> None:
        """Shuts the gate and ends the running commands; returns when no process of theirs is left."""
        await self._ask("stop", mode, grace_seconds, seconds=ANSWER_SECONDS + grace_seconds)

    async def read(self, offset: int, limit: int) -> bytes:
        """Up to ``limit`` bytes of the run's output from ``offset``; b"" when there are none yet."""
        return await asyncio.to_thread(self._read, offset, limit)

    async def changed(self, offset: int) -> None:
        """Returns when the output is longer than ``offset`` bytes (or may be). Raises AnchorGone."""
        self._epochs.check(self.handle.deployment_id, self._epoch)
        while self._link is None or self._link.size <= offset:
            try:
                link = await self._linked(ANSWER_SECONDS)
            except AnchorGone:
                if self._folder.size() > offset:
                    return
                raise
            if link.size <= offset:
                await link.growth()

    async def close(self) -> None:
        """The end is written: the anchor ends, the run folder with the raw output is removed."""
        if self._opening is None:
            try:
                await self._ask("close")
            except AnchorGone:
                self._epochs.check(self.handle.deployment_id, self._epoch)
                await self._sweep(self.handle)
        self.disconnect()
        if not await asyncio.to_thread(processes.await_death, self.handle.pid, self.handle.start_time, LEAVING_SECONDS):
            raise HostUnreachable(f"The anchor of deployment {self.handle.deployment_id} does not end.")
        await self._tidy(self.handle)

    def disconnect(self) -> None:
        """Lets go of the anchor, which lives on if it had its go-ahead; what is asked later connects again."""
        if self._opening:
            self._opening.abandon()
            self._opening = None
        if self._link:
            self._link.close()
            self._link = None

    async def greet(self) -> None:
        """Makes sure that the anchor lives, has had its go-ahead, and takes orders at our epoch."""
        await self._linked(ANSWER_SECONDS)

    def _read(self, offset: int, limit: int) -> bytes:
        self._epochs.check(self.handle.deployment_id, self._epoch)
        return self._folder.read(offset, limit)

    async def _ask(self, verb: str, *arguments: Field, seconds: float | None = ANSWER_SECONDS) -> list[bytes]:
        """Asks, over as many connections as it takes: every request may be repeated."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    link = await self._linked(ANSWER_SECONDS)
                    try:
                        return self._accept(await link.ask(verb, self._epoch, *arguments))
                    except LinkLost:
                        continue
        except TimeoutError:
            msg = f"The anchor of deployment {self.handle.deployment_id} did not answer ({verb}) in {seconds:g} s."
            raise HostUnreachable(msg) from None

    def _accept(self, answer: list[bytes]) -> list[bytes]:
        word, *rest = answer
        run = f"the run of deployment {self.handle.deployment_id}"
        match word:
            case b"ok":
                return rest
            case b"passed":
                raise passed(self.handle.deployment_id, self._epoch)
            case b"shut":
                raise GateShut(f"{run[0].upper()}{run[1:]} is being ended: nothing more is started.")
            case b"never_started":
                raise AnchorGone(f"There was no go-ahead for {run}.", GoneReason.NEVER_STARTED)
            case b"waiting":
                raise HostUnreachable(f"There was no go-ahead yet for {run}.")
            case b"unknown":
                raise HeadwayError(f"No such command was started in {run}.")
            case _:
                reason = b" ".join(rest).decode(errors="replace")
                raise HeadwayError(f"That could not be carried out in {run}: {reason}.")

    async def _linked(self, seconds: float) -> Link:
        """A connection that has been greeted. Raises AnchorGone when nobody is there, HostUnreachable when somebody is
        who does not answer in time.
        """
        async with self._connecting:
            if self._link and self._link.is_up:
                return self._link
            try:
                async with asyncio.timeout(seconds):
                    while True:
                        try:
                            self._link = await self._connect()
                            return self._link
                        except (OSError, LinkLost):
                            self._look()
                            await asyncio.sleep(CONNECT_PAUSE_SECONDS)
            except TimeoutError:
                msg = f"The anchor of deployment {self.handle.deployment_id} lives but does not answer."
                raise HostUnreachable(msg) from None

    async def _connect(self) -> Link:
        folder = os.open(self._folder.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            link = await connect(folder)
        finally:
            os.close(folder)
        try:
            (size,) = self._accept(await link.ask("hello", self._epoch))
        except BaseException:
            link.close()
            raise
        link.size = max(link.size, int(size))
        return link

    def _look(self) -> None:
        if not processes.is_alive(self.handle.pid, self.handle.start_time):
            raise self._gone()

    def _gone(self) -> AnchorGone:
        return gone(self.handle, self._folder)


def gone(handle: Handle, folder: RunFolder) -> AnchorGone:
    """The error for an anchor of this boot that is no more: whether it ever started anything."""
    if folder.never_started or not folder.has_started:
        msg = f"The run of deployment {handle.deployment_id} ended before anything was started in it."
        return AnchorGone(msg, GoneReason.NEVER_STARTED)
    complaints = folder.complaints().rpartition("\n")[2]
    reason = f" Its last words: {complaints}." if complaints else ""
    msg = f"The process {handle.pid} that held the run of deployment {handle.deployment_id} is gone.{reason}"
    return AnchorGone(msg, GoneReason.GONE)


def check_accounts(command: Command) -> None:
    """Raises InvalidInput when a stage asks for an account that this process cannot take on."""
    if os.geteuid() == 0:
        return
    for stage in command.stages:
        if stage.account and stage.account.uid != os.geteuid():
            msg = (
                f"{stage.argv[0]} is to run as account {stage.account.uid}, but Headway runs as {os.geteuid()}, "
                "and only root may take on another account. Start Headway as root, or without accounts."
            )
            raise InvalidInput(msg)
