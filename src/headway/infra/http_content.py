"""The contents of an answer of somebody's host: bounded, and never unpacked, for what unpacks has no bound."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

# A frame of 200 kB unpacks to gigabytes at once, before anybody could count them.
AS_IT_IS: Mapping[str, str] = MappingProxyType({"accept-encoding": "identity"})
_NOT_PACKED = frozenset({"", "identity"})


class ContentRefused(Exception):
    """The answer is longer than anybody waits for, or packed though that was not asked for; the text says which."""


async def content_of(answer: httpx.Response, most_bytes: int) -> bytes:
    """All of an answer that is streamed and was asked for ``AS_IT_IS``. Raises ContentRefused, and what httpx does."""
    packed = answer.headers.get("content-encoding", "").strip().lower()
    if packed not in _NOT_PACKED:
        raise ContentRefused(f"its answer is packed ({packed[:20]!r}), which it was asked not to do")
    content = bytearray()
    async for piece in answer.aiter_raw():
        content += piece
        if len(content) > most_bytes:
            raise ContentRefused(f"its answer is longer than {most_bytes >> 20} MiB")
    return bytes(content)
