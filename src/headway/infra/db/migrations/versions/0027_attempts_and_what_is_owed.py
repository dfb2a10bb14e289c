"""attempts that came to nothing, and what removed deployments still owe."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "setbacks",
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.deployment_id"], name=op.f("fk_setbacks_deployment_id")
        ),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_setbacks")),
    )
    op.create_table(
        "removed_deployments",
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=21), nullable=False),
        sa.Column("host_id", sa.String(length=21), nullable=False),
        sa.Column("release_host_id", sa.String(length=21), nullable=True),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_removed_deployments")),
    )
    op.create_table(
        "installation",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("probe", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_installation")),
    )
    with op.batch_alter_table("undos", schema=None) as batch_op:
        batch_op.drop_constraint("fk_undos_deployment_id", type_="foreignkey")
