"""what is searched for, who asked, and logs to remove."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "removed_logs",
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_removed_logs")),
    )
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("triggered_by_name", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("triggered_by_key", sa.String(length=21), nullable=True))
        batch_op.add_column(sa.Column("triggered_by_key_name", sa.Text(), nullable=True))
        batch_op.create_index("ix_deployments_created", ["created_at", "seq"], unique=False)
        batch_op.create_index("ix_deployments_status", ["organization_id", "status", "seq"], unique=False)
