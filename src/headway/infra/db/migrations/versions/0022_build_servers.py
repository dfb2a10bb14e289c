"""build servers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("applications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("build_host_id", sa.String(length=21), nullable=True))
        batch_op.create_index(batch_op.f("ix_applications_build_host_id"), ["build_host_id"], unique=False)

    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("release_host_id", sa.String(length=21), nullable=True))
        batch_op.create_index(
            "ix_deployments_built",
            ["host_id", "seq"],
            unique=False,
            sqlite_where=sa.text("release_host_id IS NOT NULL"),
            postgresql_where=sa.text("release_host_id IS NOT NULL"),
        )
