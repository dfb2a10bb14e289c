"""turns of organizations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "turns",
        sa.Column("host_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host_id", "organization_id", name=op.f("pk_turns")),
    )
    claimable = sa.text("status = 'pending' AND ready")
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deployments_turns",
            ["host_id", "lane", "organization_id", "seq"],
            unique=False,
            sqlite_where=claimable,
            postgresql_where=claimable,
        )
