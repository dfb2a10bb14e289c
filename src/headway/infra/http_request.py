"""One small HTTP request over a connection of its own: enough to ask an application or the edge whether it answers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import cache

from headway.infra import http_client
from headway.infra.http_client import HEAD_BYTES, Answer, NotHttp

__all__ = ["Answer", "Closed", "Foreign", "NoAnswer", "Silent", "certificate", "get"]


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
    """Sends ``GET path`` and reads the head of the answer, but no body. Raises NoAnswer. ``headers`` hold no line
    breaks. With ``tls_name`` it speaks TLS and asks for that name, whatever certificate it is shown. ``own_port`` is
    where the connection comes from.
    """
    own = None if own_port is None else ("::" if ":" in host else "0.0.0.0", own_port)  # noqa: S104 - nothing listens there
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _get((host, port), path, headers, tls_name, own)
    except TimeoutError as error:
        raise Silent(f"no answer within {timeout_seconds:g} s") from error
    except ConnectionRefusedError as error:
        raise NoAnswer("the connection was refused") from error
    except (ConnectionResetError, BrokenPipeError) as error:
        raise Closed("the connection was closed without an answer") from error
    except NotHttp as error:
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
    await http_client.close(writer)
    return shown


async def _get(
    place: tuple[str, int], path: str, headers: Mapping[str, str], tls_name: str | None, own: tuple[str, int] | None
) -> Answer:
    (host, port), tls = place, None if tls_name is None else _unverified()
    streams = await asyncio.open_connection(
        host, port, limit=HEAD_BYTES, ssl=tls, server_hostname=tls_name, local_addr=own
    )
    try:
        return await http_client.ask(streams, "GET", path, headers)
    finally:
        await http_client.close(streams[1])


@cache
def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
