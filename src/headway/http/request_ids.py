"""Every request gets an id, which its answer and all log lines about it carry; that it was answered is announced."""

from __future__ import annotations

import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headway.kernel.context import working_on
from headway.kernel.events import Events, RequestAnswered

_BYTES = 10
_HEADER = b"x-request-id"
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Addresses whose knowing is enough: to deploy by a webhook, to set a password by a link, to join by an invitation, to
# read a deployment.
_SECRETS = ("/api/deploy/", "/link/", "/invitation/", "/shared/")
_SLASHES = re.compile("/{2,}")
_ADDRESS = re.compile(r"^(/api/deploy/(?:compose/)?|/link/|/invitation/|/shared/)[^/]+")


class RequestIds:
    """Around the whole application. An id that a client or a proxy has given is kept, if it is a plain one."""

    def __init__(self, app: ASGIApp, events: Events) -> None:
        self._app = app
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(_BYTES).encode()
        began, status = time.monotonic(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (_HEADER, request_id)]}
            await send(message)

        with working_on(request=request_id.decode()) as ids:
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                if scope["type"] == "http":
                    answered = RequestAnswered(
                        method=scope["method"],
                        path=told_path(scope["path"]),
                        status=status,
                        seconds=time.monotonic() - began,
                        ids=ids,
                    )
                    self._events.announce(answered)


def told_path(path: str) -> str:
    """A path as the panel's own log may tell it."""
    plain = _SLASHES.sub("/", path) if "//" in path else path  # a slash too many leads nowhere, and tells as much
    return _ADDRESS.sub(r"\1*", plain) if plain.startswith(_SECRETS) else path
