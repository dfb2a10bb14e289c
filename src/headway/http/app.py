"""The HTTP face: one application that answers health, the API's procedures and nothing else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from headway.api.registry import Performer, Registry
from headway.http import errors, hooks
from headway.http.answers import SECURITY_HEADERS, Answer, json_answer, send_answer
from headway.http.api_page import routes
from headway.http.bodies import Bodies
from headway.http.consoles import Consoles
from headway.http.container_logs import ContainerLogs
from headway.http.follows import Follows
from headway.http.log_socket import Listening
from headway.http.metrics import METRICS_PATH, MetricsPage
from headway.http.needs import HttpNeeds
from headway.http.request_ids import RequestIds
from headway.http.rest import Rest
from headway.http.trpc import Trpc

_HEALTH_SECONDS = 5.0
_JSON_UTF8 = "application/json; charset=utf-8"
_WAY_IN = (
    "Headway, a self-hosted deployment platform.\n\n"
    "/api/docs     the API, to read and to try\n"
    "/api/<name>   its procedures; they need a key\n"
    "/api/health   whether this panel can do its work\n"
)
_READS = frozenset({"GET", "HEAD"})
_SLASHES = re.compile(rb"/{2,}")


class Pages(Protocol):
    """What answers for pages, and sends those away who look at them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def close(self) -> None: ...


def create_app(needs: HttpNeeds, follows: Follows, registry: Registry, performer: Performer, pages: Pages) -> Starlette:
    """The application of an open panel; what is nowhere else ``pages`` answers. ``state.close()`` sends those away who
    follow a deployment, wait for it or look at a page, ``state.followed()`` tells how many follow.
    """
    bodies = Bodies(needs.door.origins)
    rest = Rest(needs, registry, performer, bodies)
    app = Starlette(
        routes=[
            Route("/", _WayIn(pages)),
            WebSocketRoute("/listen-deployment", Listening(needs, follows, registry)),
            Route(METRICS_PATH, MetricsPage(needs, follows.count)),
            WebSocketRoute("/docker-container-logs", ContainerLogs(needs, registry)),
            WebSocketRoute("/application-console", Consoles(needs)),
            Route("/api/health", _Health(needs.health), methods=["GET"]),
            *routes.routes(lambda: _described(registry), registry, needs.door.origins),
            Route("/api", rest),
            *hooks.routes(needs, needs.webhooks.most_bytes),
            Route("/api/trpc/{procedures:path}", Trpc(needs, registry, performer, bodies)),
            Route("/api/{procedure:path}", rest),
        ],
        middleware=[
            Middleware(RequestIds, needs.events),
            Middleware(_Calls, registry, rest),
            Middleware(_CleanPaths),
        ],
        exception_handlers={404: _nothing_there, 405: _nothing_there},
    )

    app.router.default = pages

    def close() -> None:
        follows.close()
        needs.awaiting.close()
        needs.consoles.close()
        pages.close()

    app.state.close = close
    app.state.followed = follows.count
    return app


def _described(registry: Registry) -> Mapping[str, Any]:
    from headway.http.openapi import document  # noqa: PLC0415 - it has much to load, and is seldom asked for

    return document(registry)


class _Health:
    """Answers anybody whether the panel can do its work."""

    def __init__(self, health: Callable[[], Awaitable[str | None]]) -> None:
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_answer(await errors.guarded(self._answer, "health"), send)

    async def _answer(self) -> Answer:
        try:
            async with asyncio.timeout(_HEALTH_SECONDS):
                reason = await self._health()
        except TimeoutError:
            reason = f"The database does not answer within {_HEALTH_SECONDS:.0f} seconds."
        if reason is None:
            return json_answer(b'{"ok":true}', content_type=_JSON_UTF8)
        body = to_json({"ok": False, "reason": reason})
        return json_answer(body, status=503, headers={"retry-after": "2"}, content_type=_JSON_UTF8)


class _Calls:
    """Hands a call that is one of an operation by its path straight to its wire: to try the routes one after the other
    takes as long as all else that a kept answer needs.
    """

    def __init__(self, app: ASGIApp, registry: Registry, rest: Rest) -> None:
        self._app = app
        self._registry = registry
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].removeprefix("/api/") if scope["type"] == "http" else ""
        if name and name != scope["path"] and self._registry.has_router(name):
            scope["path_params"] = {"procedure": name}
            await self._rest(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _CleanPaths:
    """Sends requests for a path with repeated or trailing slashes to the clean one; 308 keeps method and body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (clean := _clean(scope)) is not None:
            await send_answer(clean, send)
        else:
            await self._app(scope, receive, send)


def _clean(scope: Scope) -> Answer | None:
    path: str = scope["path"]
    if "//" not in path and not path.endswith("/"):
        return None
    raw = _SLASHES.sub(b"/", scope["raw_path"]).rstrip(b"/")
    if raw != b"/api" and not raw.startswith(b"/api/"):  # nothing else is ours, and no other host is led to
        return None
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    return Answer(status=308, headers=((b"location", raw + query),), body=b"")


class _WayIn:
    """What whoever opens the panel's own address reads: in a browser its first page; programs ask for the text to learn
    whether something is there.
    """

    def __init__(self, pages: ASGIApp) -> None:
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accepted = [value for name, value in scope["headers"] if name == b"accept"]
        if scope["method"] not in _READS:
            raise HTTPException(404)
        if any(b"text/html" in value for value in accepted):
            await self._pages(scope, receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
        await PlainTextResponse(_WAY_IN, headers=headers)(scope, receive, send)


async def _nothing_there(request: Request, _error: Exception) -> Response:
    answer = errors.told(errors.not_found(), request.url.path)
    headers = {name.decode(): value.decode() for name, value in (*answer.headers, *SECURITY_HEADERS)}
    return Response(answer.body, answer.status, headers)
