"""The tables of what is kept elsewhere: destinations, and later what lies there."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table, Text

from headway.infra.db.tables.base import Instant, metadata

destinations = Table(
    "destinations",
    metadata,
    Column("destination_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("reach", Text, nullable=False),  # sealed: it holds credentials
    Column("created_at", Instant, nullable=False),
)
