"""One small HTTP request over a connection of its own: enough to ask an application or the edge whether it answers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

_HEAD_BYTES = 64 << 10
_HTTP = b"HTTP/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The status and headers (names in lower case) of an answer; its body is not read."""

    status: int
    headers: Mapping[str, str]


class NoAnswer(Exception):
    """There was no connection, or no HTTP answer on it; the text says which."""


class Silent(NoAnswer):
    """Nothing came within the time."""


class Closed(NoAnswer):
    """The connection was closed before anything came."""


class Foreign(NoAnswer):
    """What came is not HTTP."""


async def get(
    host: str,
    port: int,
    path: str,
    *,
    headers: Mapping[str, str],
    timeout_seconds: float,
    tls_name: str | None = None,
    own_port: int | None = None,
) -> Answer:
    """Sends ``GET path`` and reads the head of the answer. Raises NoAnswer. ``headers`` hold no line breaks. With
    ``tls_name`` it speaks TLS and asks for that name, whatever certificate it is shown. ``own_port`` is where the
    connection comes from.
    """
    own = None if own_port is None else ("::" if ":" in host else "0.0.0.0", own_port)  # noqa: S104 - nothing listens there
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _get((host, port), path, headers, tls_name, own)
    except TimeoutError as error:
        raise Silent(f"no answer within {timeout_seconds:g} s") from error
    except ConnectionRefusedError as error:
        raise NoAnswer("the connection was refused") from error
    except (asyncio.IncompleteReadError, ConnectionResetError, BrokenPipeError) as error:
        raise Closed("the connection was closed without an answer") from error
    except asyncio.LimitOverrunError as error:
        raise Foreign("the answer does not read as HTTP") from error
    except OSError as error:
        raise NoAnswer(error.strerror or "the connection failed") from error


async def certificate(host: str, port: int, *, tls_name: str, timeout_seconds: float) -> bytes | None:
    """The certificate that is shown to who asks for the name, in DER, whether or not it is good. Raises NoAnswer."""
    try:
        async with asyncio.timeout(timeout_seconds):
            _, writer = await asyncio.open_connection(host, port, ssl=_unverified(), server_hostname=tls_name)
    except TimeoutError as error:
        raise NoAnswer(f"no connection within {timeout_seconds:g} s") from error
    except OSError as error:
        raise NoAnswer(error.strerror or "the connection failed") from error
    held: ssl.SSLObject = writer.get_extra_info("ssl_object")
    shown = held.getpeercert(binary_form=True)
    await _close(writer)
    return shown


async def connect(host: str, port: int, *, timeout_seconds: float) -> None:
    """Opens a connection and closes it again. Raises NoAnswer."""
    try:
        async with asyncio.timeout(timeout_seconds):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError as error:
        raise NoAnswer(f"no connection within {timeout_seconds:g} s") from error
    except ConnectionRefusedError as error:
        raise NoAnswer("the connection was refused") from error
    except OSError as error:
        raise NoAnswer(error.strerror or "the connection failed") from error
    await _close(writer)


async def _get(
    place: tuple[str, int], path: str, headers: Mapping[str, str], tls_name: str | None, own: tuple[str, int] | None
) -> Answer:
    (host, port), tls = place, None if tls_name is None else _unverified()
    reader, writer = await asyncio.open_connection(
        host, port, limit=_HEAD_BYTES, ssl=tls, server_hostname=tls_name, local_addr=own
    )
    try:
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write(("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode())
        await writer.drain()
        return _parse(await _beginning(reader) + await reader.readuntil(b"\r\n\r\n"))
    finally:
        await _close(writer)


async def _beginning(reader: asyncio.StreamReader) -> bytes:
    """The first bytes of an answer: what they are not the beginning of may never come to an end."""
    try:
        first = await reader.readexactly(len(_HTTP))
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            raise
        first = error.partial
    if first != _HTTP:
        raise Foreign("the answer does not read as HTTP")
    return first


@cache
def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _parse(head: bytes) -> Answer:
    first, *rest = head.decode("latin-1").split("\r\n")
    version, _, remainder = first.partition(" ")
    status = remainder[:3]
    if not version.startswith("HTTP/") or not status.isdigit():
        raise Foreign("the answer does not read as HTTP")
    fields = (line.partition(":") for line in rest if ":" in line)
    return Answer(status=int(status), headers={name.strip().lower(): value.strip() for name, _, value in fields})


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
