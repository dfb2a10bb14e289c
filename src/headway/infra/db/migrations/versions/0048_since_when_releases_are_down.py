"""since when releases are down, which channels that were left as they were made are told of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_BEFORE = ("*.error", "*.unstable", "*.out_of_reach", "*.missed", "disk.low", "channel.failed")
_SINCE = ("*.error", "*.unstable", "*.down", "*.out_of_reach", "*.missed", "disk.low", "channel.failed")


def upgrade() -> None:
    op.create_table(
        "downtimes",
        sa.Column("release_id", sa.String(length=21), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"], ["releases.release_id"], name=op.f("fk_downtimes_release_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_downtimes")),
    )
    connection = op.get_bind()
    channels = sa.table("channels", sa.column("channel_id"), sa.column("events", sa.JSON))
    for row in connection.execute(sa.select(channels)).all():
        if row.events == list(_BEFORE):
            of_it = channels.c.channel_id == row.channel_id
            connection.execute(channels.update().where(of_it).values(events=list(_SINCE)))
