"""HTTP/1.1 as it is spoken to engines, supervisord, applications and the edge: one request on each connection."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HEAD_BYTES = 64 << 10  # the bound of a head is the limit of the reader: that of every connection that is opened so
SWITCHING = 101

_BODY_BYTES = 64 << 20
_MOST_BEFORE = 16
_PIECE = 64 << 10
_FILE_PIECE = 1 << 20
_HTTP = b"HTTP/"
_FIRST_LINE = re.compile(r"HTTP/[^ ]* ([0-9]{1,3})")
_LENGTH = re.compile(r"[0-9]{1,18}")
_WITHOUT_BODY = frozenset({204, 304})
# What stands between two chunks: the end of the one, and how long the other is.
_BETWEEN = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_BETWEEN_BYTES = 4 << 10


class NotHttp(Exception):
    """What came is no answer of HTTP."""


class CutOff(ConnectionResetError):
    """The connection was closed before the answer's end."""

    def __init__(self) -> None:
        super().__init__(0, "the connection was closed in the middle of an answer")


class Answer:
    """The status and the headers (names in lower case) of an answer, whose body is still to be read."""

    __slots__ = ("_between", "_left", "_reader", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], reader: asyncio.StreamReader) -> None:
        self.status = status
        self.headers = headers
        self._reader = reader
        is_chunked = headers.get("transfer-encoding", "").lower().endswith("chunked")
        self._between = _Chunks() if is_chunked else None
        self._left = _length(status, headers)

    async def read(self) -> bytes:
        """What comes next of the body, b"" at its end. Raises CutOff, NotHttp."""
        if self._left == 0:
            return b""
        if self._between is not None:
            return await self._from_chunks(self._between)
        if self._left is None:
            return await self._reader.read(_PIECE)
        data = await self._some(min(self._left, _PIECE))
        self._left -= len(data)
        return data

    async def body(self) -> bytes:
        """All of the body. Raises CutOff, NotHttp, and OSError where it is too long."""
        pieces, length = list[bytes](), 0
        while piece := await self.read():
            pieces.append(piece)
            length += len(piece)
            if length > _BODY_BYTES:
                raise OSError(0, "its answer is too long")
        return b"".join(pieces)

    async def _from_chunks(self, chunks: _Chunks) -> bytes:
        content = b""
        while not content and not chunks.are_over:
            content = chunks.content(await self._some(_PIECE))
        return content

    async def _some(self, most_bytes: int) -> bytes:
        data = await self._reader.read(most_bytes)
        if not data:
            raise CutOff
        return data


async def ask(
    streams: Streams, method: str, target: str, headers: Mapping[str, str], content: bytes | Path = b""
) -> Answer:
    """Sends a request with these headers, which hold no line breaks, and reads the head of its answer. Raises CutOff,
    NotHttp, OSError. The connection is to be closed by whoever has opened it.
    """
    reader, writer = streams
    sent = {**headers, "Connection": headers.get("Connection", "close")}
    if method != "GET":
        length = len(content) if isinstance(content, bytes) else (await asyncio.to_thread(content.stat)).st_size
        sent["Content-Length"] = str(length)
    lines = (f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", "")
    head = "\r\n".join(lines).encode()
    if isinstance(content, bytes):
        writer.write(head + content)
        await writer.drain()
    else:
        writer.write(head)
        await _send(writer, content)
    return await answered(reader)


async def answered(reader: asyncio.StreamReader) -> Answer:
    """The answer that comes next; those before it that say only that it will (RFC 9110, 15.2) are passed over. Raises
    CutOff, NotHttp.
    """
    for _ in range(_MOST_BEFORE):
        answer = await _headed(reader)
        if answer.status >= 200 or answer.status == SWITCHING:
            return answer
    raise NotHttp


async def _headed(reader: asyncio.StreamReader) -> Answer:
    try:
        head = await _beginning(reader) + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise CutOff from error
    except asyncio.LimitOverrunError as error:
        raise NotHttp from error
    first, *rest = head.decode("latin-1").split("\r\n")
    status = _FIRST_LINE.match(first)
    if status is None:
        raise NotHttp
    fields = (line.partition(":") for line in rest if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    return Answer(int(status[1]), headers, reader)


async def close(writer: asyncio.StreamWriter) -> None:
    """Closes a connection, whatever has become of it and at once: what is not sent yet is asked by nobody any more."""
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


class _Chunks:
    """Takes a body in chunks apart, many of them at once: of a log each line is one."""

    __slots__ = ("_held", "_left", "are_over")

    def __init__(self) -> None:
        self.are_over = False
        self._left = 0
        self._held = b"\r\n"  # as if there were one before the first

    def content(self, data: bytes) -> bytes:
        """What is inside the chunks of the bytes that come next. Raises NotHttp."""
        data, at, left, found = self._held + data, 0, self._left, list[bytes]()
        while not self.are_over:
            found.append(data[at : at + left])
            at += left
            if at > len(data):
                self._left, self._held = at - len(data), b""
                return b"".join(found)
            between = _BETWEEN.match(data, at)
            if between is None:
                break
            at, left = between.end(), int(between[1], 16)
            self.are_over = not left
        self._left, self._held = 0, data[at:]
        if not self.are_over and (len(self._held) > _BETWEEN_BYTES or self._held.find(b"\r\n", 2) > 0):
            raise NotHttp
        return b"".join(found)


def _length(status: int, headers: Mapping[str, str]) -> int | None:
    """How long a body is that does not come in chunks; None where it ends with the connection."""
    if status < 200 or status in _WITHOUT_BODY:
        return 0
    told = _LENGTH.fullmatch(headers.get("content-length", ""))
    return None if told is None or "transfer-encoding" in headers else int(told[0])


async def _beginning(reader: asyncio.StreamReader) -> bytes:
    """The first bytes of an answer: what they are not the beginning of may never come to an end."""
    try:
        first = await reader.readexactly(len(_HTTP))
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            raise
        first = error.partial
    if first != _HTTP:
        raise NotHttp
    return first


async def _send(writer: asyncio.StreamWriter, file: Path) -> None:
    with file.open("rb") as opened:
        while piece := await asyncio.to_thread(opened.read, _FILE_PIECE):
            writer.write(piece)
            await writer.drain()
