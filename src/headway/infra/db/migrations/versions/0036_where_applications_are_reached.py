"""where applications are reached, which was what they are called on their machine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("applications", schema=None) as batch_op:
        batch_op.add_column(sa.Column("host_name", sa.String(length=63), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_applications_host_name"), ["host_name"])
    applications = sa.table("applications", sa.column("app_name"), sa.column("host_name"))
    op.execute(applications.update().values(host_name=applications.c.app_name))
