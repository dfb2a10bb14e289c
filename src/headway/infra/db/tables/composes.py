"""The tables of compose services and of the releases that their deployments left."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from headway.infra.db.tables.base import Instant, metadata
from headway.infra.db.tables.rollback_marks import returning_columns

composes = Table(
    "composes",
    metadata,
    Column("compose_id", String(21), primary_key=True),
    Column("organization_id", String(21), nullable=False, index=True),
    Column("project_id", String(21), ForeignKey("projects.project_id"), nullable=False, index=True),
    Column("environment_id", String(21), ForeignKey("environments.environment_id"), nullable=False, index=True),
    Column("host_id", String(21), ForeignKey("hosts.host_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("app_name", String(63), nullable=False, unique=True),
    Column("description", Text),
    Column("status", String(16), nullable=False),
    Column("wanted", String(16), nullable=False),
    Column("serving_release_id", String(21)),
    Column("settings", JSON, nullable=False),
    Column("env", Text, nullable=False),
    Column("build_uid", Integer),
    Column("delete_volumes", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Column("preview_of", String(21), index=True),  # of a preview: the compose service that it is one of
)

compose_releases = Table(
    "compose_releases",
    metadata,
    Column("release_id", String(21), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("compose_id", String(21), ForeignKey("composes.compose_id"), nullable=False),
    Column("deployment_id", String(21), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("folder", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("commit_hash", String(64)),
    Column("created_at", Instant, nullable=False),
    Column("serving_since", Instant),
    *returning_columns(),
)
Index("ix_compose_releases_compose", compose_releases.c.compose_id, compose_releases.c.seq)
Index(
    "uq_compose_releases_one_serving",
    compose_releases.c.compose_id,
    unique=True,
    sqlite_where=text("state = 'serving'"),
    postgresql_where=text("state = 'serving'"),
)
