"""whose word the address of a registry is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("registries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("guarded", sa.Boolean(), server_default=sa.false(), nullable=False))
