"""The body of a request: JSON, whole, and no longer than a call needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.types import Receive, Scope

from headway.core.access.model import GUEST, Actor
from headway.core.access.throttle import place_of
from headway.http import errors
from headway.http.origin import Origins
from headway.http.seats import Bounds, Seats

MOST_BODY_BYTES = 1 << 20
MOST_GUEST_BYTES = 16 << 10  # of whoever has no key: what needs none takes a token and a name
_MOST_DRAINED_BYTES = 32 << 20
_BODY_SECONDS = 30.0
_GUESTS = Bounds(in_all=1_024, of_token=1_024, of_address=16, wait_seconds=1.0)


class Bodies:
    """Reads what calls send. Whoever has no key sends little, and few of one place at a time: nobody knows them."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._seats = Seats(_GUESTS, "calls without a key")

    async def json(self, actor: Actor, scope: Scope, receive: Receive) -> bytes:
        """The body of what the caller asks. Raises as ``read_json`` does, and Unavailable for who gets no seat."""
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        if actor is not GUEST:
            return await read_json(receive, headers)
        async with self._seats.one("", place_of(self._origins.visitor_of(scope))):
            return await read_json(receive, headers, MOST_GUEST_BYTES)


async def read_json(receive: Receive, headers: Mapping[bytes, bytes], most_bytes: int = MOST_BODY_BYTES) -> bytes:
    """The body, which may be empty. Raises Problem for one that is of another type, too long or too slow."""
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    body = await read_whole(receive, headers, most_bytes)
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
