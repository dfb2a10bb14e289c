"""The table of schedules; when each is due is in ``timers``."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Table, Text

from headway.infra.db.tables.base import Instant, metadata

schedules = Table(
    "schedules",
    metadata,
    Column("schedule_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False),
    Column("host_id", String(21), ForeignKey("hosts.host_id"), nullable=False),
    Column("target", String(16), nullable=False),
    Column("target_id", String(21)),
    Column("service_name", Text),
    Column("name", Text, nullable=False),
    Column("app_name", String(63), nullable=False),
    Column("description", Text),
    Column("shell", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("timeout_seconds", Float),
    Column("keep_deployments", Integer),
    Column("keep_days", Float),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
)
Index("ix_schedules_target", schedules.c.target, schedules.c.target_id)
Index("ix_schedules_organization", schedules.c.organization_id, schedules.c.target)
