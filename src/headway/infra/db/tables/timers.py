"""The tables of what is due: timers, and what became of each of their times."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, String, Table, text

from headway.infra.db.tables.base import Instant, Sequence, metadata

timers = Table(
    "timers",
    metadata,
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(21), nullable=False),
    Column("cron", String(256), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("overlap", String(16), nullable=False),
    Column("catch_up", String(16), nullable=False),
    Column("catch_up_limit", Integer, nullable=False),
    Column("jitter_seconds", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("backoff_seconds", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("looked_until", Instant, nullable=False),
    Column("next_at", Instant),
    Column("missed", Integer, nullable=False),
    PrimaryKeyConstraint("subject_type", "subject_id"),
)
Index("ix_timers_next", timers.c.next_at)

# Queries must use this very text: SQLite takes a partial index only where its condition is written the same way.
WAITING = text("fate = 'waiting'")

ticks = Table(
    "ticks",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(21), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("fate", String(16), nullable=False),
    Column("caught_up", Boolean, nullable=False),
    Column("deployment_id", String(21)),
    Column("decided_at", Instant, nullable=False),
)
Index("uq_ticks_once", ticks.c.subject_type, ticks.c.subject_id, ticks.c.due_at, ticks.c.attempt, unique=True)
Index("ix_ticks_waiting", ticks.c.start_at, sqlite_where=WAITING, postgresql_where=WAITING)
