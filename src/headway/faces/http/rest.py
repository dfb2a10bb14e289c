"""The REST wire: GET with plain query parameters, POST with a JSON object, and the bare JSON value as the answer."""

from __future__ import annotations

import time
from collections.abc import Mapping

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from headway.core.access import policy
from headway.core.access.model import GUEST, Actor
from headway.faces.http import errors
from headway.faces.http.answers import Answer, json_answer, naming_ignored, send_answer
from headway.faces.http.auth import authenticate
from headway.faces.http.bodies import read_json
from headway.faces.http.fresh import unless_known
from headway.faces.http.inputs import Input, from_body, from_query, from_value
from headway.faces.http.platform import Platform
from headway.faces.http.receiving import received
from headway.faces.http.registry import Call, Kind, Nothing, Procedure, Ready, Registry, Stream, once_of, performed
from headway.faces.http.rules import is_open
from headway.faces.http.seats import Bounds, Seats

_UPLOADS = Bounds(in_all=32, of_token=8, of_address=32, wait_seconds=20)  # of each person: all lie on the panel's disk
_KINDS: Mapping[str, Kind] = {"GET": Kind.QUERY, "POST": Kind.MUTATION}
_ALSO: Mapping[str, str] = {  # procedures that clients know by another path
    "openapi.json": "settings.getOpenApiDocument",
    "auth/organization/invite-member": "organization.inviteMember",
}


class Rest:
    """Answers ``/api/<procedure>``. Who calls is asked first: without a key nobody learns what exists."""

    def __init__(self, platform: Platform, registry: Registry) -> None:
        self._platform = platform
        self._registry = registry
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
            await result.stream(scope, receive, send)

    def _announce(self, path: str, status: int, began: float) -> None:
        self._platform.events.announce(self._registry.answered("rest", path, status, time.monotonic() - began))

    async def _result(
        self, scope: Scope, receive: Receive, path: str, headers: Mapping[bytes, bytes]
    ) -> Answer | Stream:
        actor = await authenticate(self._platform.access, headers)
        if actor is None and is_open(path):
            actor = GUEST
        if actor is None:
            return errors.unauthorized()
        kind = _KINDS.get(scope["method"])
        procedure = self._registry.find(path, kind) if kind is not None else None
        if procedure is None:
            raise errors.not_found()
        policy.admit(actor, procedure.permission)
        if procedure.uploads:
            return await self._take(procedure, actor, scope, receive, headers)
        given = await _input(procedure, scope, receive, headers)
        once = once_of(procedure, actor, given, headers)
        call = Call(
            actor=actor,
            permission=procedure.permission,
            platform=self._platform,
            input=given,
            headers=headers,
            once=once,
        )
        result = await performed(self._registry, procedure, call)
        answer = naming_ignored(_answer(result), given.unknown)
        if procedure.kind is Kind.MUTATION or not isinstance(answer, Answer):
            return answer
        return unless_known(answer, headers, result.tag if isinstance(result, Ready) else None)

    async def _take(
        self, procedure: Procedure, actor: Actor, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]
    ) -> Answer | Stream:
        """The answer to an upload, which is there until it is given."""
        address = str((scope.get("client") or ("",))[0])
        async with (
            self._uploads.one(actor.user_id, address),
            received(self._platform.upload_room, receive, headers, scope["query_string"]) as came,
        ):
            given = from_value(procedure.input, dict(came.fields))
            once = once_of(procedure, actor, given, headers, upload=came.upload)
            call = Call(
                actor=actor,
                permission=procedure.permission,
                platform=self._platform,
                input=given,
                headers=headers,
                once=once,
                upload=came.upload,
            )
            return naming_ignored(_answer(await performed(self._registry, procedure, call)), given.unknown)


def _answer(result: object) -> Answer | Stream:
    match result:
        case Ready(body=body, headers=headers):
            return json_answer(body, headers=headers)
        case None:
            return json_answer(b"")
        case Nothing(headers=headers):
            return json_answer(b"", headers=headers)
        case Stream():
            return result
        case _:
            return json_answer(to_json(result))


async def _input(procedure: Procedure, scope: Scope, receive: Receive, headers: Mapping[bytes, bytes]) -> Input:
    if procedure.kind is Kind.QUERY:
        return from_query(procedure.input, scope["query_string"])
    return from_body(procedure.input, await read_json(receive, headers))
