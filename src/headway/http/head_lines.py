"""The head of an answer as it goes over the wire: nearly all of its lines are those of every other answer.

uvicorn looks through each name and each value for what may not stand there, which takes as long as all else that is
done for a kept answer once its key is known. Here a line that is known is taken as it is, a value that is not is looked
through as there, and whatever is out of the ordinary is left to uvicorn.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Iterable, Mapping
from types import MappingProxyType

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from headway.http.answers import SECURITY_HEADERS

Header = tuple[bytes, bytes]

_LENGTH = b"content-length"
_PLAIN = frozenset({_LENGTH, b"content-type", b"date", b"etag", b"vary", b"x-next-cursor", b"x-request-id"})
_SHARED: tuple[Header, ...] = (
    *SECURITY_HEADERS,
    (b"cache-control", b"private, no-cache"),
    (b"content-type", b"application/json"),
    (b"vary", b"accept-encoding"),
)
_LINES: Mapping[Header, bytes] = MappingProxyType({each: b"%s: %s\r\n" % each for each in _SHARED})
_UNFIT = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Answering:
    """An application for one request, whose answer's head is written here where it is an ordinary one."""

    __slots__ = ("_app", "_cycle", "_head", "_left")

    def __init__(self, app: ASGIApp, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._head = b""  # of an answer to GET, held back for its body: in one piece they wake the other side once
        self._left = 0  # bytes of that body

    def __call__(self, scope: Scope, receive: Receive, _send: Send) -> Awaitable[None]:
        return self._app(scope, receive, self._send)

    async def _send(self, message: Message) -> None:
        cycle = self._cycle
        if self._head:
            head, self._head = self._head, b""
            body = message.get("body", b"")
            is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if is_last and len(body) == self._left and _is_ready(cycle):
                cycle.transport.writelines((head, body))
                cycle.response_complete = True
                cycle.message_event.set()
                cycle.on_response()
                return
            if not cycle.disconnected:
                cycle.transport.write(head)
        elif message["type"] == "http.response.start" and not cycle.response_started and _is_ready(cycle):
            found = ordinary_head(message["status"], (*cycle.default_headers, *message["headers"]))
            if found is not None:
                head, length = found
                cycle.response_started, cycle.waiting_for_100_continue = True, False
                cycle.chunked_encoding, cycle.expected_content_length = False, length
                if cycle.scope["method"] == "GET":
                    self._head, self._left = head, length
                else:
                    cycle.transport.write(head)
                return
        await cycle.send(message)  # type: ignore[arg-type]  # the same messages by another name


def ordinary_head(status: int, headers: Iterable[Header]) -> tuple[bytes, int] | None:
    """A head and the length of the body that it tells; None where anything in it has to be looked at more closely."""
    lines, length = [STATUS_LINE[status]], None
    for header in headers:
        line = _LINES.get(header)
        if line is None:
            name, value = header
            if name not in _PLAIN or _UNFIT.search(value):
                return None
            if name == _LENGTH:
                length = int(value)
            line = b"%s: %s\r\n" % header
        lines.append(line)
    lines.append(b"\r\n")
    return None if length is None else (b"".join(lines), length)


def _is_ready(cycle: RequestResponseCycle) -> bool:
    """Whether it may be written at once, on a connection that stays."""
    return cycle.keep_alive and not cycle.disconnected and not cycle.flow.write_paused
