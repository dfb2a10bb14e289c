"""The tables of projects and their environments."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, String, Table, Text

from headway.infra.db.tables.base import Instant, metadata

projects = Table(
    "projects",
    metadata,
    Column("project_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("env", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

environments = Table(
    "environments",
    metadata,
    Column("environment_id", String(21), primary_key=True),
    Column("project_id", String(21), ForeignKey("projects.project_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("env", Text, nullable=False),
    Column("is_default", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)
