"""The tables of who may do what: organisations, users, their keys."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table, Text

from headway.infra.db.tables.base import Instant, metadata

organizations = Table(
    "organizations",
    metadata,
    Column("organization_id", String(21), primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("user_id", String(21), primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("member_id", String(21), primary_key=True),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False, index=True),
    Column("user_id", String(21), ForeignKey("users.user_id"), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("api_key_id", String(21), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("user_id", String(21), ForeignKey("users.user_id"), nullable=False),
    Column("organization_id", String(21), ForeignKey("organizations.organization_id"), nullable=False),
    Column("created_at", Instant, nullable=False),
)
