"""The table of links by which one deployment is read without an account."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table

from headway.infra.db.tables.base import Instant, metadata

# Of a token the digest alone is kept. A link is gone with its deployment and with whoever made it.
deployment_links = Table(
    "deployment_links",
    metadata,
    Column("link_id", String(21), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column(
        "deployment_id",
        String(21),
        ForeignKey("deployments.deployment_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("user_id", String(21), ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("api_key_id", String(21)),  # null: by who had signed in
    Column("created_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
)
