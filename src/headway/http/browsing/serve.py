"""The page and its two files, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from headway.api.registry import Registry
from headway.http import errors
from headway.http.answers import Answer, send_answer
from headway.http.browsing.page import render
from headway.http.entity_tags import unless_known

PATH = "/api/docs"
# Nothing from anywhere else, no text of others as a script, and requests to this panel only.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_STYLES, _SCRIPT = "page.css", "page.js"


def routes(describe: Callable[[], Mapping[str, Any]], registry: Registry) -> list[Route]:
    """The routes of the page; ``describe`` gives the OpenAPI document of the registry. The page is for everybody: it
    says what any copy of Headway can be asked, and nothing of this one, not even its version.
    """

    @cache
    def page() -> bytes:
        permissions = {each.name: each.permission for each in registry}
        return render(describe(), permissions, styles=f"{PATH}/{_STYLES}", script=f"{PATH}/{_SCRIPT}").encode()

    return [
        Route(PATH, _Served("text/html", page)),
        Route(f"{PATH}/{_STYLES}", _Served("text/css", lambda: _file(_STYLES))),
        Route(f"{PATH}/{_SCRIPT}", _Served("text/javascript", lambda: _file(_SCRIPT))),
    ]


class _Served:
    """Answers GET with one text."""

    def __init__(self, content_type: str, text: Callable[[], bytes]) -> None:
        self._headers = (
            (b"content-type", f"{content_type}; charset=utf-8".encode()),
            (b"content-security-policy", _POLICY.encode()),
        )
        self._text = text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        answer = await errors.guarded(lambda: self._answer(scope, headers), scope["path"])
        await send_answer(answer, send, headers.get(b"accept-encoding", b""))

    async def _answer(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Answer:
        if scope["method"] not in {"GET", "HEAD"}:
            raise errors.not_found()
        return unless_known(Answer(status=200, headers=self._headers, body=self._text()), headers)


@cache
def _file(name: str) -> bytes:
    return (files("headway.http.browsing") / name).read_bytes()
