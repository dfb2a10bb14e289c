"""The body of a request: JSON, whole, and no longer than a call needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.types import Receive

from headway.http import errors

MOST_BODY_BYTES = 1 << 20
_MOST_DRAINED_BYTES = 32 << 20
_BODY_SECONDS = 30.0


async def read_json(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes:
    """The body, which may be empty. Raises Problem for one that is of another type, too long or too slow."""
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    body = await read_whole(receive, headers, MOST_BODY_BYTES)
    if not content_type.lower().startswith("application/json") and (body or content_type):
        raise errors.unsupported(content_type)
    return body


async def _unwatched(_size: int) -> None:
    return None


async def read_whole(
    receive: Receive,
    headers: Mapping[bytes, bytes],
    most_bytes: int,
    watch: Callable[[int], Awaitable[float | None]] = _unwatched,
) -> bytes:
    """The whole body, whatever it is. One that is too long is read on for a while, so that its sender is there to hear
    the refusal. ``watch`` is told how much has come, and says within how many seconds more must. Raises Problem for one
    that is too long or too slow.
    """
    announced = headers.get(b"content-length", b"")
    too_long = announced.isdigit() and int(announced) > most_bytes
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            more = True
            while more and size <= _MOST_DRAINED_BYTES + most_bytes:
                async with asyncio.timeout(await watch(0 if too_long else size)):
                    message = await receive()
                if message["type"] == "http.disconnect":
                    break
                size += len(message.get("body", b""))
                too_long = too_long or size > most_bytes
                if too_long:
                    pieces.clear()
                else:
                    pieces.append(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        raise errors.too_slow() from None
    if too_long:
        raise errors.too_large(most_bytes)
    return b"".join(pieces)
