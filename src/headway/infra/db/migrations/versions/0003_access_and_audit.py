"""members with access, keys with terms, invitations, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("audit_log_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("user_id", sa.String(length=21), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_email", sa.Text(), nullable=True),
        sa.Column("user_role", sa.String(length=16), nullable=False),
        sa.Column("api_key_id", sa.String(length=21), nullable=False),
        sa.Column("api_key_name", sa.Text(), nullable=False),
        sa.Column("procedure", sa.String(length=96), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=True),
        sa.Column("subject_name", sa.Text(), nullable=True),
        sa.Column("project_id", sa.String(length=21), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("audit_log_id", name=op.f("uq_audit_log_audit_log_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_log_created_at"), ["created_at"], unique=False)
        batch_op.create_index("ix_audit_log_organization", ["organization_id", "seq"], unique=False)
        batch_op.create_index("ix_audit_log_subject", ["subject_id", "seq"], unique=False)
        batch_op.create_index("ix_audit_log_user", ["user_id", "seq"], unique=False)

    op.create_table(
        "invitations",
        sa.Column("invitation_id", sa.String(length=21), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("inviter_id", sa.String(length=21), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("projects", sa.JSON(), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.organization_id"], name=op.f("fk_invitations_organization_id")
        ),
        sa.PrimaryKeyConstraint("invitation_id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitations_organization_id"), ["organization_id"], unique=False)

    op.create_table(
        "grants",
        sa.Column("member_id", sa.String(length=21), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=21), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["members.member_id"], name=op.f("fk_grants_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("member_id", "type", "subject_id", name=op.f("pk_grants")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("prefix", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("start", sa.String(length=22), nullable=True))
        batch_op.add_column(sa.Column("scopes", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("projects", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("pending_as", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("rate_calls", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("rate_window_ms", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("disabled_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("expires_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("last_used_at", sa.BigInteger(), nullable=True))
        batch_op.create_index("ix_api_keys_holder", ["organization_id", "user_id"], unique=False)

    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.add_column(sa.Column("passive", sa.JSON(), nullable=True))

    with op.batch_alter_table("organizations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("logo", sa.Text(), nullable=True))

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email", sa.Text(), nullable=True))
