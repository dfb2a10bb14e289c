"""A look at a database before it is migrated, by the tables of this version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import inspect, text

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migrations import before_services
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError

T = TypeVar("T")


class NoTemporaryViews(HeadwayError):
    """The account at the PostgreSQL server may not make what a database is looked at through."""

    def __init__(self, database: str, account: str) -> None:
        super().__init__(
            f"The account {account} may make no temporary views in the database {database}, through which it is looked "
            f"at before it is upgraded. Let it: GRANT TEMPORARY ON DATABASE {database} TO {account}"
        )


async def read(database: SqlDatabase, work: Callable[[Tx], T]) -> T:
    """``work`` in a transaction that only reads, and finds the services and releases of an earlier schema where this
    version has them: as views that nobody else sees. Close the database afterwards. Raises DatabaseAway,
    NoTemporaryViews.
    """

    def shown(tx: Tx) -> T:
        if not inspect(tx.connection).has_table("services"):
            _show_services(tx)
        if tx.postgres:
            tx.connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        return work(tx)

    # A view of its own is a write to PostgreSQL, and to SQLite only while its readers are told so.
    return await (database.read(shown) if database.is_sqlite else database.run(shown))


def _show_services(tx: Tx) -> None:
    _require_views(tx)
    inspector = inspect(tx.connection)
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
    if not tx.postgres:
        execute("PRAGMA query_only=1")


def _require_views(tx: Tx) -> None:
    if tx.postgres:
        right = "has_database_privilege(current_database(), 'TEMPORARY') AS is_allowed"
        names = "quote_ident(current_database()) AS name, quote_ident(current_user) AS account"
        found = tx.execute(text(f"SELECT {right}, {names}")).one()
        if not found.is_allowed:
            raise NoTemporaryViews(found.name, found.account)
