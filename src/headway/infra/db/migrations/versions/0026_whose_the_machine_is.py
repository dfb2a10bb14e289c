"""whose the machine is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "machine_grants",
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("least", sa.String(length=16), nullable=False),
        sa.Column("granted_by", sa.String(length=21), nullable=False),
        sa.Column("granted_by_name", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.organization_id"],
            name=op.f("fk_machine_grants_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_machine_grants")),
    )
    op.create_table(
        "machine_allowances",
        sa.Column("allowance_id", sa.String(length=21), nullable=False),
        sa.Column("organization_id", sa.String(length=21), nullable=False),
        sa.Column("subject_id", sa.String(length=21), nullable=False),
        sa.Column("power", sa.String(length=16), nullable=False),
        sa.Column("server_id", sa.String(length=21), nullable=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("allowed_by", sa.String(length=21), nullable=True),
        sa.Column("allowed_by_name", sa.Text(), nullable=True),
        sa.Column("allowed_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("allowance_id", name=op.f("pk_machine_allowances")),
    )
    for name in ("organization_id", "subject_id"):
        op.create_index(f"ix_machine_allowances_{name}", "machine_allowances", [name])
    # Nobody owns the machine yet: the first start marks who does, and writes down what was there before.
    op.add_column("organizations", sa.Column("owns_machine", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "uq_organizations_one_owns_machine",
        "organizations",
        ["owns_machine"],
        unique=True,
        sqlite_where=sa.text("owns_machine"),
        postgresql_where=sa.text("owns_machine"),
    )
