"""The tables of what services and machines use over time, packed: see ``features.usage.model``."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, String, Table

from headway.infra.db.tables.base import Instant, metadata

# A minute of a host, with the points of all that ran there: a row of level 10 has six of each, one of level 60 one.
# One of level 3600 has none, and says that the hour was settled: its points are in the days of what they are of; until
# all of them are, it names the last of which they are.
usage_minutes = Table(
    "usage_minutes",
    metadata,
    Column("level", Integer, nullable=False),
    Column("begins_at", Instant, nullable=False),
    Column("host_id", String(21), nullable=False),
    Column("points", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "begins_at", "host_id"),
)

# A day of a service or a machine in UTC, with a point for each hour. What it names may have gone since.
usage_days = Table(
    "usage_days",
    metadata,
    Column("target", String(32), nullable=False),
    Column("begins_at", Instant, nullable=False),
    Column("points", LargeBinary, nullable=False),
    PrimaryKeyConstraint("target", "begins_at"),
)
