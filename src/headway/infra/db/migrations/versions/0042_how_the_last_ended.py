"""how the last deployment of a service ended is found by an index."""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of 10,000 deployments of a service all were sorted for it, for each service in each list."""
    columns = ["subject_type", "subject_id", "finished_at", "seq"]
    op.create_index("ix_deployments_ended", "deployments", columns)
