"""webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hook_addresses",
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=21), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_type", "subject_id", name=op.f("pk_hook_addresses")),
        sa.UniqueConstraint("digest", name=op.f("uq_hook_addresses_digest")),
    )
    op.create_table(
        "hook_deliveries",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("delivery_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=21), nullable=False),
        sa.Column("sender", sa.String(length=16), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("sent_id", sa.String(length=128), nullable=True),
        sa.Column("once_key", sa.String(length=64), nullable=True),
        sa.Column("signature", sa.String(length=16), nullable=False),
        sa.Column("sent_by", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("track", sa.Text(), nullable=True),
        sa.Column("head", sa.String(length=64), nullable=True),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("replay_of", sa.String(length=21), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_hook_deliveries")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_hook_deliveries_delivery_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("hook_deliveries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hook_deliveries_created_at"), ["created_at"], unique=False)
        batch_op.create_index("ix_hook_deliveries_subject", ["subject_type", "subject_id", "seq"], unique=False)
        batch_op.create_index("uq_hook_deliveries_once", ["subject_type", "subject_id", "once_key"], unique=True)

    op.create_table(
        "hook_payloads",
        sa.Column("delivery_id", sa.String(length=21), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=21), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_hook_payloads")),
    )
    with op.batch_alter_table("hook_payloads", schema=None) as batch_op:
        batch_op.create_index("ix_hook_payloads_subject", ["subject_type", "subject_id"], unique=False)
