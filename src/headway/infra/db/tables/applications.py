"""The tables of what is deployed: projects, environments, applications, their releases, ports and accounts."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, false, text

from headway.infra.db.tables.base import Instant, Sequence, metadata
from headway.infra.db.tables.rollback_marks import returning_columns

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

ssh_keys = Table(
    "ssh_keys",
    metadata,
    Column("ssh_key_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("public_key", Text, nullable=False),
    Column("private_key", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

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

applications = Table(
    "applications",
    metadata,
    Column("application_id", String(21), primary_key=True),
    Column("organization_id", String(21), nullable=False, index=True),
    Column("project_id", String(21), ForeignKey("projects.project_id"), nullable=False, index=True),
    Column("environment_id", String(21), ForeignKey("environments.environment_id"), nullable=False, index=True),
    Column("host_id", String(21), ForeignKey("hosts.host_id"), nullable=False),
    Column("build_host_id", String(21), index=True),  # null: it is built where it is
    Column("name", Text, nullable=False),
    Column("app_name", String(63), nullable=False, unique=True),
    Column("host_name", String(63), unique=True),  # where it is reached below the base domain; null: by its app_name
    Column("description", Text),
    Column("status", String(16), nullable=False),
    Column("wanted", String(16), nullable=False),
    Column("serving_release_id", String(21)),
    Column("settings", JSON, nullable=False),
    Column("env", Text, nullable=False),
    Column("build_uid", Integer),
    Column("run_uid", Integer),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Column("preview_of", String(21), index=True),  # of a preview: the application that it is one of
    Column("database", String(16)),  # of a database: its kind
)

releases = Table(
    "releases",
    metadata,
    Column("release_id", String(21), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("application_id", String(21), ForeignKey("applications.application_id"), nullable=False),
    Column("host_id", String(21), nullable=False, server_default="local"),
    Column("deployment_id", String(21), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("folder", Text, nullable=False),
    Column("runtime", String(16), nullable=False, server_default="native"),
    Column("port", Integer),
    Column("more_ports", JSON),
    Column("bytes", BigInteger),
    Column("spec", Text, nullable=False),
    Column("commit_hash", String(64)),
    Column("retire_at", Instant),
    Column("created_at", Instant, nullable=False),
    *returning_columns(),
    Column("health", JSON(none_as_null=True)),  # what its health check saw, once it serves
)
Index("ix_releases_application", releases.c.application_id, releases.c.seq)
Index(
    "uq_releases_one_serving",
    releases.c.application_id,
    unique=True,
    sqlite_where=text("state = 'serving'"),
    postgresql_where=text("state = 'serving'"),
)
Index(
    "ix_releases_retiring",
    releases.c.retire_at,
    sqlite_where=text("state = 'retiring'"),
    postgresql_where=text("state = 'retiring'"),
)

ports = Table(
    "ports",
    metadata,
    Column("host_id", String(21), ForeignKey("hosts.host_id"), nullable=False),
    Column("port", Integer, nullable=False),
    Column("release_id", String(21), nullable=False, index=True),
    Column("application_id", String(21), nullable=False),
)
Index("uq_ports_host_port", ports.c.host_id, ports.c.port, unique=True)

accounts = Table(
    "accounts",
    metadata,
    Column("number", Sequence, primary_key=True, autoincrement=True),
    Column("owner", String(64), nullable=False, index=True),
    sqlite_autoincrement=True,  # a number is never given twice, also after its row has gone
)
