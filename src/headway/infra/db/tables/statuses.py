"""The tables of commit statuses: what forges were told of deployments, and what stands at forges."""

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

# What a forge was told last of a deployment that has not ended, or of a preview: where it stands, to be changed there
# whatever the service is called by then, and wherever it comes from.
told_statuses = Table(
    "told_statuses",
    metadata,
    Column("about", String(21), primary_key=True),  # a deployment or a preview, whose row may be gone
    Column("organization_id", String(21), nullable=False),
    Column("provider_id", String(21), nullable=False),
    Column("path", Text, nullable=False),
    Column("commit_hash", String(64), nullable=False),
    Column("context", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),  # to take it back, once what it is about is gone
    Column("since", Instant),  # when the first of them was made
    Column("tell_at", Instant),  # null: as soon as it is gone
    Column("error", Text),
)
