"""compose services."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "composes",
        sa.Column("compose_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("project_id", sa.String(length=21), nullable=False),
        sa.Column("environment_id", sa.String(length=21), nullable=False),
        sa.Column("host_id", sa.String(length=21), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("app_name", sa.String(length=63), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("wanted", sa.String(length=16), nullable=False),
        sa.Column("serving_release_id", sa.String(length=21), nullable=True),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("env", sa.Text(), nullable=False),
        sa.Column("build_uid", sa.Integer(), nullable=True),
        sa.Column("delete_volumes", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.environment_id"], name=op.f("fk_composes_environment_id")
        ),
        sa.ForeignKeyConstraint(["host_id"], ["hosts.host_id"], name=op.f("fk_composes_host_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.project_id"], name=op.f("fk_composes_project_id")),
        sa.PrimaryKeyConstraint("compose_id", name=op.f("pk_composes")),
        sa.UniqueConstraint("app_name", name=op.f("uq_composes_app_name")),
    )
    with op.batch_alter_table("composes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_composes_environment_id"), ["environment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_composes_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_composes_project_id"), ["project_id"], unique=False)

    op.create_table(
        "compose_releases",
        sa.Column("release_id", sa.String(length=21), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("compose_id", sa.String(length=21), nullable=False),
        sa.Column("deployment_id", sa.String(length=21), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("commit_hash", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["compose_id"], ["composes.compose_id"], name=op.f("fk_compose_releases_compose_id")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_compose_releases")),
    )
    with op.batch_alter_table("compose_releases", schema=None) as batch_op:
        batch_op.create_index("ix_compose_releases_compose", ["compose_id", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_compose_releases_deployment_id"), ["deployment_id"], unique=False)
        batch_op.create_index(
            "uq_compose_releases_one_serving",
            ["compose_id"],
            unique=True,
            sqlite_where=sa.text("state = 'serving'"),
            postgresql_where=sa.text("state = 'serving'"),
        )
