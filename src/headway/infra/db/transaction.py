"""One transaction: its connection, its one time, its locks, and what is to happen once it is committed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, DateTime, Executable, func, select

from headway.kernel.clock import Clock

T = TypeVar("T")

log = logging.getLogger(__name__)


class Tx:
    """What a store gets: it executes, never commits. All that one transaction writes carries the same time.
    ``repeats`` is set by who changes nothing and only gives again what an earlier transaction has done.
    """

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        self._clock = clock
        self._now: datetime | None = None
        self._after: list[Callable[[], None]] = []
        self.repeats = False

    @property
    def postgres(self) -> bool:
        """Whether several writers may be at work at once; on SQLite a write transaction is alone."""
        return self.connection.dialect.name == "postgresql"

    @property
    def now(self) -> datetime:
        """The time of this transaction, by the database's clock (for SQLite that is this machine's)."""
        if self._now is None:
            self._now = self._ask() if self.postgres else self._clock.now()
        return self._now

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:  # noqa: ANN401 - as SQLAlchemy
        """Executes one statement."""
        return self.connection.execute(statement, parameters)

    def scalar(self, statement: Executable, parameters: Any = None) -> Any:  # noqa: ANN401 - any column
        """The first column of the first row, None when there is none."""
        return self.connection.scalar(statement, parameters)

    def lock(self, name: str) -> None:
        """Keeps every other transaction that locks the same name waiting until this one ends.

        SQLite's write transactions are alone already (BEGIN IMMEDIATE), so there it does nothing.
        """
        if self.postgres:
            number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
            self.connection.execute(select(func.pg_advisory_xact_lock(number)))

    def after(self, effect: Callable[[], None]) -> None:
        """Calls ``effect`` on the event loop once this transaction is committed; never when it is rolled back."""
        self._after.append(effect)

    @property
    def has_effects(self) -> bool:
        """Whether anything waits for the commit."""
        return bool(self._after)

    def committed(self) -> None:
        """Carries out what waited for the commit; called by whoever committed. What fails keeps nothing else of it from
        happening.
        """
        for effect in self._after:
            try:
                effect()
            except Exception:
                log.exception("what was to follow a commit failed")

    def _ask(self) -> datetime:
        answer = self.connection.scalars(select(func.clock_timestamp(type_=DateTime(timezone=True)))).one()
        return answer.astimezone(UTC)


# What is written along with the transactions of whatever is going on, in each of them before it is committed; it gets
# what the transaction has made. Nobody who opens a transaction need know of it.
companion: ContextVar[Callable[[Tx, object], None] | None] = ContextVar("companion", default=None)


def accompanied(work: Callable[[Tx], T]) -> Callable[[Tx], T]:
    """``work`` with what is to be written along with it here, and ``work`` itself where nothing is."""
    along = companion.get()
    if along is None:
        return work

    def both(tx: Tx) -> T:
        result = work(tx)
        along(tx, result)
        return result

    return both
