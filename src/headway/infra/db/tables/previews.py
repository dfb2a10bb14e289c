"""The table of previews: pull requests as a service was told of them, and what runs of each."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from headway.infra.db.tables.base import Instant, Sequence, metadata

previews = Table(
    "previews",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("preview_id", String(21), nullable=False, unique=True),  # and the id of what runs of it
    Column("service_id", String(21), ForeignKey("services.service_id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("head", String(64), nullable=False),
    Column("passed_head", String(64)),  # the one that it was told of since, none of whose files is watched
    Column("fork", Boolean, nullable=False),
    Column("source_url", Text),
    Column("labels", JSON, nullable=False),
    Column("approved_head", String(64)),
    Column("approved_by", Text),
    Column("told_at", Instant),  # when the forge last changed it, as far as it was told
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("sleeps_at", Instant),
    Column("asleep_since", Instant),
    Column("closed_at", Instant),
    Column("closed_why", String(32)),
    Column("comment_id", String(64)),
    Column("reported", String(255)),  # the state that the forge knows of
    Column("report_at", Instant),  # null: as soon as there is something new
    Column("report_error", Text),
    Column("report_tried", String(255)),  # the state that it could not be told
    Column("report_attempts", Integer, nullable=False, server_default="0"),  # to tell it that, which failed
    Column("report_since", Instant),  # of the first of them
    sqlite_autoincrement=True,
)
Index("ix_previews_service", previews.c.service_id, previews.c.number, previews.c.seq)
Index(
    "uq_previews_open",
    previews.c.service_id,
    previews.c.number,
    unique=True,
    sqlite_where=text("closed_at IS NULL"),
    postgresql_where=text("closed_at IS NULL"),
)
