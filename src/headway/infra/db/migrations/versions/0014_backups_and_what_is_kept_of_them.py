"""backups and what is kept of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_files",
        sa.Column("kept_file_id", sa.String(length=21), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=21), nullable=False),
        sa.Column("destination_id", sa.String(length=21), nullable=False),
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("contents", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("proven_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kept_file_id", name=op.f("pk_kept_files")),
    )
    with op.batch_alter_table("kept_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_files_destination_id"), ["destination_id"], unique=False)
        batch_op.create_index("ix_kept_files_subject", ["subject_type", "subject_id", "made_at"], unique=False)
        batch_op.create_index("uq_kept_files_path", ["destination_id", "path"], unique=True)

    op.create_table(
        "backups",
        sa.Column("backup_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("project_id", sa.String(length=21), nullable=True),
        sa.Column("environment_id", sa.String(length=21), nullable=True),
        sa.Column("destination_id", sa.String(length=21), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("engine", sa.String(length=16), nullable=True),
        sa.Column("service_id", sa.String(length=21), nullable=True),
        sa.Column("app_name", sa.String(length=63), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["destinations.destination_id"], name=op.f("fk_backups_destination_id")
        ),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.environment_id"], name=op.f("fk_backups_environment_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.organization_id"], name=op.f("fk_backups_organization_id")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_backups_project_id")),
        sa.PrimaryKeyConstraint("backup_id", name=op.f("pk_backups")),
    )
    with op.batch_alter_table("backups", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_backups_destination_id"), ["destination_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_backups_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_backups_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_backups_service_id"), ["service_id"], unique=False)
