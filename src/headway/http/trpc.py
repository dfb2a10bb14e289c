"""The tRPC wire: the same procedures as REST, one or several to a request, each answer and error in an envelope."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from headway.api.inputs import from_query, from_value, parsed
from headway.api.operation import Kind, Nothing, Operation, Ready
from headway.api.problems import Problem, WireCode
from headway.api.registry import Given, Performer, Registry
from headway.core.access.model import GUEST, Actor
from headway.http import errors
from headway.http.answers import IGNORED, Answer, json_answer, naming_ignored, send_answer
from headway.http.auth import authenticate
from headway.http.bodies import Bodies
from headway.http.idempotency import key_in
from headway.http.needs import HttpNeeds
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Code

MOST_CALLS = 100  # in one request

_METHODS: Mapping[Kind, str] = {Kind.QUERY: "GET", Kind.MUTATION: "POST"}
_OF_ALL = (b"retry-after", b"allow")  # headers of one answer that hold for a whole batch
_SEVERAL_STATUSES = 207
_INTERNAL = -32603
_NUMBERS: Mapping[str, int] = {
    WireCode.PARSE_ERROR: -32700,
    Code.BAD_REQUEST: -32600,
    Code.UNAUTHORIZED: -32001,
    Code.FORBIDDEN: -32003,
    Code.NOT_FOUND: -32004,
    WireCode.METHOD_NOT_SUPPORTED: -32005,
    WireCode.TIMEOUT: -32008,
    Code.CONFLICT: -32009,
    Code.PAYLOAD_TOO_LARGE: -32013,
    WireCode.UNSUPPORTED_MEDIA_TYPE: -32015,
    Code.UNPROCESSABLE: -32022,
    Code.TOO_MANY_REQUESTS: -32029,
}
# The form that clients put values in (superjson): ``{"json": V, "meta": …}``; meta names what JSON has no word for.
UNDEFINED = b'{"json":null,"meta":{"values":["undefined"],"v":1}}'
_NOTHING: Sequence[str] = ["undefined"]
_DOT = re.compile(r"(?<!\\)\.")


class _Text:
    """The text of a request, which is parsed once however many calls it holds, when the first of them is let in."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._value: object = None
        self._problem: Problem | None = None
        self._is_read = False

    def value(self) -> object:
        """The value that it holds, an empty object where it is empty. Raises Problem when it is no JSON."""
        if not self._is_read:
            self._is_read = True
            try:
                self._value = parsed(self._text) if self._text.strip() else {}
            except Problem as problem:
                self._problem = problem
            self._text = b""
        if self._problem is not None:
            raise self._problem
        return self._value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One request: who asks, for which procedures, with what. ``plain`` is the query of one that gives its input as
    REST does, in parameters.
    """

    actor: Actor
    method: str
    names: Sequence[str]
    batch: bool
    text: _Text
    headers: Mapping[bytes, bytes]
    plain: bytes | None = None

    def input(self, index: int) -> object:
        """What the call at ``index`` was given. Raises Problem when that cannot be read."""
        given = self.text.value()
        if self.batch:
            if not isinstance(given, dict):
                raise Problem(400, Code.BAD_REQUEST, '"input" needs to be an object when doing a batch call')
            given = given.get(str(index))
        return unwrapped(given)


class Trpc:
    """Answers ``/api/trpc/<procedure>`` and, with ``batch=1``, ``/api/trpc/<procedure>,<procedure>``."""

    def __init__(self, needs: HttpNeeds, registry: Registry, performer: Performer, bodies: Bodies) -> None:
        self._needs = needs
        self._registry = registry
        self._performer = performer
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        path: str = scope["path_params"]["procedures"]
        answer = await errors.guarded(lambda: self._answer(scope, receive, path, headers), path, told)
        await send_answer(answer, send, headers.get(b"accept-encoding", b""))

    async def _answer(self, scope: Scope, receive: Receive, path: str, headers: Mapping[bytes, bytes]) -> Answer:
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        batch = query.get("batch") == "1"
        names = path.split(",") if batch else [path]
        if len(names) > MOST_CALLS:
            raise Problem(400, Code.BAD_REQUEST, f"A batch holds at most {MOST_CALLS} calls", names_path=False)
        actor = await authenticate(self._needs.door, scope, calls=len(names))
        if actor is None and all(self._registry.is_open(name) for name in names):
            actor = GUEST
        if actor is None:
            return _together([told(_unauthorized(), name) for name in names], batch=batch)
        self._refuse_mixture(names)
        method: str = scope["method"]
        if method == "GET":
            text = query.get("input", "").encode()
        else:
            text = await self._bodies.json(actor, scope, receive)
        plain = None if batch or method != "GET" or "input" in query else scope["query_string"]
        request = _Request(
            actor=actor, method=method, names=names, batch=batch, text=_Text(text), headers=headers, plain=plain
        )
        return _together(await self._answers(request), batch=batch)

    async def _answers(self, request: _Request) -> Sequence[Answer]:
        """The answers of a batch: queries are asked all at once, what changes something is done in the given order.
        Between two of them others have a turn.
        """
        if len(request.names) == 1:
            return [await self._guarded(request, 0)]
        answers: list[Answer] = []
        if request.method != "GET":
            for index in range(len(request.names)):
                answers.append(await self._guarded(request, index))
                await asyncio.sleep(0)
            return answers
        async with asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[Answer]] = []
            for index in range(len(request.names)):
                tasks.append(group.create_task(self._guarded(request, index)))
                await asyncio.sleep(0)
        return [task.result() for task in tasks]

    async def _guarded(self, request: _Request, index: int) -> Answer:
        name, began = request.names[index], time.monotonic()
        answer = await errors.guarded(lambda: self._one(request, index), name, told)
        self._needs.events.announce(self._registry.answered("trpc", name, answer.status, time.monotonic() - began))
        return answer

    async def _one(self, request: _Request, index: int) -> Answer:
        name = request.names[index]
        operation = self._registry.named(name)
        if operation is None:
            raise Problem(404, Code.NOT_FOUND, f'No procedure found on path "{name}"')
        _check_method(operation, request.method)
        headers = request.headers
        done = await self._performer.perform(
            operation,
            request.actor,
            lambda: _given(operation, request, index),
            headers=headers,
            key=key_in(headers),
            position=index,
        )
        return naming_ignored(_enveloped(done.answer), done.unknown)

    def _refuse_mixture(self, names: Sequence[str]) -> None:
        found = [self._registry.named(name) for name in names]
        kinds = list(dict.fromkeys(operation.kind for operation in found if operation is not None))
        if len(kinds) > 1:
            message = f"Cannot mix procedure types in call: {', '.join(kinds)}"
            raise Problem(400, Code.BAD_REQUEST, message, names_path=False)


async def _given(operation: Operation, request: _Request, index: int) -> Given:
    """What the call at ``index`` is made with. Raises Problem where this wire cannot make it."""
    name = operation.name
    if operation.streams:
        message = f"{name} answers with a stream, which only GET /api/{name} gives"
        raise Problem(415, WireCode.UNSUPPORTED_MEDIA_TYPE, message)
    if operation.uploads:
        message = f"{name} takes a file, which only POST /api/{name} does"
        raise Problem(415, WireCode.UNSUPPORTED_MEDIA_TYPE, message)
    if request.plain is not None:
        return Given(from_query(operation.input, request.plain))
    return Given(from_value(operation.input, request.input(index)))


def told(problem: Problem, path: str) -> Answer:
    """The answer that tells a problem, on the tRPC wire. Its message for a failed input is the list of the issues."""
    error = {
        "message": to_json(problem.issues, indent=2).decode() if problem.issues else problem.message,
        "code": _NUMBERS.get(problem.code, _INTERNAL),
        "data": errors.details(problem, path),
    }
    return json_answer(b'{"error":%s}' % wrapped(to_json(error)), status=problem.status, headers=problem.headers)


def _unauthorized() -> Problem:
    return Problem(401, Code.UNAUTHORIZED, Code.UNAUTHORIZED)


def _check_method(operation: Operation, method: str) -> None:
    allowed = _METHODS[operation.kind]
    if method != allowed:
        raise Problem(
            405,
            WireCode.METHOD_NOT_SUPPORTED,
            f'Unsupported {method}-request to {operation.kind} procedure at path "{operation.name}"',
            headers={"allow": allowed},
        )


def _enveloped(result: object) -> Answer:
    match result:
        case None:
            return _result(UNDEFINED)
        case Nothing(headers=headers):
            return _result(UNDEFINED, headers)
        case Ready(body=body, headers=headers):
            return _result(wrapped(body), headers)
        case _:
            return _result(wrapped(to_json(result)))


def _result(data: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    return json_answer(b'{"result":{"data":%s}}' % data, headers=headers)


def _together(answers: Sequence[Answer], *, batch: bool) -> Answer:
    """One answer of several: their status where they have the same, and what holds for all of their headers."""
    if not batch:
        return answers[0]
    statuses = {answer.status for answer in answers}
    shared = {name: value for answer in answers for name, value in answer.headers if name in _OF_ALL}
    ignored = dict.fromkeys(value for answer in answers for name, value in answer.headers if name == IGNORED)
    if ignored:
        shared[IGNORED] = b", ".join(ignored)
    return Answer(
        status=statuses.pop() if len(statuses) == 1 else _SEVERAL_STATUSES,
        headers=((b"content-type", b"application/json"), *shared.items()),
        body=b"[%s]" % b",".join(answer.body for answer in answers),
    )


def wrapped(body: bytes) -> bytes:
    """JSON that is bytes already, in the form."""
    return b'{"json":%s}' % body


def unwrapped(given: object) -> object:
    """The value that an input holds. One without the form is taken as it is; undefined as a whole is an empty object,
    and a field that is undefined is left out.
    """
    if isinstance(given, dict) and "json" in given and given.keys() <= {"json", "meta"}:
        value, values = given["json"], _values(given.get("meta"))
    else:
        value, values = given, {}
    if value is None:
        return {}
    for path, kind in values.items():
        if kind == _NOTHING:
            _leave_out(value, [key.replace("\\.", ".") for key in _DOT.split(path)])
    return value


def _values(meta: object) -> Mapping[str, Any]:
    values = meta.get("values") if isinstance(meta, dict) else None
    return values if isinstance(values, dict) else {}


def _leave_out(value: object, path: list[str]) -> None:
    for key in path[:-1]:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value.pop(path[-1], None)
