"""The tables of webhooks: the addresses at which services are told of pushes, and the deliveries that came."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from headway.infra.db.tables.base import Instant, Sequence, metadata

hook_addresses = Table(
    "hook_addresses",
    metadata,
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(21), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("token", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("subject_type", "subject_id"),
)

hook_deliveries = Table(
    "hook_deliveries",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("delivery_id", String(21), nullable=False, unique=True),
    Column("organization_id", String(21), nullable=False),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(21), nullable=False),
    Column("sender", String(16), nullable=False),
    Column("event", String(64), nullable=False),
    Column("sent_id", String(128)),
    Column("once_key", String(64)),  # null: nothing tells it from others, or it was refused
    Column("signature", String(16), nullable=False),
    Column("sent_by", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("services", JSON, nullable=False),
    Column("track", Text),
    Column("head", String(64)),
    Column("bytes", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("replay_of", String(21)),
    Column("created_at", Instant, nullable=False, index=True),
    sqlite_autoincrement=True,
)
Index("ix_hook_deliveries_subject", hook_deliveries.c.subject_type, hook_deliveries.c.subject_id, hook_deliveries.c.seq)
Index(
    "uq_hook_deliveries_once",
    hook_deliveries.c.subject_type,
    hook_deliveries.c.subject_id,
    hook_deliveries.c.once_key,
    unique=True,
)

# Apart from the rows that lists read: they may be large, and go first.
hook_payloads = Table(
    "hook_payloads",
    metadata,
    Column("delivery_id", String(21), primary_key=True),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(21), nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("bytes", Integer, nullable=False),
)
Index("ix_hook_payloads_subject", hook_payloads.c.subject_type, hook_payloads.c.subject_id)
