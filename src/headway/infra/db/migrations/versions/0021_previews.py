"""previews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "previews",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("preview_id", sa.String(length=21), nullable=False),
        sa.Column("application_id", sa.String(length=21), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("fork", sa.Boolean(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("approved_head", sa.String(length=64), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_why", sa.String(length=32), nullable=True),
        sa.Column("comment_id", sa.String(length=64), nullable=True),
        sa.Column("reported", sa.String(length=255), nullable=True),
        sa.Column("report_at", sa.BigInteger(), nullable=True),
        sa.Column("report_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.application_id"],
            name=op.f("fk_previews_application_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_previews")),
        sa.UniqueConstraint("preview_id", name=op.f("uq_previews_preview_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("previews", schema=None) as batch_op:
        batch_op.create_index("ix_previews_application", ["application_id", "number", "seq"], unique=False)
        batch_op.create_index(
            "uq_previews_open",
            ["application_id", "number"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    with op.batch_alter_table("applications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("preview_of", sa.String(length=21), nullable=True))
        batch_op.create_index(batch_op.f("ix_applications_preview_of"), ["preview_of"], unique=False)
