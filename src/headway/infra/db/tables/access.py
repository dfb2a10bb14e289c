"""The tables of who may do what: organisations, users, members and what they were given, keys, invitations, audit."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from headway.infra.db.tables.base import Instant, Sequence, metadata

organizations = Table(
    "organizations",
    metadata,
    Column("organization_id", String(21), primary_key=True),
    Column("name", Text, nullable=False),
    Column("logo", Text),
    Column("created_at", Instant, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("user_id", String(21), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("created_at", Instant, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("member_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("user_id", String(21), ForeignKey("users.user_id"), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("passive", JSON(none_as_null=True)),
    Column("created_at", Instant, nullable=False),
)

# What members were given. What it names may have gone since: ids are never used again.
grants = Table(
    "grants",
    metadata,
    Column("member_id", String(21), ForeignKey("members.member_id", ondelete="CASCADE"), nullable=False),
    Column("type", String(16), nullable=False),
    Column("subject_id", String(21), nullable=False),
    PrimaryKeyConstraint("member_id", "type", "subject_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("api_key_id", String(21), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("user_id", String(21), ForeignKey("users.user_id"), nullable=False),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False),
    Column("prefix", String(16)),
    Column("start", String(22)),
    Column("scopes", JSON(none_as_null=True)),  # null: all
    Column("projects", JSON(none_as_null=True)),  # null: all
    Column("pending_as", String(16)),
    Column("rate_calls", Integer),
    Column("rate_window_ms", Sequence),
    Column("disabled_at", Instant),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("created_at", Instant, nullable=False),
)
Index("ix_api_keys_holder", api_keys.c.organization_id, api_keys.c.user_id)

invitations = Table(
    "invitations",
    metadata,
    Column("invitation_id", String(21), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("inviter_id", String(21), nullable=False),
    Column("email", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("projects", JSON, nullable=False),
    Column("services", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# Rows outlive what they tell of, so they refer to nothing and keep the names that things had.
audit_log = Table(
    "audit_log",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("audit_log_id", String(21), nullable=False, unique=True),
    Column("organization_id", String(21), nullable=False),
    Column("user_id", String(21), nullable=False),
    Column("user_name", Text, nullable=False),
    Column("user_email", Text),
    Column("user_role", String(16), nullable=False),
    Column("api_key_id", String(21), nullable=False),
    Column("api_key_name", Text, nullable=False),
    Column("procedure", String(96), nullable=False),
    Column("subject_type", String(32), nullable=False),
    Column("subject_id", String(64)),
    Column("subject_name", Text),
    Column("project_id", String(21)),
    Column("details", JSON, nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
    sqlite_autoincrement=True,
)
Index("ix_audit_log_organization", audit_log.c.organization_id, audit_log.c.seq)
Index("ix_audit_log_subject", audit_log.c.subject_id, audit_log.c.seq)
Index("ix_audit_log_user", audit_log.c.user_id, audit_log.c.seq)
