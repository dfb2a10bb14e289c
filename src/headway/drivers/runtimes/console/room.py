"""Between a command inside an application and the panel: what it reads and writes, and how it ends.

The panel holds the other ends of our standard streams. When it lets go of them, however that comes, all that the
command has started is ended, and so is this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from headway.kernel.console_frames import HEAD, MOST_UNTAKEN, WINDOW, Kind, framed, head_of
from headway.kernel.errors import HeadwayError

_LOOK_SECONDS = 0.5
_SECONDS_TO_TAKE = 20.0
_GONE = select.POLLHUP | select.POLLERR | select.POLLRDHUP

Json = Any


class Guest(Protocol):
    """A command that runs inside an application."""

    async def begin(self) -> None:
        """Starts it. Raises HeadwayError with why that cannot be."""
        ...

    async def read(self) -> tuple[Kind, bytes] | None:
        """The next piece that it wrote; None once it has ended and all of it was read."""
        ...

    async def write(self, data: bytes) -> None:
        """Gives it something to read; nothing: that was all."""
        ...

    async def resize(self, rows: int, columns: int) -> None:
        """Tells it the size of its terminal. No error where it has none any more, or nobody takes it."""
        ...

    async def ended(self) -> Json:
        """How it has ended, once it has: a ``status`` (negative: minus the signal's number)."""
        ...

    async def end(self) -> None:
        """Ends all that it has started; returns when none of it is left. No error when there is none."""
        ...


def serve(root: str, configuration: Mapping[str, Any]) -> None:
    """The whole life of the process."""
    asyncio.run(_served(root, configuration))
    os._exit(0)


async def _served(root: str, configuration: Mapping[str, Any]) -> None:
    reader, answers = await _streams()
    kind, told = await _heard(reader)
    if kind is not Kind.TERMS:
        return
    terms = json.loads(told)
    room = _Room(_guest(root, configuration, terms), reader, answers, terms.get("silence"))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, room.leave)
    await room.hold()


def _guest(root: str, configuration: Mapping[str, Any], terms: Mapping[str, Any]) -> Guest:
    if "container_id" in terms:
        from headway.drivers.runtimes.console.container import Visitor  # noqa: PLC0415 - the other needs no engine

        return Visitor(terms)
    from headway.drivers.runtimes.console.process import Companion  # noqa: PLC0415 - as above

    return Companion(root, configuration, terms)


class _Room:
    def __init__(self, guest: Guest, reader: asyncio.StreamReader, answers: int, silence: float | None) -> None:
        self._guest = guest
        self._reader = reader
        self._answers = answers
        self._silence = silence
        self._saying = asyncio.Lock()
        self._left = asyncio.Event()
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue(MOST_UNTAKEN)
        self._size, self._resized = (0, 0), asyncio.Event()

    def leave(self) -> None:
        """Nobody is there any more."""
        self._left.set()

    async def hold(self) -> None:
        """Returns when the command has ended, or was."""
        told: Json = {"error": "The command was ended."}
        try:
            told = await self._until_left()
        except HeadwayError as error:
            told = {"error": error.message}
        except OSError as error:
            told = {"error": f"The command could not be started: {error.strerror or error}."}
        try:
            await self._guest.end()
        except HeadwayError as error:
            told = {"error": error.message}
        with contextlib.suppress(TimeoutError):  # who does not take it is not there
            async with asyncio.timeout(_SECONDS_TO_TAKE):
                await self._say(Kind.END, json.dumps(told).encode())

    async def _until_left(self) -> Json:
        await self._guest.begin()
        loop = asyncio.get_running_loop()
        work = [loop.create_task(each) for each in (self._hear(), self._hand_on(), self._fit(), self._look())]
        telling, leaving = loop.create_task(self._tell()), loop.create_task(self._left.wait())
        try:
            # One of the works ends only with a mistake of ours, and none goes on deaf.
            await asyncio.wait({telling, leaving, *work}, return_when=asyncio.FIRST_COMPLETED)
            return await telling if telling.done() else {"error": "The command was ended."}
        finally:
            for task in (*work, telling, leaving):
                task.cancel()

    async def _tell(self) -> Json:
        """What it writes, to its end."""
        while (piece := await self._guest.read()) is not None:
            await self._say(*piece)
        return await self._guest.ended()

    async def _hear(self) -> None:
        """What comes for it, until nobody is there: a link may break and say nothing. What it does not read waits, and
        so does whoever sends more.
        """
        try:
            while True:
                async with asyncio.timeout(self._silence):
                    kind, data = await _heard(self._reader)
                    if kind is Kind.WINDOW:
                        self._size = WINDOW.unpack(data)
                        self._resized.set()
                    elif kind is Kind.INPUT:
                        await self._pieces.put(data)
        except (asyncio.IncompleteReadError, OSError, ValueError):
            self.leave()

    async def _hand_on(self) -> None:
        while True:
            await self._guest.write(await self._pieces.get())
            await self._say(Kind.TAKEN, b"")

    async def _fit(self) -> None:
        """Whoever takes a size late holds up nothing that is typed, and is told the last of several."""
        while True:
            await self._resized.wait()
            self._resized.clear()
            await self._guest.resize(*self._size)

    async def _look(self) -> None:
        """Notices that nobody is there also while nothing is heard of what comes."""
        poll = select.poll()
        poll.register(0, select.POLLRDHUP)
        while True:
            if any(seen & _GONE for _, seen in poll.poll(0)):
                self.leave()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _say(self, kind: Kind, data: bytes) -> None:
        left = memoryview(framed(kind, data))
        async with self._saying:
            try:
                while left:
                    try:
                        left = left[os.write(self._answers, left) :]
                    except BlockingIOError:
                        await _room_in(self._answers)
            except OSError:
                self.leave()


async def _heard(reader: asyncio.StreamReader) -> tuple[Kind, bytes]:
    kind, length = head_of(await reader.readexactly(HEAD.size))
    return kind, await reader.readexactly(length)


async def _room_in(descriptor: int) -> None:
    """Returns once more can be written."""
    loop, room = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(descriptor, room.set)
    try:
        await room.wait()
    finally:
        loop.remove_writer(descriptor)


async def _streams() -> tuple[asyncio.StreamReader, int]:
    """Our standard input and output, which may be one socket: what asyncio writes to would take what comes in for its
    end. What anybody prints is no answer.
    """
    answers = os.dup(1)
    os.dup2(2, 1)
    os.set_blocking(answers, False)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader, answers
