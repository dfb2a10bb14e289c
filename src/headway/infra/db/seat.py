"""The one seat at a database: a second panel that would work with the same PostgreSQL is refused."""

from __future__ import annotations

import logging
import select
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
# A server that hears nothing gives the lock to another after eleven seconds (see below), so for so long it does not.
_SURE_SECONDS = 10.0
# https://www.postgresql.org/docs/current/runtime-config-connection.html: by the server, so that the lock of a machine
# that vanished without a word is free again within about ten seconds.
# A timeout of what was sent, which a server may be set to, would be in the place of the count.
_KEEPALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=0"

_NONE_IS_OPEN = (
    "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL)"
)


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
        self._sure_until = 0.0
        self._heard = select.poll()
        self.database = database
        self._commits = database.commits
        database.commits.alone = self.is_sure

    @property
    def is_held(self) -> bool:
        """Whether there is a lock to look after."""
        return self._connection is not None

    def is_sure(self) -> bool:
        """Whether the lock is ours at this moment, without asking: its session answered a while ago, and the server has
        not said since that it ends it.
        """
        return self._sure_until > _now() and not self._heard.poll(0)

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
            asked_at, begun = _now(), self._commits.begun
            try:
                if self._connection.scalar(text(_NONE_IS_OPEN if self._commits.in_doubt else "SELECT false")):
                    self._commits.none_is_open(begun)
                self._sure_until = asked_at + _SURE_SECONDS
            except exc.DBAPIError:
                log.warning("the connection that keeps other panels from the database was lost")
                self.leave()
        if not self._taken():
            raise SeatTaken
        return _REST

    def leave(self) -> None:
        """Gives the seat up."""
        connection, self._connection, self._sure_until = self._connection, None, 0.0
        if connection is not None:
            with suppress(exc.DBAPIError):
                connection.close()

    def _taken(self) -> bool:
        if self._engine is None or self._connection is not None:
            return True
        with translated(self._engine):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            asked_at = _now()
            if connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
                self._connection, self._heard = connection, _listening(connection)
                self._commits.begun_anew()
                self._sure_until = asked_at + _SURE_SECONDS
                return True
        connection.close()
        return False


def _now() -> float:
    """By a clock that goes on while the machine is suspended, as the server's does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _listening(connection: Connection) -> select.poll:
    """Hears what the server says unasked, which is nothing but that it ends the session."""
    heard = select.poll()
    heard.register(connection.connection.fileno(), select.POLLIN)
    return heard
