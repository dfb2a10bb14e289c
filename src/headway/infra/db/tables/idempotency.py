"""The table of calls that start their work once: what each key of a caller has started."""

from __future__ import annotations

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, String, Table

from headway.infra.db.tables.base import Instant, metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("organization_id", String(21), nullable=False),
    Column("user_id", String(21), nullable=False),
    Column("key", String(255), nullable=False),
    Column("position", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("deployment_id", String(21), nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("organization_id", "user_id", "key", "position"),
)
