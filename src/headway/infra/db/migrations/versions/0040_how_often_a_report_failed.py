"""how often a preview could not be reported, so that it is given up in the end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was counted before: what fails now is tried for a day from now on."""
    with op.batch_alter_table("previews", schema=None) as batch_op:
        batch_op.add_column(sa.Column("report_tried", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("report_attempts", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("report_since", sa.BigInteger(), nullable=True))
