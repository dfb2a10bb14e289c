"""heads of pull requests that were passed by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("previews", sa.Column("passed_head", sa.String(length=64), nullable=True))
