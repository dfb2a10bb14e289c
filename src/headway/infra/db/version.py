"""Whether anything was committed since: a mark that is the same twice only if nobody committed in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable
from typing import Protocol

from sqlalchemy import make_url


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


class SqliteVersion:
    """SQLite counts, for each connection, the commits of all others. Asking costs microseconds and no wait, for a
    reader never waits in WAL mode: so it is done on the event loop.
    """

    def __init__(self, url: str) -> None:
        self._path = make_url(url).database or ":memory:"
        self._cursor: sqlite3.Cursor | None = None

    async def now(self) -> Hashable | None:
        """See ``Version.now``."""
        try:
            return self._ask().execute("PRAGMA data_version").fetchone()  # type: ignore[no-any-return]
        except sqlite3.Error:
            return None

    def close(self) -> None:
        """See ``Version.close``."""
        if self._cursor is not None:
            self._cursor.connection.close()
            self._cursor = None

    def _ask(self) -> sqlite3.Cursor:
        if self._cursor is None:
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            self._cursor = connection.cursor()
        return self._cursor
