"""The table of registries that images are pulled from and pushed to."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, String, Table, Text, false

from headway.infra.db.tables.base import Instant, metadata

registries = Table(
    "registries",
    metadata,
    Column("registry_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("image_prefix", Text),
    Column("username", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("guarded", Boolean, nullable=False, server_default=false()),  # its address leads to the internet only
)
