"""The tables of what is kept elsewhere: destinations, what goes there, and what lies there."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from headway.infra.db.tables.base import Instant, metadata

destinations = Table(
    "destinations",
    metadata,
    Column("destination_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("reach", Text, nullable=False),  # sealed: it holds credentials
    Column("created_at", Instant, nullable=False),
    Column("account", Integer),  # the number of the account that reaches it
)

backups = Table(
    "backups",
    metadata,
    Column("backup_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("project_id", String(21), ForeignKey("projects.project_id"), index=True),
    Column("environment_id", String(21), ForeignKey("environments.environment_id")),
    Column("destination_id", String(21), ForeignKey("destinations.destination_id"), nullable=False, index=True),
    Column("form", String(16), nullable=False),
    Column("engine", String(16)),
    Column("service_id", String(21), index=True),
    Column("app_name", String(63), nullable=False),
    Column("settings", Text, nullable=False),  # sealed: it holds passwords
    Column("created_at", Instant, nullable=False),
)

kept_files = Table(
    "kept_files",
    metadata,
    Column("kept_file_id", String(21), primary_key=True),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(21), nullable=False),
    Column("destination_id", String(21), nullable=False, index=True),
    Column("deployment_id", String(21), nullable=False),
    Column("path", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("contents", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("sealed", Boolean, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("proven_at", Instant),
)
Index("ix_kept_files_subject", kept_files.c.subject_type, kept_files.c.subject_id, kept_files.c.made_at)
Index("uq_kept_files_path", kept_files.c.destination_id, kept_files.c.path, unique=True)

volume_backups = Table(
    "volume_backups",
    metadata,
    Column("volume_backup_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("project_id", String(21), ForeignKey("projects.project_id"), nullable=False, index=True),
    Column("destination_id", String(21), ForeignKey("destinations.destination_id"), nullable=False, index=True),
    Column("service_type", String(16), nullable=False),
    Column("service_id", String(21), nullable=False, index=True),
    Column("app_name", String(63), nullable=False),
    Column("settings", Text, nullable=False),  # sealed: it holds a password
    Column("created_at", Instant, nullable=False),
)
