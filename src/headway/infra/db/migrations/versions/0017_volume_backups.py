"""volume backups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "volume_backups",
        sa.Column("volume_backup_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("project_id", sa.String(length=21), nullable=False),
        sa.Column("destination_id", sa.String(length=21), nullable=False),
        sa.Column("service_type", sa.String(length=16), nullable=False),
        sa.Column("service_id", sa.String(length=21), nullable=False),
        sa.Column("app_name", sa.String(length=63), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["destinations.destination_id"], name=op.f("fk_volume_backups_destination_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.organization_id"], name=op.f("fk_volume_backups_organization_id")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_volume_backups_project_id")),
        sa.PrimaryKeyConstraint("volume_backup_id", name=op.f("pk_volume_backups")),
    )
    with op.batch_alter_table("volume_backups", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_volume_backups_destination_id"), ["destination_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_volume_backups_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_volume_backups_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_volume_backups_service_id"), ["service_id"], unique=False)
