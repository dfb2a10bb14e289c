"""whose word an invitation and an address are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("git_providers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("guarded", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("api_key_id", sa.String(length=21), nullable=True))
