"""Answers as bytes: a status, headers that are the same on every answer, and a body that is compressed when asked."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote

from starlette.types import Send

from headway.kernel.dataclass import dataclass

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"cache-control", b"no-store"),
)

IGNORED = b"x-headway-ignored"
"""The header that names what a call sent and nobody reads, as a misspelt field would be."""
_MOST_NAMED = 20
_LONGEST_NAME = 64

_SMALLEST_COMPRESSED = 1_400  # what fits one packet gains nothing
_LARGEST_COMPRESSED_HERE = 256 << 10  # more would hold up the event loop
_GZIP_LEVEL = 1
_PIECE_BYTES = 128 << 10  # of a body that is longer than two: what is not taken waits here, and in no buffer
_NOT_MODIFIED = 304


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def json_answer(
    body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
) -> Answer:
    """An answer of JSON that is already bytes; b"" for a procedure without a result."""
    own = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items())
    return Answer(status=status, headers=((b"content-type", content_type.encode()), *own), body=body)


def naming_ignored(answer: T, names: Sequence[str]) -> T:
    """The answer with the fields that were sent and that its procedure does not know; a stream says nothing of them."""
    if not names or not isinstance(answer, Answer):
        return answer
    told = ", ".join(quote(name[:_LONGEST_NAME], safe="$@[].") for name in names[:_MOST_NAMED])
    return replace(answer, headers=(*answer.headers, (IGNORED, told.encode())))


async def send_answer(answer: Answer, send: Send, accept_encoding: bytes = b"") -> None:
    """Sends an answer, compressed where the client takes that and it helps."""
    body, headers = answer.body, list(answer.headers)
    if len(body) >= _SMALLEST_COMPRESSED:
        headers.append((b"vary", b"accept-encoding"))
        if b"gzip" in accept_encoding:
            body = await _compressed(body)
            headers.append((b"content-encoding", b"gzip"))
    if answer.status != _NOT_MODIFIED:  # which would have to name the length of the body that it leaves out
        headers.append((b"content-length", str(len(body)).encode()))
    headers.extend(_added_to(tuple([name for name, _ in answer.headers])))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    start = 0
    while len(body) - start > 2 * _PIECE_BYTES:
        await send({"type": "http.response.body", "body": body[start : start + _PIECE_BYTES], "more_body": True})
        start += _PIECE_BYTES
    await send({"type": "http.response.body", "body": body[start:]})


@lru_cache(maxsize=100)
def _added_to(names: tuple[bytes, ...]) -> tuple[tuple[bytes, bytes], ...]:
    """What an answer with headers of these names has beside them."""
    return tuple(each for each in SECURITY_HEADERS if each[0] not in names)


def compressed(body: bytes) -> bytes:
    """The body as it is sent to who takes that."""
    return gzip.compress(body, _GZIP_LEVEL, mtime=0)


async def _compressed(body: bytes) -> bytes:
    return compressed(body) if len(body) <= _LARGEST_COMPRESSED_HERE else await asyncio.to_thread(compressed, body)
