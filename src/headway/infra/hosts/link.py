"""One connection to an anchor: questions by id, their answers, and how long the output has become."""

from __future__ import annotations

import asyncio
import itertools
import socket
from pathlib import Path
from typing import cast

from headway.infra.hosts import procfs
from headway.infra.hosts.wire import Field, frame, split_frames


class LinkLost(Exception):
    """The connection is gone; whether the anchor is, has to be looked up."""


class Link(asyncio.Protocol):
    """A connection; its methods belong to the event loop that made it."""

    def __init__(self) -> None:
        self.size = 0
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._ids = itertools.count(1)
        self._questions: dict[bytes, asyncio.Future[list[bytes]]] = {}
        self._growth: asyncio.Event = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether something can be asked."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, verb: str, epoch: int, *arguments: Field) -> list[bytes]:
        """The answer to a request. Raises LinkLost when the connection ends before it."""
        if self._transport is None or self._transport.is_closing():
            raise LinkLost
        number = b"%d" % next(self._ids)
        answer: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        self._questions[number] = answer
        self._transport.write(frame([number, verb, epoch, *arguments]))
        try:
            return await answer
        finally:
            self._questions.pop(number, None)

    async def growth(self) -> None:
        """Returns when the size has changed or the connection is gone."""
        if self.is_up:
            await self._growth.wait()

    def close(self) -> None:
        """Lets go of the connection."""
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are not of asyncio's classes

    def data_received(self, data: bytes) -> None:
        """Hands answers to who asked, and notes the size."""
        if not self.is_up:
            return
        self._buffer += data
        try:
            for number, *rest in split_frames(self._buffer):
                if not number:
                    self._grow(int(rest[1]))
                elif (question := self._questions.get(number)) and not question.done():
                    question.set_result(rest)
        except (ValueError, IndexError):  # no anchor says that; what carries its words there may be anybody's
            self._buffer.clear()
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells everybody who waits."""
        self._transport = None
        for question in self._questions.values():
            if not question.done():
                question.set_exception(LinkLost())
        self._growth.set()

    def _grow(self, size: int) -> None:
        self.size = size
        self._growth.set()
        self._growth = asyncio.Event()


async def connect(folder: int) -> Link:
    """A connection to the anchor whose run folder is open as ``folder``. Raises OSError when nothing listens there."""
    loop = asyncio.get_running_loop()
    # By the open folder, since the path of a socket must be short and that of a data directory may be long.
    path = Path(procfs.opened(folder), "socket")
    own = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    own.settimeout(0)
    try:
        own.connect(str(path))
        _, link = await loop.create_unix_connection(Link, sock=own)
    except BaseException:
        own.close()
        raise
    return link
