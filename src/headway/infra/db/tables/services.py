"""The tables of what is deployed, services of every kind: what they are, their releases, ports and accounts."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from headway.infra.db.tables.base import Instant, Sequence, metadata

COMPOSE = "compose"  # the runtime of every release of a compose service, and of no other

services = Table(
    "services",
    metadata,
    Column("service_id", String(21), primary_key=True),
    Column("kind", String(16), nullable=False),  # application, compose or database
    Column("organization_id", String(21), nullable=False),
    Column("project_id", String(21), ForeignKey("projects.project_id"), nullable=False),
    Column("environment_id", String(21), ForeignKey("environments.environment_id"), nullable=False),
    Column("host_id", String(21), ForeignKey("hosts.host_id"), nullable=False),
    Column("build_host_id", String(21), index=True),  # null: it is built where it is
    Column("name", Text, nullable=False),
    Column("app_name", String(63), nullable=False, unique=True),
    # Where an application or a database is reached below the base domain; null: by its app_name.
    Column("host_name", String(63), unique=True),
    Column("description", Text),
    Column("status", String(16), nullable=False),
    Column("wanted", String(16), nullable=False),
    Column("serving_release_id", String(21)),
    Column("settings", JSON, nullable=False),
    Column("env", Text, nullable=False),
    Column("build_uid", Integer),
    Column("run_uid", Integer),
    Column("delete_volumes", Boolean, nullable=False),  # of a compose service, once its deletion has begun
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Column("preview_of", String(21)),  # of a preview: the service that it is one of
    Column("database", String(16)),  # of a database: its kind of server
)
Index("ix_services_organization", services.c.organization_id, services.c.kind)
Index("ix_services_project", services.c.project_id, services.c.kind)
Index("ix_services_environment", services.c.environment_id, services.c.kind)
Index("ix_services_kind", services.c.kind, services.c.host_id)
# Of previews only: nearly every service is none, and an index of all that are none would be taken for a good one.
Index(
    "ix_services_preview_of",
    services.c.preview_of,
    sqlite_where=text("preview_of IS NOT NULL"),
    postgresql_where=text("preview_of IS NOT NULL"),
)

# ``origin`` is the release whose artifact this one has (null: its own), ``domains`` what led to it when it last served,
# ``missing`` what keeps anybody from going back to it, as it was last seen.
releases = Table(
    "releases",
    metadata,
    Column("release_id", String(21), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("service_id", String(21), ForeignKey("services.service_id"), nullable=False),
    Column("host_id", String(21), nullable=False),
    Column("deployment_id", String(21), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("folder", Text, nullable=False),
    Column("runtime", String(16), nullable=False),  # native, container, swarm or COMPOSE
    Column("port", Integer),
    Column("more_ports", JSON),
    Column("bytes", BigInteger),
    Column("record", Text, nullable=False),  # sealed: what it was made of
    Column("commit_hash", String(64)),
    Column("retire_at", Instant),
    Column("serving_since", Instant),  # null also of what came to serve before that was written down
    Column("created_at", Instant, nullable=False),
    Column("origin", String(21)),
    Column("image", Text),
    Column("domains", JSON(none_as_null=True)),
    Column("missing", Text),
    Column("rolled_back_at", Instant),
    Column("rolled_back_by", String(21)),
    Column("health", JSON(none_as_null=True)),  # what its health check saw, once it serves
)
Index("ix_releases_service", releases.c.service_id, releases.c.seq)
Index(
    "uq_releases_one_serving",
    releases.c.service_id,
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

# Since when a release that serves does not run although it is to. Beside the releases: those of an earlier schema are
# looked at before a database is migrated.
downtimes = Table(
    "downtimes",
    metadata,
    Column("release_id", String(21), ForeignKey("releases.release_id", ondelete="CASCADE"), primary_key=True),
    Column("since", Instant, nullable=False),
)

ports = Table(
    "ports",
    metadata,
    Column("host_id", String(21), ForeignKey("hosts.host_id"), nullable=False),
    Column("port", Integer, nullable=False),
    Column("release_id", String(21), nullable=False, index=True),
    Column("service_id", String(21), nullable=False),
)
Index("uq_ports_host_port", ports.c.host_id, ports.c.port, unique=True)

accounts = Table(
    "accounts",
    metadata,
    Column("number", Sequence, primary_key=True, autoincrement=True),
    Column("owner", String(64), nullable=False, index=True),
    sqlite_autoincrement=True,  # a number is never given twice, also after its row has gone
)

databases = Table(  # what is set of each database, beside what runs of it
    "databases",
    metadata,
    Column("database_id", String(21), ForeignKey("services.service_id", ondelete="CASCADE"), primary_key=True),
    Column("settings", Text, nullable=False),  # sealed: it holds passwords
)
