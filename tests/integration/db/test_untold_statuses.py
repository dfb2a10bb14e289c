"""What a forge is still to be told is found without a look at all pairs of a service's deployments."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from headway.core.deployments.model import SubjectType
from headway.core.deployments.status import Status
from headway.features.forge_outbox.statuses_store import UntoldDeployment, untold
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.statuses import commit_statuses
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from tests.support.panel.factories import add_host, deployment_values

DAY = timedelta(days=1)
TYPES = [SubjectType.APPLICATION]


def test_a_service_that_is_deployed_often_costs_as_much_as_it_has_deployments(sqlite_database_url: str) -> None:
    cost = {}
    database = SqlDatabase(sqlite_database_url)
    with database.writer.begin() as connection:
        tx = Tx(connection, SystemClock())
        add_host(tx)
        for first, last in ((0, 150), (150, 600)):
            rows = [(number, f"{number:040}") for number in range(first, last)]
            told(tx, rows)
            cost[last] = steps_of(tx)
    database.close()
    assert cost[600] < 6 * cost[150], "four times as many, and not sixteen times the work"


async def test_of_each_commit_only_the_newest_is_told(database: SqlDatabase) -> None:
    def work(tx: Tx) -> list[UntoldDeployment]:
        add_host(tx)
        told(tx, [(1, "a" * 40), (2, "b" * 40), (3, "a" * 40)], known=False)
        return untold(tx, DAY, TYPES)

    assert [each.about for each in await database.run(work)] == ["d2", "d3"]


def told(tx: Tx, rows: list[tuple[int, str]], *, known: bool = True) -> None:
    """Deployments of these commits, which the forge knows of or not."""
    now = datetime.now(UTC)
    made = [deployment_values(number, commit_hash=commit, created_at=now) for number, commit in rows]
    tx.execute(insert(deployments), made)
    if known:
        plain = {"told": Status.DONE, "attempts": 0, "tell_at": now - DAY, "error": None}
        tx.execute(insert(commit_statuses), [{**plain, "deployment_id": each["deployment_id"]} for each in made])


def steps_of(tx: Tx) -> int:
    """How much SQLite does to find that there is nothing to tell."""
    found: list[int] = []
    driver = tx.connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_progress_handler(lambda: found.append(1), 100)
    assert untold(tx, DAY, TYPES) == []
    driver.set_progress_handler(None, 0)
    return len(found)
