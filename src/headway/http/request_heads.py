"""What a connection may say before it is answered: a head of bounded size, in bounded time, and not too much at once.

uvicorn's own protocol takes a head of any size from anybody and at any pace, without a key. Everything here is decided
by bytes and clocks alone, before the application is asked.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from headway.api import problems
from headway.http import errors
from headway.http.answers import SECURITY_HEADERS
from headway.http.head_lines import Answering
from headway.http.slow_reader import SlowReaderCut

MOST_HEAD_BYTES = 64 << 10
MOST_HEADERS = 100
MOST_WAITING = 32  # requests that a connection may send before it has heard the answer to the first
HEAD_SECONDS = 10.0
_READ_BYTES = 16 << 10  # fed to the parser at a time: how exactly the bounds are held
_SMALL_BYTES = 4 << 10  # smaller pieces of one line are put together first; the parser copies all it has at every one
_SECONDS_TO_HEAR = 2.0
_MOST_UNHEARD_BYTES = 1 << 20


class BoundedProtocol(HttpToolsProtocol):
    """An HTTP connection. Whoever is refused is told, where an answer is still possible, and given a moment to read
    it; ``head_seconds`` is how long a head may take, and how long somebody who has asked nothing is kept.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        head_seconds: float = HEAD_SECONDS,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_seconds = head_seconds
        self._waiting: asyncio.TimerHandle | None = None
        self._rests_since: float | None = None  # by the loop's clock: nothing is asked and all is answered
        self._has_begun = self._in_head = False
        self._is_counted_anew = False
        self._said_bytes = 0  # since the head began, or since the last of a body: nobody but the parser has these
        self._pieces: list[bytes] = []
        self._pieces_bytes = 0
        self._problem: problems.Problem | None = None
        self._unheard_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        self._cut = SlowReaderCut(self.loop, transport)
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        self._cut.stop()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        if self._problem is not None:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._problem is not None:
            self._unheard_bytes += len(data)
            if self._unheard_bytes > _MOST_UNHEARD_BYTES:
                self.transport.abort()
            return
        if self._in_head:
            data = self._put_together(data)
        if len(data) > _READ_BYTES:
            self._feed_in_parts(data)
        elif data:
            self._feed(data)
        if self._waiting is None:
            cycle: RequestResponseCycle | None = self.cycle
            if (self._in_head or cycle is None or cycle.response_complete) and not self._is_over:
                self._wait()

    def _put_together(self, data: bytes) -> bytes:
        """What came of a head and was held back, with this; nothing as long as it is held back, too."""
        if len(data) < _SMALL_BYTES and b"\n" not in data:
            self._pieces.append(data)
            self._pieces_bytes += len(data)
            if self._pieces_bytes < _SMALL_BYTES:
                return b""
            data = b""
        if self._pieces:
            data = b"".join((*self._pieces, data))
            self._pieces.clear()
            self._pieces_bytes = 0
        return data

    def _feed_in_parts(self, data: bytes) -> None:
        for start in range(0, len(data), _READ_BYTES):
            self._feed(data[start : start + _READ_BYTES])
            if self._is_over:
                return

    def _feed(self, data: bytes) -> None:
        self._is_counted_anew = False
        super().data_received(data)
        self._said_bytes = 0 if self._is_counted_anew else self._said_bytes + len(data)
        if self._said_bytes > MOST_HEAD_BYTES:
            self._refuse(errors.head_too_large(MOST_HEAD_BYTES))
        elif self._has_begun and len(self.headers) > MOST_HEADERS:  # with those that follow a body in parts
            self._refuse(errors.too_many_headers(MOST_HEADERS))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._has_begun = self._in_head = self._is_counted_anew = True

    def on_headers_complete(self) -> None:
        if self._waiting is not None:
            self._wait_no_more()
        self._in_head, self._is_counted_anew = False, True
        if self._said_bytes > MOST_HEAD_BYTES - 2 * _READ_BYTES:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size >= MOST_HEAD_BYTES:  # an address of just so many bytes the parser would not take apart
                raise self._refused(errors.head_too_large(MOST_HEAD_BYTES))
        if len(self.headers) > MOST_HEADERS:
            raise self._refused(errors.too_many_headers(MOST_HEADERS))
        if len(self.pipeline) >= MOST_WAITING:
            raise self._refused(errors.too_many_waiting(MOST_WAITING))
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        super()._start_asgi_task(cycle, Answering(app, cycle))  # type: ignore[arg-type]  # starlette's own types

    def on_response_complete(self) -> None:
        """As uvicorn's, but that a connection has one timer for its pauses and not one for each of them, which is a
        fortieth of what a short answer costs.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._rests_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._end_pause_in(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._rests_since = None

    def _end_pause_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._rests_since is None:
            return  # the next answer sets it
        left = self._rests_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._end_pause_in(left)
        else:
            self._close()

    def _close(self) -> None:
        """Closes once what waits is taken, which has its bound too."""
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self._cut.begin()

    def on_body(self, body: bytes) -> None:
        self._is_counted_anew = True
        super().on_body(body)

    def on_chunk_header(self) -> None:
        """A part of a body begins."""
        self._is_counted_anew = True

    def send_400_response(self, msg: str) -> None:
        """What cannot be parsed is refused; so is what this class raised a problem for, in the parser's callbacks."""
        self._wait_no_more()
        problem = self._problem
        if problem is None:
            super().send_400_response(msg)
        else:
            self._answer(problem)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cut.begin()

    def resume_writing(self) -> None:
        if not self.transport.is_closing():  # else the rest has to be taken, too
            self._cut.end()
        super().resume_writing()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self._head_seconds, self._too_slow)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _too_slow(self) -> None:
        self._waiting = None
        if self._is_over:
            return
        if not self._in_head:
            self._close()
        elif self._may_answer:
            self._refuse(errors.head_too_slow(self._head_seconds))
        # Else an answer is under way, and whoever gets it is closed by the pause that follows it.

    @property
    def _is_over(self) -> bool:
        """Whether nothing that comes is for this protocol any more."""
        refused = self._problem is not None
        return refused or self.transport.is_closing() or self.transport.get_protocol() is not self

    @property
    def _may_answer(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn says that there always is one
        return cycle is None or cycle.response_complete

    def _refused(self, problem: problems.Problem) -> problems.Problem:
        self._problem = problem
        return problem

    def _refuse(self, problem: problems.Problem) -> None:
        if self._problem is None and not self.transport.is_closing():
            self._answer(self._refused(problem))

    def _answer(self, problem: problems.Problem) -> None:
        """Tells the problem; what comes until the other side has heard it is thrown away."""
        self._wait_no_more()
        self._unset_keepalive_if_required()
        self._pieces.clear()
        if not self._may_answer:
            self.transport.abort()
            return
        answer = errors.told(problem, "")
        length = (b"content-length", str(len(answer.body)).encode())
        lines = [b"%s: %s\r\n" % each for each in (*answer.headers, length, *SECURITY_HEADERS)]
        head = b"".join((STATUS_LINE[answer.status], *lines, b"connection: close\r\n\r\n"))
        self.transport.write(head + answer.body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._waiting = self.loop.call_later(_SECONDS_TO_HEAR, self.transport.abort)
