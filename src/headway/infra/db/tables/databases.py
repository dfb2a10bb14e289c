"""The table of databases: what is set of each beside what runs of it, which is an application of the same id."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table, Text

from headway.infra.db.tables.base import metadata

databases = Table(
    "databases",
    metadata,
    Column(
        "database_id",
        String(21),
        ForeignKey("applications.application_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("settings", Text, nullable=False),  # sealed: it holds passwords
)
