"""The panel's side of an anchor: what it is asked over its own socket, wherever that is."""

from __future__ import annotations

import asyncio

from headway.infra.hosts.base import AnchorGone, Exit, GateShut, GoneReason, Handle, HostUnreachable, StopMode
from headway.infra.hosts.command import Command
from headway.infra.hosts.epochs import passed
from headway.infra.hosts.ground import Ground
from headway.infra.hosts.link import Link, LinkLost
from headway.infra.hosts.wire import Field, command_fields, read_exit
from headway.kernel.errors import HeadwayError

ANSWER_SECONDS = 20.0
CONNECT_PAUSE_SECONDS = 0.02
_ASKS = 1  # how long the output is, so that it need not be told


class _Unasked(Exception):
    """The anchor is of an earlier release, which did not know what it is asked."""


class LinkedAnchor:
    """An anchor that was opened here (``waits`` for its go-ahead then) or found again, on the ``ground`` below it."""

    def __init__(self, *, handle: Handle, epoch: int, ground: Ground, waits: bool = False) -> None:
        self.handle = handle
        self.told = 0
        self._epoch = epoch
        self._ground = ground
        self._waits = waits
        self._link: Link | None = None
        self._connecting = asyncio.Lock()

    async def go(self) -> None:
        """Lets the anchor work; before this call it starts nothing, and ends itself if its opener dies."""
        if not self._waits:
            return
        said = await self._ground.go(self.handle)
        self._waits = False
        match said:
            case "ready":
                return
            case "passed" | "never_started":
                raise passed(self.handle.deployment_id, self._epoch)
            case _:
                raise await self._ground.gone(self.handle) or HostUnreachable(
                    f"The anchor of deployment {self.handle.deployment_id} did not answer to its go-ahead."
                )

    async def start(self, name: str, command: Command, *, undo: bool = False) -> None:
        """Starts a command under a name; a name that was started before is never started again.

        Raises GateShut after ``stop`` unless ``undo`` is set, InvalidInput for an account that cannot be taken on.
        """
        self._ground.check_accounts(command)
        await self._ask("start", name, int(undo) or None, *command_fields(command))

    async def wait(self, name: str) -> Exit:
        """The end of a started command, once its output is synced and all that it left behind is gone; found also when
        the anchor has died since.
        """
        try:
            record, *told = await self._ask("wait", name, seconds=None)
        except AnchorGone:
            if found := (await self._ground.exits(self.handle)).get(name):
                return found
            raise
        self._note(told)
        return read_exit(record)

    async def say(self, key: str, text: str) -> None:
        """Adds a line of Headway's own to the output, between those of commands; once per key."""
        self._note(await self._ask("say", key, text))

    async def stop(self, mode: StopMode, grace_seconds: float = 10.0) -> None:
        """Shuts the gate and ends the running commands; returns when no process of theirs is left."""
        await self._ask("stop", mode, grace_seconds, seconds=ANSWER_SECONDS + grace_seconds)

    async def read(self, offset: int, limit: int) -> bytes:
        """Up to ``limit`` bytes of the run's output from ``offset``; b"" when there are none yet."""
        return await self._ground.read(self.handle, self._epoch, offset, limit)

    async def changed(self, offset: int) -> None:
        """Returns when the output is longer than ``offset`` bytes (or may be). Raises AnchorGone."""
        try:
            await self._ask("grown", offset, seconds=None)
        except _Unasked:
            await self._told(offset)
        except AnchorGone:
            await self._ground.check_epoch(self.handle, self._epoch)
            if await self._ground.size(self.handle) <= offset:
                raise

    async def close(self) -> None:
        """The end is written: the anchor ends, the run folder with the raw output is removed."""
        if not self._waits:
            try:
                await self._ask("close")
            except AnchorGone:
                await self._ground.check_epoch(self.handle, self._epoch)
                await self._ground.sweep(self.handle)
        self.disconnect()
        if not await self._ground.await_death(self.handle):
            raise HostUnreachable(f"The anchor of deployment {self.handle.deployment_id} does not end.")
        await self._ground.tidy(self.handle)

    def disconnect(self) -> None:
        """Lets go of the anchor, which lives on if it had its go-ahead; what is asked later connects again."""
        if self._waits:
            self._ground.abandon(self.handle)
            self._waits = False
        if self._link:
            self._link.close()
            self._link = None

    async def greet(self) -> None:
        """Makes sure that the anchor lives, has had its go-ahead, and takes orders at our epoch."""
        await self._linked(ANSWER_SECONDS)

    def _note(self, told: list[bytes]) -> None:
        """How long the output is; an anchor that an earlier release has started does not tell."""
        if told:
            self.told = max(self.told, int(told[0]))

    async def _told(self, offset: int) -> None:
        """As ``changed``, by an anchor that an earlier release has started: it tells by itself."""
        await self._ground.check_epoch(self.handle, self._epoch)
        while (link := await self._linked(ANSWER_SECONDS)).size <= offset:
            await link.growth()

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
            case b"failed" if rest == [b"unknown request"]:
                raise _Unasked
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
                            if gone := await self._ground.gone(self.handle):
                                raise gone from None
                            await asyncio.sleep(CONNECT_PAUSE_SECONDS)
            except TimeoutError:
                msg = f"The anchor of deployment {self.handle.deployment_id} lives but does not answer."
                raise HostUnreachable(msg) from None

    async def _connect(self) -> Link:
        link = await self._ground.connect(self.handle)
        try:
            (size,) = self._accept(await link.ask("hello", self._epoch, _ASKS))
        except BaseException:
            link.close()
            raise
        link.size = max(link.size, int(size))
        self._note([size])  # whoever goes on with a run has been told nothing else yet
        return link
