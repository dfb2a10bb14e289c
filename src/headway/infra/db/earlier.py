"""A look at a database before it is migrated, by the tables of this version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import inspect

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migrations import before_services
from headway.infra.db.transaction import Tx

T = TypeVar("T")


async def read(database: SqlDatabase, work: Callable[[Tx], T]) -> T:
    """``work`` in a transaction that only reads, and finds the services and releases of an earlier schema where this
    version has them: as views that nobody else sees. Close the database afterwards. Raises DatabaseAway.
    """

    def shown(tx: Tx) -> T:
        _show_services(tx)
        return work(tx)

    # A view of its own is a write to PostgreSQL, and to SQLite only while its readers are told so.
    return await (database.read(shown) if database.is_sqlite else database.run(shown))


def _show_services(tx: Tx) -> None:
    inspector = inspect(tx.connection)
    if inspector.has_table("services"):
        return
    columns = {table: [each["name"] for each in inspector.get_columns(table)] for table in before_services.TABLES}
    schema = "" if tx.postgres else "main."  # by its name alone SQLite would take the view for its own source
    views = {
        "services": before_services.services(columns, schema),
        "releases": before_services.releases(columns, schema),
    }
    execute = tx.connection.exec_driver_sql
    if not tx.postgres:
        execute("PRAGMA query_only=0")
    for name, query in views.items():
        execute(f"CREATE TEMPORARY VIEW {name} AS {query}")
    execute("SET TRANSACTION READ ONLY" if tx.postgres else "PRAGMA query_only=1")
