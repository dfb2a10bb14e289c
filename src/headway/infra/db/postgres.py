"""PostgreSQL through psycopg 3: a pool as large as its threads, and bounds on every wait."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url

CONNECTIONS = 10
_SESSION = (
    "-c timezone=UTC"
    " -c lock_timeout=3s"
    # What was acknowledged survives a power cut, also where the server's own default is to forget it.
    " -c synchronous_commit=on"
    # A panel that is paused inside a transaction must not hold its locks against the others for ever.
    " -c idle_in_transaction_session_timeout=15s"
)


def engines(url: str) -> tuple[Engine, Engine]:
    """The engine that writes and the one that only reads; they share their connections."""
    target, arguments = connection_settings(url)
    engine = create_engine(
        target,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_pre_ping=True,  # so that a restarted server is noticed before the work, not by it
        pool_timeout=5,
        connect_args=arguments,
    )
    return engine, engine.execution_options(postgresql_readonly=True)


def connection_settings(url: str, more: str = "") -> tuple[URL, dict[str, Any]]:
    """Where to connect, and how: bounds on every wait, the session's options and ``more`` of them."""
    target = make_url(url)
    if target.drivername in {"postgres", "postgresql"}:
        target = target.set(drivername="postgresql+psycopg")
    wanted = target.query.get("options", "")
    given = wanted if isinstance(wanted, str) else " ".join(wanted)
    return target, {
        "options": " ".join(each for each in (_SESSION, more, given) if each),
        "connect_timeout": 3,
        # A server that vanished without a word: noticed within about ten seconds.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }


def is_away(error: BaseException | None, *, writing: bool) -> bool:
    """Whether a driver's error says that the database cannot be used now, rather than that a statement is wrong."""
    import psycopg  # noqa: PLC0415 - who keeps to SQLite never loads it

    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return writing
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def is_full(error: BaseException | None) -> bool:
    """Whether a driver's error says that there is no room on the server's disk."""
    import psycopg  # noqa: PLC0415 - as above

    return isinstance(error, psycopg.errors.DiskFull)


def is_in_the_way(error: BaseException | None) -> bool:
    """Whether a transaction was rolled back only because of another's, so that it may be performed again."""
    import psycopg  # noqa: PLC0415 - as above

    return isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)
