"""What Alembic runs to find the connection and the schema; the transaction is that of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from alembic import context

from headway.infra.db.tables import Instant, metadata

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext


def _written_as(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    # A migration keeps meaning what it meant: it must not follow a type of ours that changes later.
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Instant) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_written_as,
    render_as_batch=True,  # SQLite changes most of a table only by making it anew
    transaction_per_migration=False,
    transactional_ddl=True,
)
context.run_migrations()
