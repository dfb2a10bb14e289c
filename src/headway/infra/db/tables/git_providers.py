"""The table of git providers: the forges from which services are fetched, with what opens them."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table, Text, false, true

from headway.infra.db.tables.base import Instant, metadata

git_providers = Table(
    "git_providers",
    metadata,
    Column("provider_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("forge", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("api_url", Text),  # null: it follows from the address
    Column("facts", JSON, nullable=False),
    Column("has", JSON, nullable=False),  # which secrets there are
    Column("secrets", Text, nullable=False),
    Column("created_by", String(21), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("shared", Boolean, nullable=False, server_default=true()),  # with the whole organisation
    Column("guarded", Boolean, nullable=False, server_default=false()),  # its address leads to the internet only
)
