"""The table of ssh keys."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table, Text

from headway.infra.db.tables.base import Instant, metadata

ssh_keys = Table(
    "ssh_keys",
    metadata,
    Column("ssh_key_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("public_key", Text, nullable=False),
    Column("private_key", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)
