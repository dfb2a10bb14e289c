"""since when certificates are asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("domains", sa.Column("asked_at", sa.BigInteger(), nullable=True))
    domains = sa.table(
        "domains",
        *map(sa.column, ("asked_at", "created_at", "certificate_type", "resolver")),
        *(sa.column(each, sa.Boolean()) for each in ("https", "enabled")),
    )
    is_issued = sa.or_(domains.c.certificate_type == "letsencrypt", domains.c.resolver.is_not(None))
    asks = (domains.c.https.is_(sa.true()), domains.c.enabled.is_(sa.true()), is_issued)
    op.execute(domains.update().where(*asks).values(asked_at=domains.c.created_at))
