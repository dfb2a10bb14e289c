"""``/api/deploy/…``: where forges and registries send their deliveries. Whoever knows the address needs no key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from pydantic_core import to_json
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from headway.core.deployments.model import SubjectType
from headway.faces.http import errors
from headway.faces.http.answers import Answer, json_answer, send_answer
from headway.faces.http.bodies import read_whole
from headway.faces.http.platform import Platform
from headway.faces.http.wire.webhooks import answer_row, app_answer_row
from headway.kernel.errors import NotFound, Unavailable
from headway.reactions.webhooks.model import Outcome, Taken

_LARGE_BYTES = 1 << 20
_LARGE_AT_ONCE = 2
_WAIT_SECONDS = 20.0


def routes(platform: Platform, most_bytes: int) -> tuple[Route, ...]:
    """The addresses, as existing hooks have them."""
    room = asyncio.Semaphore(_LARGE_AT_ONCE)
    compose = _Hooks(platform, SubjectType.COMPOSE, most_bytes, room)
    application = _Hooks(platform, SubjectType.APPLICATION, most_bytes, room)
    of_apps = _AppHooks(platform, SubjectType.APPLICATION, most_bytes, room)
    return (
        Route("/api/deploy/compose/{token}", compose),
        Route("/api/deploy/github", of_apps),
        Route("/api/deploy/{token}", application),
    )


class _Hooks:
    """Answers POST. ``room`` bounds how many large bodies are in memory at a time."""

    def __init__(self, platform: Platform, subject_type: SubjectType, most_bytes: int, room: asyncio.Semaphore) -> None:
        self._platform = platform
        self._subject_type = subject_type
        self._most_bytes = most_bytes
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = f"deploy/{'compose/' if self._subject_type is SubjectType.COMPOSE else ''}*"  # the token stays untold
        await send_answer(await errors.guarded(lambda: self._answer(scope, receive), path), send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            message = b'{"message":"Deliveries are sent with POST; nothing was deployed"}'
            return json_answer(message, status=405, headers={"allow": "POST"})
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        async with self._roomy(headers):
            body = await read_whole(receive, headers, self._most_bytes)
            given = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
            try:
                return await self._taken(scope, given, body)
            except NotFound as missing:
                return json_answer(to_json({"message": missing.message}), status=404)

    async def _taken(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> Answer:
        token = scope["path_params"]["token"]
        taken = await self._platform.webhooks.receive(self._subject_type, token, headers, body)
        return json_answer(to_json(answer_row(taken)), status=_status(taken))

    @asynccontextmanager
    async def _roomy(self, headers: Mapping[bytes, bytes]) -> AsyncIterator[None]:
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) <= _LARGE_BYTES:
            yield
            return
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._room.acquire()
        except TimeoutError:
            raise Unavailable("Too many large deliveries come at once; send this one again.") from None
        try:
            yield
        finally:
            self._room.release()


class _AppHooks(_Hooks):
    """Answers for every service that has the repository through the app."""

    async def _taken(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> Answer:
        taken = await self._platform.webhooks.apps.receive(headers, body)
        if taken is None:
            message = "The signature was not made with the webhook secret of the app (githubWebhookSecret)."
            return json_answer(to_json({"message": message, "services": []}), status=401)
        return json_answer(to_json(app_answer_row(taken)))


def _status(taken: Taken) -> int:
    if taken.delivery.outcome is Outcome.REFUSED:
        return 401
    return 400 if taken.broken else 200
