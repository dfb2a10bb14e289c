"""The REST wire: GET with plain query parameters, POST with a JSON object, and the bare JSON value as the answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AsyncExitStack

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from headway.api.inputs import from_body, from_query, from_value
from headway.api.operation import Kind, Nothing, Operation, Ready
from headway.api.registry import Given, Performer, Registry
from headway.core.access.model import GUEST, Actor
from headway.http import errors
from headway.http.answers import Answer, json_answer, naming_ignored, send_answer
from headway.http.auth import authenticate
from headway.http.bodies import Bodies
from headway.http.entity_tags import unless_known
from headway.http.idempotency import key_in
from headway.http.needs import HttpNeeds
from headway.http.outlets import AsgiStream
from headway.http.seats import Bounds, Seats
from headway.http.uploads import received
from headway.kernel.errors import TooManyRequests

_UPLOADS = Bounds(in_all=64, of_token=8, of_address=64, wait_seconds=20)  # of each person: all lie on the panel's disk
_KINDS: Mapping[str, Kind] = {"GET": Kind.QUERY, "POST": Kind.MUTATION}
_ALSO: Mapping[str, str] = {  # procedures that clients know by another path
    "openapi.json": "settings.getOpenApiDocument",
    "auth/organization/invite-member": "organization.inviteMember",
}


class Rest:
    """Answers ``/api/<procedure>``. Who calls is asked first: without a key nobody learns what exists."""

    def __init__(self, needs: HttpNeeds, registry: Registry, performer: Performer, bodies: Bodies) -> None:
        self._needs = needs
        self._registry = registry
        self._performer = performer
        self._bodies = bodies
        self._uploads = Seats(_UPLOADS, "uploads")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        path: str = scope["path_params"].get("procedure", "")
        path = _ALSO.get(path, path)
        began = time.monotonic()
        result = await errors.guarded(lambda: self._result(scope, receive, path, headers), path)
        if isinstance(result, Answer):
            await send_answer(result, send, headers.get(b"accept-encoding", b""))
            self._announce(path, result.status, began)
        else:
            self._announce(path, 200, began)
            try:
                await result.stream(scope, receive, send)
            except TooManyRequests as error:  # before it has begun
                await send_answer(errors.told(errors.problem_of(error), path), send, b"")

    def _announce(self, path: str, status: int, began: float) -> None:
        self._needs.events.announce(self._registry.answered("rest", path, status, time.monotonic() - began))

    async def _result(
        self, scope: Scope, receive: Receive, path: str, headers: Mapping[bytes, bytes]
    ) -> Answer | AsgiStream:
        actor = await authenticate(self._needs.door, scope)
        if actor is None and self._registry.is_open(path):
            actor = GUEST
        if actor is None:
            return errors.unauthorized()
        kind = _KINDS.get(scope["method"])
        operation = self._registry.find(path, kind) if kind is not None else None
        if operation is None:
            raise errors.not_found()
        if operation.uploads:
            return await self._take(operation, actor, scope, receive, headers)

        async def read() -> Given:
            if operation.kind is Kind.QUERY:
                return Given(from_query(operation.input, scope["query_string"]))
            return Given(from_body(operation.input, await self._bodies.json(actor, scope, receive)))

        done = await self._performer.perform(operation, actor, read, headers=headers, key=key_in(headers))
        answer = naming_ignored(_answer(done.answer), done.unknown)
        if operation.kind is Kind.MUTATION or not isinstance(answer, Answer):
            return answer
        return unless_known(answer, headers, done.answer.tag if isinstance(done.answer, Ready) else None)

    async def _take(
        self, operation: Operation, actor: Actor, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]
    ) -> Answer | AsgiStream:
        """The answer to an upload, which is there until it is given."""
        address = str((scope.get("client") or ("",))[0])
        async with AsyncExitStack() as stack:

            async def read() -> Given:
                await stack.enter_async_context(self._uploads.one(actor.user_id, address, actor.organization_id))
                came = await stack.enter_async_context(
                    received(self._needs.upload_room, receive, headers, scope["query_string"])
                )
                return Given(from_value(operation.input, dict(came.fields)), came.upload)

            done = await self._performer.perform(operation, actor, read, headers=headers, key=key_in(headers))
            return naming_ignored(_answer(done.answer), done.unknown)


def _answer(result: object) -> Answer | AsgiStream:
    match result:
        case Ready(body=body, headers=headers):
            return json_answer(body, headers=headers)
        case None:
            return json_answer(b"")
        case Nothing(headers=headers):
            return json_answer(b"", headers=headers)
        case AsgiStream():
            return result
        case _:
            return json_answer(to_json(result))
