"""The page and its two files, over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from importlib.resources import files
from typing import Any

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from headway.api.registry import Registry
from headway.core.access.throttle import place_of
from headway.http import errors
from headway.http.answers import Answer, compressed, send_answer
from headway.http.api_page.page import render
from headway.http.entity_tags import unless_known
from headway.http.origin import Origins
from headway.http.seats import Bounds, Seats
from headway.kernel.dataclass import dataclass

PATH = "/api/docs"
# Nothing from anywhere else, no text of others as a script, and requests to this panel only.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_STYLES, _SCRIPT = "page.css", "page.js"
_READERS = Bounds(in_all=64, of_token=64, of_address=8, wait_seconds=10)
_PACKED = (b"content-encoding", b"gzip")


def routes(describe: Callable[[], Mapping[str, Any]], registry: Registry, origins: Origins) -> list[Route]:
    """The routes of the page; ``describe`` gives the OpenAPI document of the registry. The page is for everybody: it
    says what any copy of Headway can be asked, and nothing of this one, not even its version.
    """

    def page() -> bytes:
        permissions = {each.name: each.permission for each in registry}
        return render(describe(), permissions, styles=f"{PATH}/{_STYLES}", script=f"{PATH}/{_SCRIPT}").encode()

    seats = Seats(_READERS, "readers of this page")

    def served(content_type: str, make: Callable[[], bytes]) -> _Served:
        return _Served(content_type, make, seats, origins)

    return [
        Route(PATH, served("text/html", page)),
        Route(f"{PATH}/{_STYLES}", served("text/css", lambda: _file(_STYLES))),
        Route(f"{PATH}/{_SCRIPT}", served("text/javascript", lambda: _file(_SCRIPT))),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """A text in both forms in which it is sent, and the tag that changes with it."""

    plain: bytes
    packed: bytes
    tag: str


class _Served:
    """Answers GET with one text, which is made once, beside all else; few take it at a time, for nobody knows them."""

    def __init__(self, content_type: str, make: Callable[[], bytes], seats: Seats, origins: Origins) -> None:
        self._headers = (
            (b"content-type", f"{content_type}; charset=utf-8".encode()),
            (b"content-security-policy", _POLICY.encode()),
            (b"vary", b"accept-encoding"),
        )
        self._make = make
        self._seats = seats
        self._origins = origins
        self._text: _Text | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            answer = await errors.guarded(lambda: self._answer(scope, stack), scope["path"])
            await send_answer(answer, send)

    async def _answer(self, scope: Scope, stack: AsyncExitStack) -> Answer:
        if scope["method"] not in {"GET", "HEAD"}:
            raise errors.not_found()
        await stack.enter_async_context(self._seats.one("", place_of(self._origins.visitor_of(scope))))
        async with self._making:
            if self._text is None:
                self._text = await asyncio.to_thread(self._made)
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        is_packed = b"gzip" in headers.get(b"accept-encoding", b"")
        own = (*self._headers, *((_PACKED,) if is_packed else ()))
        body = self._text.packed if is_packed else self._text.plain
        return unless_known(Answer(status=200, headers=own, body=body), headers, self._text.tag)

    def _made(self) -> _Text:
        plain = self._make()
        return _Text(plain=plain, packed=compressed(plain), tag=hashlib.blake2b(plain, digest_size=12).hexdigest())


def _file(name: str) -> bytes:
    return (files("headway.http.api_page") / name).read_bytes()
