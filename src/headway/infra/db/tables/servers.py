"""Servers: machines reached by SSH. Each has a row among the hosts too, under the same id."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table, Text, false

from headway.infra.db.tables.base import Instant, metadata

servers = Table(
    "servers",
    metadata,
    Column("server_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("app_name", String(63), nullable=False),
    Column("type", String(16), nullable=False),
    Column("address", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("username", Text, nullable=False),
    Column("ssh_key_id", String(21)),
    Column("jump_server_id", String(21), ForeignKey("servers.server_id")),
    Column("guarded", Boolean, nullable=False, server_default=false()),
    Column("host_key", Text),
    Column("facts", JSON),
    Column("looked_at", Instant),
    Column("away_since", Instant),
    Column("away_why", Text),
    Column("settings", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
)
