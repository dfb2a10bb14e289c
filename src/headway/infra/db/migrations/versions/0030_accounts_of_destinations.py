"""accounts of destinations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("destinations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account", sa.Integer(), nullable=True))
    _give_accounts(op.get_bind())


def _give_accounts(connection: sa.Connection) -> None:
    """Each destination of before has a number that was never given before, like those that come."""
    metadata = sa.MetaData()
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    accounts = sa.Table(
        "accounts",
        metadata,
        sa.Column("number", number, primary_key=True, autoincrement=True),
        sa.Column("owner", sa.String(64), nullable=False),
    )
    destinations = sa.table("destinations", sa.column("destination_id"), sa.column("account"))
    for (destination_id,) in connection.execute(sa.select(destinations.c.destination_id)).all():
        made = connection.execute(accounts.insert().values(owner="destination")).inserted_primary_key or (None,)
        mine = destinations.update().where(destinations.c.destination_id == destination_id)
        connection.execute(mine.values(account=made[0]))
