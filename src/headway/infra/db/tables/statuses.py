"""The table of commit statuses: what forges were told of deployments."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text

from headway.infra.db.tables.base import Instant, metadata

commit_statuses = Table(
    "commit_statuses",
    metadata,
    Column("deployment_id", String(21), primary_key=True),  # whose row may be gone
    Column("told", String(16)),  # the status that the forge knows of
    Column("attempts", Integer, nullable=False),  # that failed since then
    Column("tell_at", Instant, nullable=False),  # not before
    Column("error", Text),
)
