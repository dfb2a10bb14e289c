"""Where errors meet the wire: the one table from codes to statuses, and the place where an unknown error stops."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from pydantic_core import to_json

from headway.api.issues import zod_error
from headway.api.problems import Problem, WireCode
from headway.core.access.policy import ConfirmFirst
from headway.http.answers import Answer, json_answer
from headway.kernel.errors import Code, HeadwayError, TooManyRequests
from headway.kernel.ids import new_id

T = TypeVar("T")

log = logging.getLogger(__name__)

STATUSES: Mapping[Code, int] = {
    Code.BAD_REQUEST: 400,
    Code.UNAUTHORIZED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.PAYLOAD_TOO_LARGE: 413,
    Code.UNPROCESSABLE: 422,
    Code.TOO_MANY_REQUESTS: 429,
    Code.UNAVAILABLE: 503,
    Code.INTERNAL: 500,
}

_RETRY_AFTER_SECONDS = "2"


Tell = Callable[[Problem, str], Answer]


def unauthorized() -> Answer:
    """Without a key that is known nobody learns anything, not even what exists."""
    return json_answer(b'{"message":"Unauthorized"}', status=401, content_type="application/json; charset=utf-8")


def not_found() -> Problem:
    """No such path, or not with this method."""
    return Problem(404, Code.NOT_FOUND, "Not found", names_path=False)


def unsupported(content_type: str) -> Problem:
    """The body is of a type that is not read here; the odd quotation mark is the wire's own."""
    message = f'Unsupported content-type "{content_type}' if content_type else "Missing content-type header"
    return Problem(415, WireCode.UNSUPPORTED_MEDIA_TYPE, message)


def too_large(limit: int) -> Problem:
    """The body is longer than a call needs."""
    return Problem(413, Code.PAYLOAD_TOO_LARGE, f"The request body is larger than {_size(limit)}")


def _size(limit: int) -> str:
    return f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"


def too_slow() -> Problem:
    """The body did not come in time."""
    return Problem(408, WireCode.TIMEOUT, "The request body did not arrive in time")


def head_too_large(limit: int) -> Problem:
    """The head of a request is longer than any needs."""
    message = f"The head of the request is larger than {limit >> 10} KiB"
    return Problem(431, WireCode.HEAD_TOO_LARGE, message, names_path=False)


def too_many_headers(limit: int) -> Problem:
    """The head of a request holds more headers than any needs."""
    message = f"The request has more than {limit} headers"
    return Problem(431, WireCode.HEAD_TOO_LARGE, message, names_path=False)


def head_too_slow(seconds: float) -> Problem:
    """The head of a request did not come in time."""
    message = f"The head of the request did not arrive within {seconds:g} s"
    return Problem(408, WireCode.TIMEOUT, message, names_path=False)


def too_many_waiting(limit: int) -> Problem:
    """A connection asks on and on without waiting for an answer."""
    message = f"More than {limit} requests wait for their answers on this connection"
    return Problem(429, Code.TOO_MANY_REQUESTS, message, names_path=False)


async def guarded(work: Callable[[], Awaitable[T]], path: str, tell: Tell | None = None) -> T | Answer:
    """What ``work`` answers, or the answer to the error that it raises, made by ``tell`` (REST's, when it is None); an
    unknown error is logged here, once.
    """
    tell = tell or told
    try:
        return await work()
    except Problem as problem:
        return tell(problem, path)
    except HeadwayError as error:
        if error.code is Code.INTERNAL:
            log.exception("%s failed", path)
        return tell(problem_of(error), path)
    except Exception:
        incident = new_id()
        log.exception("%s failed, incident %s", path, incident)
        message = f"Headway made a mistake; its own log tells more under {incident}"
        return tell(Problem(500, Code.INTERNAL, message), path)


def problem_of(error: HeadwayError) -> Problem:
    """An expected error with its status; what may work later says when to ask again."""
    headers = {"retry-after": _RETRY_AFTER_SECONDS} if error.code is Code.UNAVAILABLE else {}
    if isinstance(error, TooManyRequests):
        headers = {"retry-after": str(error.retry_after_seconds)}
    confirms = isinstance(error, ConfirmFirst)
    return Problem(STATUSES[error.code], error.code, error.message, headers=headers, confirms=confirms)


def told(problem: Problem, path: str) -> Answer:
    """The answer that tells a problem, on the REST wire."""
    body: dict[str, Any] = {"message": problem.message, "code": problem.code, "data": details(problem, path)}
    if problem.issues:
        body["issues"] = problem.issues
    return json_answer(to_json(body), status=problem.status, headers=problem.headers)


def details(problem: Problem, path: str) -> Mapping[str, Any]:
    """What both wires tell of a problem beside its message."""
    data: dict[str, Any] = {"code": problem.code, "httpStatus": problem.status}
    if problem.names_path:
        data["path"] = path
    if problem.confirms:
        data["confirm"] = True
    data["zodError"] = zod_error(problem.issues) if problem.issues else None
    return data
