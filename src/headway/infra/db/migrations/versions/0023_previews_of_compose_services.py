"""previews of compose services."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("composes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("preview_of", sa.String(length=21), nullable=True))
        batch_op.create_index(batch_op.f("ix_composes_preview_of"), ["preview_of"], unique=False)

    with op.batch_alter_table("previews", schema=None, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.add_column(sa.Column("compose_id", sa.String(length=21), nullable=True))
        batch_op.add_column(sa.Column("sleeps_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("asleep_since", sa.BigInteger(), nullable=True))
        batch_op.alter_column("application_id", existing_type=sa.VARCHAR(length=21), nullable=True)
        batch_op.create_index("ix_previews_compose", ["compose_id", "number", "seq"], unique=False)
        batch_op.create_index(
            "uq_previews_open_of_compose",
            ["compose_id", "number"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_previews_compose_id"), "composes", ["compose_id"], ["compose_id"], ondelete="CASCADE"
        )
