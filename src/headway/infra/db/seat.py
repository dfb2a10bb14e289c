"""The one seat at a database: a second panel that would work with the same PostgreSQL is refused."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from sqlalchemy import Connection, Engine, NullPool, create_engine, exc, text

from headway.infra.db.engine import SqlDatabase, translated
from headway.infra.db.postgres import connection_settings
from headway.kernel.errors import Conflict

log = logging.getLogger(__name__)

_LOCK = 0x48656164776179  # "Headway"
_REST = 5.0
_PATIENCE_SECONDS = 5.0  # the server has to notice that a predecessor is gone
# https://www.postgresql.org/docs/current/runtime-config-connection.html: by the server, so that the lock of a machine
# that vanished without a word is free again within about ten seconds.
_KEEPALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"


class SeatTaken(Conflict):
    """Another panel works with this database."""

    def __init__(self) -> None:
        super().__init__(
            "Another panel works with the database of HEADWAY_DATABASE_URL. Two panels on one database would take each "
            "other's work: stop the other one, or give this one a database of its own."
        )


class Seat:
    """Holds a lock of the session in PostgreSQL as long as its connection lives. A SQLite database lies in the data
    directory, whose own lock is enough.
    """

    def __init__(self, database: SqlDatabase) -> None:
        self._engine: Engine | None = None
        if not database.is_sqlite:
            url, arguments = connection_settings(database.url, _KEEPALIVE)
            self._engine = create_engine(url, poolclass=NullPool, connect_args=arguments)
        self._connection: Connection | None = None

    @property
    def is_held(self) -> bool:
        """Whether there is a lock to look after."""
        return self._connection is not None

    def take(self) -> None:
        """Takes the seat; waits some seconds for a predecessor to leave it. Raises SeatTaken, DatabaseAway."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._taken():
            if time.monotonic() >= deadline:
                raise SeatTaken
            time.sleep(0.1)

    def hold(self) -> float:
        """Looks whether the seat is still ours, and takes it again after the connection was lost; seconds to rest.

        Raises SeatTaken where somebody else was quicker, DatabaseAway.
        """
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
            except exc.DBAPIError:
                log.warning("the connection that keeps other panels from the database was lost")
                self.leave()
        if not self._taken():
            raise SeatTaken
        return _REST

    def leave(self) -> None:
        """Gives the seat up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(exc.DBAPIError):
                connection.close()

    def _taken(self) -> bool:
        if self._engine is None or self._connection is not None:
            return True
        with translated(self._engine):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
                self._connection = connection
                return True
        connection.close()
        return False
