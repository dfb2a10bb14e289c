"""The two ways in which a follower's reader is told: server-sent events, and messages of a WebSocket."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from starlette.types import Receive, Scope, Send

from headway.api.operation import Stream
from headway.http.answers import SECURITY_HEADERS
from headway.infra.logs.broadcast import Chunk

_HEARTBEAT = b": still here\n\n"
_BEGINNING = b"retry: 1000\n\n"
_END = b"event: end\ndata: {}\n\n"
_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"x-accel-buffering", b"no"),  # proxies that would wait for more
    *SECURITY_HEADERS,
)
_ALL_TOLD = 1000
COME_BACK = 1013  # "try again later": too slow, sent away because the panel stops, or the log begins anew


class AsgiStream(Stream):
    """An answer that comes bit by bit, as this transport sends it."""

    @abstractmethod
    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request until the end or until the reader has gone. Raises TooManyRequests before it begins."""
        ...


class Gone(Exception):
    """The reader has left, hangs, or is sent away to come back: the answer ends without its proper end."""


class Outlet(Protocol):
    """What a follower says, in the form that its reader knows. Every call but ``close`` may raise Gone."""

    async def begin(self) -> None:
        """The reader is let in."""
        ...

    async def log(self, chunk: Chunk) -> None:
        """A piece of the log."""
        ...

    async def tell(self, event: bytes) -> None:
        """News of steps or status, as a ready server-sent event."""
        ...

    async def beat(self) -> None:
        """Nothing has happened for a while."""
        ...

    async def end(self) -> None:
        """There will never be more."""
        ...

    async def close(self) -> None:
        """The last call, after ``end`` or where there is none."""
        ...


class EventOutlet:
    """Server-sent events: log, steps, status and a heartbeat."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def begin(self) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        await self.tell(_BEGINNING)

    async def log(self, chunk: Chunk) -> None:
        await self.tell(chunk.sse)

    async def tell(self, event: bytes) -> None:
        await self._send({"type": "http.response.body", "body": event, "more_body": True})

    async def beat(self) -> None:
        await self.tell(_HEARTBEAT)

    async def end(self) -> None:
        await self.tell(_END)

    async def close(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})


class SocketOutlet:
    """Text messages of a WebSocket: the log and nothing else; the protocol's own pings are the heartbeat."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._code = COME_BACK

    async def begin(self) -> None:
        await self._say({"type": "websocket.accept"})

    async def log(self, chunk: Chunk) -> None:
        await self._say({"type": "websocket.send", "text": chunk.text})

    async def tell(self, event: bytes) -> None:
        """A reader of plain text is told nothing else."""

    async def beat(self) -> None:
        """The server pings by itself."""

    async def end(self) -> None:
        self._code = _ALL_TOLD

    async def close(self) -> None:
        try:
            await self._say({"type": "websocket.close", "code": self._code})
        except (Gone, RuntimeError):  # the connection is closed already
            return

    async def _say(self, message: dict[str, object]) -> None:
        try:
            await self._send(message)
        except OSError:
            raise Gone from None
