"""what the health checks of releases saw."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("health", sa.JSON(), nullable=True))
    names = ("state", "port", "health")
    releases = sa.table("releases", *(sa.column(name, sa.JSON() if name == "health" else None) for name in names))
    # Until now no release came to serve whose port had not answered HTTP through the edge.
    proven = (releases.c.state == "serving", releases.c.port.is_not(None))
    op.execute(releases.update().where(*proven).values(health={"answers": True, "copies": []}))
