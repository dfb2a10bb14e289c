"""Whoever looks again and again reads nothing as long as nothing was committed since nothing was found."""

from __future__ import annotations

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Unchanged
from tests.support.panel.factories import add_host


async def test_nothing_is_read_until_somebody_has_committed(sqlite_database_url: str) -> None:
    database, elsewhere = SqlDatabase(sqlite_database_url), SqlDatabase(sqlite_database_url)
    unchanged, looks = Unchanged(database.version), list[int]()

    def hosts(tx: Tx) -> int:
        return int(tx.connection.exec_driver_sql("SELECT count(*) FROM hosts").scalar_one())

    before = await database.read(hosts)

    async def more() -> int:
        looks.append(await database.read(hosts) - before)
        return looks[-1]

    assert [await unchanged.unless(more) for _ in range(3)] == [0, None, None]
    await elsewhere.run(lambda tx: add_host(tx, host_id="h1"))
    assert [await unchanged.unless(more) for _ in range(2)] == [1, 1], "what was found is looked for until it is gone"
    assert looks == [0, 1, 1]
    database.close()
    elsewhere.close()
