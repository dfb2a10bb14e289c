"""What is committed in a PostgreSQL, asked on the event loop: a connection of its own, one question at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from headway.infra.db.commits import Commits
from headway.kernel.dataclass import dataclass

if TYPE_CHECKING:
    import psycopg

ANSWER_SECONDS = 3.0
# For so long an answer holds where this panel alone commits: what somebody changes by hand is seen by then.
KEPT_SECONDS = 1.0
# A snapshot is named by the transactions that it does not see; the name changes with each that ends.
_QUESTION = b"SELECT CAST(pg_current_snapshot() AS text)"


class PostgresVersion:
    """Asks the server, without a thread and without what a driver does for a statement: both cost more than the answer.

    Who asks while a question is under way waits for the next one, for the answer to this one may be older than what
    they know of; all who wait share it. Where the panel alone may commit, an answer holds until it does, and for a
    second at most.
    """

    def __init__(self, engine: Engine, threads: Executor, commits: Commits) -> None:
        self._engine = engine
        self._threads = threads
        self._commits = commits
        self._line: _Line | None = None
        self._opening: asyncio.Future[psycopg.Connection] | None = None
        self._closed = False

    async def now(self) -> Hashable | None:
        loop = asyncio.get_running_loop()
        if self._line is not None and self._line.of(loop):
            kept = self._line.kept()
            return await self._line.ask() if kept is None else kept
        with suppress(_error()):  # who reads now is told why it cannot
            await self._open(loop)
        return None if self._line is None else await self._line.ask()

    def close(self) -> None:
        self._closed = True
        if self._line is not None:
            self._line.hang_up()

    async def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._opening is None or self._opening.get_loop() is not loop:
            self._opening = loop.run_in_executor(self._threads, self._connect)
            self._opening.add_done_callback(self._opened)
        # Whoever waits may be cancelled; the connection is for all.
        await asyncio.shield(self._opening)

    def _opened(self, opening: asyncio.Future[psycopg.Connection]) -> None:
        self._opening = None
        with suppress(_error()):
            connection = opening.result()
            if self._line is not None:  # of a loop that is closed
                self._line.hang_up()
            self._line = _Line(opening.get_loop(), connection, self._commits, self._lost)
            if self._closed:
                self._line.hang_up()

    def _connect(self) -> psycopg.Connection:
        import psycopg  # noqa: PLC0415 - who keeps to SQLite never loads it

        arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
        connection = psycopg.connect(*arguments, **options, autocommit=True)
        connection.pgconn.nonblocking = 1
        return connection

    def _lost(self) -> None:
        self._line = None


@dataclass(slots=True)
class _Waiting:
    """Those who wait for one answer."""

    callers: list[asyncio.Future[bytes | None]]

    def tell(self, answer: bytes | None) -> None:
        for caller in self.callers:
            if not caller.done():  # a cancelled one is
                caller.set_result(answer)


class _Line:
    """A connection on an event loop, until it fails; then whoever waits is answered None."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: psycopg.Connection,
        commits: Commits,
        lost: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._connection = connection
        self._raw = connection.pgconn
        self._commits = commits
        self._lost = lost
        self._settled: int | None = None
        self._kept: bytes | None = None
        self._sent_at = 0.0
        self._kept_at = (0, 0.0)  # how many commits had begun, and until when it holds
        self._asked: _Waiting | None = None
        self._next = _Waiting([])
        self._answer: bytes | None = None
        self._bound: asyncio.TimerHandle | None = None
        # The library closes its own when the connection fails, and the number may be another's at once.
        self._descriptor: int | None = os.dup(self._raw.socket)
        loop.add_reader(self._descriptor, self._receive)

    def of(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether it belongs to this loop."""
        return self._loop is loop

    def kept(self) -> bytes | None:
        """The last answer, where another question would get the same."""
        begun, until = self._kept_at
        if begun != self._commits.begun or self._loop.time() >= until or not self._commits.alone():
            return None
        return self._kept

    async def ask(self) -> bytes | None:
        """The answer to a question that was sent after this call began."""
        caller: asyncio.Future[bytes | None] = self._loop.create_future()
        self._next.callers.append(caller)
        if self._asked is None:
            self._send()
        return await caller

    def hang_up(self) -> None:
        """Closes the connection; on its loop, or when that is closed."""
        if self._descriptor is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
        self._connection.close()

    def _send(self) -> None:
        self._asked, self._next, self._answer = self._next, _Waiting([]), None
        self._settled = self._commits.settled()
        self._sent_at = self._loop.time()
        self._bound = self._loop.call_later(ANSWER_SECONDS, self._fail)
        try:
            self._raw.send_query(_QUESTION)
            if self._raw.flush():  # so few bytes always fit, unless the other side takes none
                self._fail()
        except _error():
            self._fail()

    def _receive(self) -> None:
        try:
            self._raw.consume_input()
            while not self._raw.is_busy():
                result = self._raw.get_result()
                if result is None:
                    self._answered()
                    return
                self._answer = result.get_value(0, 0)
        except _error():
            self._fail()

    def _answered(self) -> None:
        if self._asked is None or self._answer is None:  # said unasked, or refused: the server is going down
            self._fail()
            return
        if self._settled is not None:
            self._kept, self._kept_at = self._answer, (self._settled, self._sent_at + KEPT_SECONDS)
        self._tell(self._asked)
        if self._next.callers:
            self._send()

    def _tell(self, waiting: _Waiting) -> None:
        if self._bound is not None:
            self._bound.cancel()
        self._asked = self._bound = None
        waiting.tell(self._answer)

    def _fail(self) -> None:
        self._lost()
        self.hang_up()
        self._answer = None
        for waiting in (self._asked, self._next):
            if waiting is not None:
                self._tell(waiting)


def _error() -> type[Exception]:
    import psycopg  # noqa: PLC0415 - as above

    return psycopg.Error
