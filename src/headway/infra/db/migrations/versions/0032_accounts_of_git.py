"""accounts of git."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_accounts_owner", "accounts", ["owner"])
    connection = op.get_bind()
    accounts = sa.table("accounts", sa.column("owner"))
    for name, key in (("applications", "application_id"), ("composes", "compose_id")):
        services = sa.table(name, sa.column(key))
        owner = sa.literal("git ", sa.String(4)) + services.c[key]
        connection.execute(accounts.insert().from_select(["owner"], sa.select(owner)))
