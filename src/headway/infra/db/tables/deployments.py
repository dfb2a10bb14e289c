"""The tables of the heart: deployments (which are the queue), leases, steps, undos, logs to remove and the outbox."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from headway.infra.db.tables.base import Instant, Sequence, metadata

hosts = Table(
    "hosts",
    metadata,
    Column("host_id", String(21), primary_key=True),
    Column("server_id", String(21), unique=True),
    Column("name", String(255), nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("seen_at", Instant),
    Column("late_at", Instant),  # when something that had waited too long last went before lower lanes
    Column("created_at", Instant, nullable=False),
)

deployments = Table(
    "deployments",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("deployment_id", String(21), nullable=False, unique=True),
    Column("kind", String(64), nullable=False),
    Column("kind_version", Integer, nullable=False),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(21), nullable=False),
    Column("organization_id", String(21), nullable=False),
    Column("project_id", String(21)),
    Column("host_id", String(21), ForeignKey("hosts.host_id"), nullable=False),
    Column("release_host_id", String(21)),  # where what it makes is released, if not on its own host
    Column("server_id", String(21)),
    Column("exclusive_key", String(96)),
    Column("lane", Integer, nullable=False),
    Column("ready", Boolean, nullable=False),
    Column("title", Text, nullable=False),
    Column("title_given", Boolean, nullable=False),
    Column("description", Text),
    Column("status", String(16), nullable=False),
    Column("reason", String(16)),
    Column("error_message", Text),
    Column("log_path", Text, nullable=False),
    Column("pid", String(16)),
    Column("epoch", Integer, nullable=False),
    Column("handle", Text),
    Column("input", JSON, nullable=False),
    Column("secrets", Text),
    Column("verdict", Text),
    Column("trigger", String(16), nullable=False),
    Column("triggered_by", String(64), nullable=False),
    Column("triggered_by_name", Text),
    Column("triggered_by_key", String(21)),
    Column("triggered_by_key_name", Text),
    Column("commit_hash", String(64)),
    Column("commit_message", Text),
    Column("commit_author", Text),
    Column("commit_branch", Text),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("intent", String(16)),
    Column("kill_requested_at", Instant),
    Column("out_of_reach_since", Instant),
    Column("last_seen_at", Instant),
    Column("unstable", Boolean, nullable=False),
    Column("answers", Text),  # what its address answered when it was done, as JSON
    sqlite_autoincrement=True,
)

# Queries must use these very texts: SQLite takes a partial index only where its condition is written the same way.
PENDING = text("status = 'pending'")
CLAIMABLE = text("status = 'pending' AND ready")
RUNNING = text("status = 'running'")
BUILT_ELSEWHERE = text("release_host_id IS NOT NULL")

Index(
    "ix_deployments_claim",
    deployments.c.host_id,
    deployments.c.lane,
    deployments.c.seq,
    sqlite_where=CLAIMABLE,
    postgresql_where=CLAIMABLE,
)
Index(
    "ix_deployments_turns",  # who waits, whatever number of each
    deployments.c.host_id,
    deployments.c.lane,
    deployments.c.organization_id,
    deployments.c.seq,
    sqlite_where=CLAIMABLE,
    postgresql_where=CLAIMABLE,
)
Index(
    "ix_deployments_waiting",
    deployments.c.exclusive_key,
    deployments.c.lane,
    deployments.c.seq,
    sqlite_where=PENDING,
    postgresql_where=PENDING,
)
Index(
    "uq_deployments_one_running",
    deployments.c.exclusive_key,
    unique=True,
    sqlite_where=RUNNING,
    postgresql_where=RUNNING,
)
Index("ix_deployments_running", deployments.c.host_id, sqlite_where=RUNNING, postgresql_where=RUNNING)
Index("ix_deployments_subject", deployments.c.subject_type, deployments.c.subject_id, deployments.c.seq)
Index(
    "ix_deployments_ended",  # how the last one ended
    *(deployments.c[name] for name in ("subject_type", "subject_id", "finished_at", "seq")),
)
Index("ix_deployments_server", deployments.c.server_id, deployments.c.seq)
Index(
    "ix_deployments_built",
    deployments.c.host_id,
    deployments.c.seq,
    sqlite_where=BUILT_ELSEWHERE,
    postgresql_where=BUILT_ELSEWHERE,
)
Index("ix_deployments_project", deployments.c.project_id, deployments.c.seq)
Index("ix_deployments_organization", deployments.c.organization_id, deployments.c.seq)
Index("ix_deployments_status", deployments.c.organization_id, deployments.c.status, deployments.c.seq)
Index("ix_deployments_created", deployments.c.created_at, deployments.c.seq)

turns = Table(  # of organisations that wait for the same host, in the order in which they were let on
    "turns",
    metadata,
    Column("host_id", String(21), nullable=False),
    Column("organization_id", String(21), nullable=False),
    Column("taken", BigInteger, nullable=False),
    PrimaryKeyConstraint("host_id", "organization_id"),
)

leases = Table(
    "leases",
    metadata,
    Column("deployment_id", String(21), ForeignKey("deployments.deployment_id"), primary_key=True),
    Column("owner", String(64), nullable=False, index=True),
    Column("epoch", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("deployment_id", String(21), ForeignKey("deployments.deployment_id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("log_offset", Sequence, nullable=False),
    Column("result", Text),
    PrimaryKeyConstraint("deployment_id", "name"),
)

undos = Table(
    "undos",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("deployment_id", String(21), nullable=False, index=True),  # of a deployment, or of a removed one
    Column("name", String(64), nullable=False),
    Column("data", Text, nullable=False),
)

# What deployments were whose record is gone and some of whose undos are not.
removed_deployments = Table(
    "removed_deployments",
    metadata,
    Column("deployment_id", String(21), primary_key=True),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(21), nullable=False),
    Column("host_id", String(21), nullable=False),
    Column("release_host_id", String(21)),
    Column("record", Text, nullable=False),
)

setbacks = Table(
    "setbacks",
    metadata,
    Column("deployment_id", String(21), ForeignKey("deployments.deployment_id"), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("steps", Integer, nullable=False),  # that were recorded then: with one more the count begins anew
    Column("sentence", Text, nullable=False),
)

removed_logs = Table(
    "removed_logs",
    metadata,
    Column("deployment_id", String(21), primary_key=True),  # whose row is gone, so that no key leads to it
)

# One row: what this database is held against at the start of a panel.
installation = Table(
    "installation",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("probe", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("topic", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
)
