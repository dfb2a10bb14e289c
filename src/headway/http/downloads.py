"""A log as a file: whole or a part of it, while it grows too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.types import Receive, Scope, Send

from headway.api.operation import File, Text
from headway.core.deployments.model import Deployment
from headway.http.answers import SECURITY_HEADERS
from headway.http.outlets import AsgiStream, Gone
from headway.http.ranges import Part, part_of
from headway.infra.logs.download import OpenedLog
from headway.infra.logs.logfile import in_thread
from headway.kernel.ansi import without_escapes

STUCK_SECONDS = 30.0
_PIECE_BYTES = 256 << 10
_LONGEST_HELD_BYTES = 1 << 20
_ESC = b"\x1b"


class Download(AsgiStream, File):
    """One download. It closes the log."""

    def __init__(self, deployment: Deployment, log: OpenedLog, headers: Mapping[bytes, bytes]) -> None:
        self._name = deployment.deployment_id
        self._log = log
        self._tag = _tag(deployment, log)
        self._part = part_of(headers, log.size, self._tag)

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the part that was asked for, as far as it was written when the log was opened."""
        try:
            await send({"type": "http.response.start", "status": self._part.status, "headers": self._headers()})
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(_watch(receive))
                await self._send_pieces(send)
                watching.cancel()
        except* (Gone, TimeoutError):
            pass  # nobody is there, or somebody who takes nothing: the connection is not worth its memory
        finally:
            self._log.close()

    async def _send_pieces(self, send: Send) -> None:
        offset, end = self._part.begin, self._part.end
        while offset < end:
            piece = await self._log.read(offset, min(_PIECE_BYTES, end - offset))
            if not piece:
                raise Gone  # the log was begun anew: its reader sees that this answer is cut off
            offset += len(piece)
            async with asyncio.timeout(STUCK_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": offset < end})
        if self._part.begin == end:
            await send({"type": "http.response.body", "body": b""})

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [*_described(self._part, self._name, self._tag), *SECURITY_HEADERS]


class PlainDownload(Download):
    """One download of a log without what is meant for terminals. How long it is nobody knows before, so that no part of
    it can be asked for.
    """

    def __init__(self, deployment: Deployment, log: OpenedLog) -> None:
        super().__init__(deployment, log, {})

    async def _send_pieces(self, send: Send) -> None:
        offset, held = 0, b""
        while offset < self._log.size:
            piece = await self._log.read(offset, min(_PIECE_BYTES, self._log.size - offset))
            if not piece:
                raise Gone
            offset += len(piece)
            whole, held = _parted(held + piece)
            await self._send_plain(send, whole, more=True)
        await self._send_plain(send, held, more=False)

    async def _send_plain(self, send: Send, text: bytes, *, more: bool) -> None:
        body = await in_thread(lambda: _plain(text)) if _ESC in text else text
        async with asyncio.timeout(STUCK_SECONDS):
            await send({"type": "http.response.body", "body": body, "more_body": more})

    def _headers(self) -> list[tuple[bytes, bytes]]:
        told = {b"content-type", b"content-disposition"}
        return [*((name, value) for name, value in super()._headers() if name in told), *SECURITY_HEADERS]


class TextDownload(AsgiStream, Text):
    """One download of a text that comes in pieces."""

    def __init__(self, name: str, pieces: AsyncGenerator[str, None]) -> None:
        self._name = name
        self._pieces = pieces

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends all of it."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self._headers()})
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(_watch(receive))
                async with aclosing(self._pieces) as pieces:
                    async for text in pieces:
                        if text:
                            await self._send(send, text.encode("utf-8", "replace"), more=True)
                await self._send(send, b"", more=False)
                watching.cancel()
        except* (Gone, TimeoutError):
            pass  # as above

    async def _send(self, send: Send, body: bytes, *, more: bool) -> None:
        async with asyncio.timeout(STUCK_SECONDS):
            await send({"type": "http.response.body", "body": body, "more_body": more})

    def _headers(self) -> list[tuple[bytes, bytes]]:
        return [*_attached(self._name), *SECURITY_HEADERS]


def _attached(name: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="%s"' % name.encode("ascii", "ignore")),
    ]


def _parted(text: bytes) -> tuple[bytes, bytes]:
    """Whole lines, and the rest, in which an escape may not have come to its end; a rest that is too long goes too."""
    end = text.rfind(b"\n") + 1
    if len(text) - end > _LONGEST_HELD_BYTES:
        end = len(text)
    return text[:end], text[end:]


def _plain(text: bytes) -> bytes:
    # Escapes are ASCII, so that each byte may stand for a character: text that is cut within one stays as it is.
    return without_escapes(text.decode("latin-1")).encode("latin-1")


def _described(part: Part, name: str, tag: bytes | None) -> list[tuple[bytes, bytes]]:
    headers = [(b"accept-ranges", b"bytes")]
    if part.status in {200, 206}:
        headers += _attached(f"deployment-{name}.log")
    if part.status != 304:
        headers.append((b"content-length", str(part.end - part.begin).encode()))
    if part.content_range is not None:
        headers.append((b"content-range", part.content_range))
    if tag is not None:
        headers.append((b"etag", tag))
    return headers


def _tag(deployment: Deployment, log: OpenedLog) -> bytes | None:
    """Of a deployment that has ended the log does not change any more."""
    if not deployment.status.ended:
        return None
    return f'"{deployment.deployment_id}.{deployment.epoch}.{log.size}"'.encode()


async def _watch(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise Gone
