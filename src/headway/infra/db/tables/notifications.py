"""The tables of notifications: the channels on which people and programs are told, and what is told on each."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text, text

from headway.infra.db.tables.base import Instant, Sequence, metadata

channels = Table(
    "channels",
    metadata,
    Column("channel_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("medium", String(32), nullable=False),
    Column("target", Text, nullable=False),
    Column("events", JSON, nullable=False),
    Column("projects", JSON, nullable=False),
    Column("services", JSON, nullable=False),
    Column("quiet_seconds", Integer, nullable=False),
    Column("failing_since", Instant),
    Column("last_error", Text),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
)

WAITING = text("state = 'waiting'")

notices = Table(
    "notices",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("notice_id", String(21), nullable=False, unique=True),
    Column("channel_id", String(21), ForeignKey("channels.channel_id", ondelete="CASCADE"), nullable=False),
    Column("event", String(64), nullable=False),
    Column("about", String(64), nullable=False),
    Column("sameness", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("last_error", Text),
    Column("sent_at", Instant),
    Column("created_at", Instant, nullable=False, index=True),
    sqlite_autoincrement=True,
)
Index("ix_notices_channel", notices.c.channel_id, notices.c.seq)
Index(
    "ix_notices_waiting",
    notices.c.channel_id,
    notices.c.about,
    notices.c.seq,
    sqlite_where=WAITING,
    postgresql_where=WAITING,
)
