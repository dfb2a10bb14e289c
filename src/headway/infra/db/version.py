"""Whether anything was committed since: a mark that is the same twice only if nobody committed in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Hashable
from typing import Protocol, TypeVar

from sqlalchemy import make_url

T = TypeVar("T")


class Version(Protocol):
    """Tells the state of a database without reading it."""

    async def now(self) -> Hashable | None:
        """A mark of what is committed. Two equal marks: whatever is read after the first was still true at the second,
        whoever writes, from whichever process. None where it cannot be told now.
        """
        ...

    def close(self) -> None:
        """Gives its connection back."""
        ...


class Unchanged:
    """Spares whoever looks again and again a reading, as long as nothing was committed since one that found nothing;
    only where time alone brings nothing.
    """

    def __init__(self, version: Version) -> None:
        self._version = version
        self._nothing_in: Hashable | None = None

    async def unless(self, read: Callable[[], Awaitable[T]]) -> T | None:
        """What is read; None where that would find nothing again."""
        state = await self._version.now()  # before the reading, which may then be newer and never older
        if state is not None and state == self._nothing_in:
            return None
        found = await read()
        self._nothing_in = None if found else state
        return found


class SqliteVersion:
    """SQLite counts, for each connection, the commits of all others. Asking costs microseconds and no wait, for a
    reader never waits in WAL mode: so it is done on the event loop.
    """

    def __init__(self, url: str) -> None:
        self._path = make_url(url).database or ":memory:"
        self._cursor: sqlite3.Cursor | None = None

    async def now(self) -> Hashable | None:
        try:
            return self._ask().execute("PRAGMA data_version").fetchone()  # type: ignore[no-any-return]
        except sqlite3.Error:
            return None

    def close(self) -> None:
        if self._cursor is not None:
            self._cursor.connection.close()
            self._cursor = None

    def _ask(self) -> sqlite3.Cursor:
        if self._cursor is None:
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            self._cursor = connection.cursor()
        return self._cursor
