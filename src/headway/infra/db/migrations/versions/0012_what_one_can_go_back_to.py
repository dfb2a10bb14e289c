"""what one can go back to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("releases", "compose_releases"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("origin", sa.String(length=21), nullable=True))
            batch_op.add_column(sa.Column("image", sa.Text(), nullable=True))
            batch_op.add_column(sa.Column("domains", sa.JSON(), nullable=True))
            batch_op.add_column(sa.Column("missing", sa.Text(), nullable=True))
            batch_op.add_column(sa.Column("rolled_back_at", sa.BigInteger(), nullable=True))
            batch_op.add_column(sa.Column("rolled_back_by", sa.String(length=21), nullable=True))
