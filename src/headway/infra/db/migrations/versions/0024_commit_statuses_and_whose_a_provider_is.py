"""commit statuses and whose a provider is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "commit_statuses",
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("told", sa.String(length=16), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tell_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_commit_statuses")),
    )
    with op.batch_alter_table("git_providers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shared", sa.Boolean(), server_default=sa.true(), nullable=False))
