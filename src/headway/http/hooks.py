"""``/api/deploy/…``: where forges and registries send their deliveries. Whoever knows the address needs no key."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack

from pydantic_core import to_json
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from headway.core.deployments.model import SubjectType
from headway.features.webhooks.api.rows import answer_row, app_answer_row
from headway.features.webhooks.app_hooks import NotOfAnApp
from headway.features.webhooks.model import DeliveryAnswer, Outcome
from headway.http import errors
from headway.http.answers import Answer, json_answer, send_answer
from headway.http.bodies import read_whole
from headway.http.needs import HttpNeeds
from headway.http.seats import Bounds, Seats
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import NotFound

_LARGE_BYTES = 1 << 20
_WAIT_SECONDS = 20.0
_SILENCE_SECONDS = 3.0  # of whoever has a seat for a large one
# What is large is held whole, some 25 MiB each; the others are so many that a burst of pushes never meets the bound.
_LARGE = Bounds(in_all=3, of_token=1, of_address=2, wait_seconds=_WAIT_SECONDS)
_ANY = Bounds(in_all=256, of_token=64, of_address=64, wait_seconds=_WAIT_SECONDS)
_LARGE_OF_APPS = Bounds(in_all=2, of_token=2, of_address=1, wait_seconds=_WAIT_SECONDS)
_ANY_OF_APPS = Bounds(in_all=32, of_token=32, of_address=16, wait_seconds=_WAIT_SECONDS)


def routes(needs: HttpNeeds, most_bytes: int) -> tuple[Route, ...]:
    """The addresses, as existing hooks have them."""
    room = _Room(Seats(_ANY, "deliveries"), Seats(_LARGE, "large deliveries"))
    of_apps = _Room(Seats(_ANY_OF_APPS, "deliveries"), Seats(_LARGE_OF_APPS, "large deliveries"))
    return (
        Route("/api/deploy/compose/{token}", _Hooks(needs, SubjectType.COMPOSE, most_bytes, room)),
        Route("/api/deploy/github", _AppHooks(needs, SubjectType.APPLICATION, most_bytes, of_apps)),
        Route("/api/deploy/{token}", _Hooks(needs, SubjectType.APPLICATION, most_bytes, room)),
    )


@dataclass(frozen=True, slots=True)
class _Room:
    """Seats for those whose body is being read, and for those of whose body much has come."""

    any: Seats
    large: Seats


class _Hooks:
    """Answers POST. Whose address it is asked first: before that nothing is read, and nobody takes a seat."""

    def __init__(self, needs: HttpNeeds, subject_type: SubjectType, most_bytes: int, room: _Room) -> None:
        self._needs = needs
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
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
        try:
            token, organization = await self._token(scope)
            async with AsyncExitStack() as seats:
                place = (token, self._needs.door.origins.visitor_of(scope), organization)
                body = await self._body(seats, place, receive, headers)
                return await self._taken(scope, given, body)
        except NotFound as missing:
            return json_answer(to_json({"message": missing.message}), status=404)

    async def _token(self, scope: Scope) -> tuple[str, str | None]:
        """The token in the address, and whose organisation's it is, which has as many tokens as services.
        Raises NotFound where nobody is told there.
        """
        token: str = scope["path_params"]["token"]
        return token, await self._needs.webhooks.organization_at(self._subject_type, token)

    async def _body(
        self,
        seats: AsyncExitStack,
        place: tuple[str, str, str | None],
        receive: Receive,
        headers: Mapping[bytes, bytes],
    ) -> bytes:
        """The body, with the seats that it takes until all is done. Who has only announced much has no seat for it."""
        await seats.enter_async_context(self._room.any.one(*place))
        is_seated = False

        async def watch(size: int) -> float | None:
            nonlocal is_seated
            if size > _LARGE_BYTES and not is_seated:
                await seats.enter_async_context(self._room.large.one(*place))
                is_seated = True
            return _SILENCE_SECONDS if is_seated else None

        return await read_whole(receive, headers, self._most_bytes, watch)

    async def _taken(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> Answer:
        token = scope["path_params"]["token"]
        taken = await self._needs.webhooks.receive(self._subject_type, token, headers, body)
        return json_answer(to_json(answer_row(taken)), status=_status(taken))


class _AppHooks(_Hooks):
    """Answers for every service that has the repository through the app. Whose it is tells the body alone, so that
    its seats are others than those of addresses with a token.
    """

    async def _token(self, scope: Scope) -> tuple[str, str | None]:
        if not any(name == b"x-hub-signature-256" for name, _ in scope["headers"]):
            raise NotOfAnApp
        await self._needs.webhooks.apps.check()
        return "", None

    async def _taken(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> Answer:
        taken = await self._needs.webhooks.apps.receive(headers, body)
        if taken is None:
            message = "The signature was not made with the webhook secret of the app (githubWebhookSecret)."
            return json_answer(to_json({"message": message, "services": []}), status=401)
        return json_answer(to_json(app_answer_row(taken)))


def _status(taken: DeliveryAnswer) -> int:
    if taken.delivery.outcome is Outcome.REFUSED:
        return 401
    return 400 if taken.broken else 200
