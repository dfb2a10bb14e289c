"""since when a compose release serves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("compose_releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("serving_since", sa.BigInteger(), nullable=True))
    # Where the deployment's record is gone, the beginning of the release is the best that is known: it is long ago.
    op.execute(
        "UPDATE compose_releases SET serving_since = COALESCE((SELECT finished_at FROM deployments"
        " WHERE deployments.deployment_id = compose_releases.deployment_id), created_at) WHERE state = 'serving'"
    )
