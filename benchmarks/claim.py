"""Measures a claim: with 10 and with 10,000 waiting, with all of them behind one busy service, over a million ended.

Prints microseconds; fails where one costs more than 1.5 times the claim with 10 waiting and nothing ended.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.sqlite import sqlite_url
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from tests.support.databases.postgres import find_program, running_cluster
from tests.support.panel.factories import add_host, ledger, request

ROUNDS = 400
BOUND = 1.5
BUSY = "application:busy"
BOOK = ledger(most_pending=1_000_000)  # all of them are of one service

INSERT = """
INSERT INTO deployments (deployment_id, kind, kind_version, subject_type, subject_id, organization_id, project_id,
    host_id, exclusive_key, lane, ready, title, title_given, status, log_path, epoch, input, trigger, triggered_by,
    created_at, started_at, finished_at, unstable)
SELECT :prefix || n, 'work', 1, 'application', 'app' || (n % 500), 'org', 'project', 'here', :key, 1, false, 'Deploy',
    false, :status, '/var/lib/headway/logs/' || n || '.log', 1, '{}', 'api', '', n, n, n, false
FROM numbers
"""
NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :number)",
    "postgresql": "WITH numbers AS (SELECT n FROM generate_series(1, CAST(:number AS integer)) AS n)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What lies in the queue: rows that may start, rows behind one that runs, rows that have ended."""

    name: str
    waiting: int
    behind_one: int = 0
    ended: int = 0


def main(ended: int) -> None:
    """Measures every scene on SQLite, and on PostgreSQL where its programs are."""
    scenes = (
        Scene(name="10 waiting", waiting=10),
        Scene(name="10,000 waiting", waiting=10_000),
        Scene(name="10 waiting, ended beside", waiting=10, ended=ended),
        Scene(name="10,000 waiting, ended beside", waiting=10_000, ended=ended),
        Scene(name="10 waiting, 10,000 behind one, ended beside", waiting=10, behind_one=10_000, ended=ended),
    )
    slow = []
    for form, place in (("SQLite", on_sqlite), ("PostgreSQL", on_postgres)):
        if place is on_postgres and find_program("initdb") is None:
            print("PostgreSQL: no server programs here")
            continue
        with place() as urls, opened(next(urls)) as base:
            prepare(base, scenes[0])
            for scene in scenes[1:]:
                with opened(next(urls)) as database:
                    prepare(database, scene)
                    plain, seconds = measure(base, database)
                print(f"{form:11}{scene.name:44}{describe(seconds)}   {scenes[0].name}{describe(plain)}", flush=True)
                if statistics.median(seconds) > statistics.median(plain) * BOUND:
                    slow.append(f"{form}, {scene.name}")
    if slow:
        sys.exit(f"more than {BOUND} times the first: {slow}")


@contextmanager
def on_sqlite() -> Iterator[Iterator[str]]:
    """Fresh databases in files."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as folder:
        yield (sqlite_url(Path(folder) / f"{number}.db") for number in itertools.count())


@contextmanager
def on_postgres() -> Iterator[Iterator[str]]:
    """Fresh databases of one fresh server."""

    def create(number: int) -> str:
        cluster.administer(f"CREATE DATABASE bench_{number}")
        return cluster.url(f"bench_{number}")

    with running_cluster() as cluster:
        yield map(create, itertools.count())


@contextmanager
def opened(url: str) -> Iterator[SqlDatabase]:
    """The database, migrated; closed in the end."""
    database = SqlDatabase(url)
    migrate(database)
    try:
        yield database
    finally:
        database.close()


def prepare(database: SqlDatabase, scene: Scene) -> None:
    """Fills the queue: the bulk by plain statements, what may start as the service does it."""
    with database.writer.begin() as connection:
        tx = Tx(connection, SystemClock())
        add_host(tx, concurrency=1_000_000)
        fill(tx, scene.ended, status="done", key=None, prefix="e")
        if scene.behind_one:
            fill(tx, 1, status="running", key=BUSY, prefix="r")
            fill(tx, scene.behind_one, status="pending", key=BUSY, prefix="b")
    with database.writer.begin() as connection:
        tx = Tx(connection, SystemClock())
        for number in range(scene.waiting):
            BOOK.enqueue(tx, request(exclusive_key=f"application:{number}"))
    if not database.is_sqlite:  # a server's autovacuum does so by itself
        with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def fill(tx: Tx, number: int, *, status: str, key: str | None, prefix: str) -> None:
    """Rows in bulk, none of them ready to start."""
    if number:
        values = {"number": number, "status": status, "key": key, "prefix": prefix}
        tx.execute(text(NUMBERS["postgresql" if tx.postgres else "sqlite"] + INSERT), values)


def measure(base: SqlDatabase, database: SqlDatabase) -> tuple[list[float], list[float]]:
    """Seconds of one claim with its lease in either, turn by turn, for the machine is never equally busy."""
    turns = [(claim_once(base), claim_once(database)) for _ in range(ROUNDS)][ROUNDS // 10 :]
    return [turn[0] for turn in turns], [turn[1] for turn in turns]


def claim_once(database: SqlDatabase) -> float:
    """Seconds of one claim, which a rollback then takes back."""
    with database.writer.connect() as connection, connection.begin() as transaction:
        begun = time.perf_counter()
        claimed = BOOK.claim(Tx(connection, SystemClock()), "here", "me")
        seconds = time.perf_counter() - begun
        assert claimed is not None
        transaction.rollback()
    return seconds


def describe(seconds: list[float]) -> str:
    """Median and 99th percentile."""
    ordered = sorted(seconds)
    tail = ordered[len(ordered) * 99 // 100]
    return f"  median {statistics.median(ordered) * 1e6:5.0f} us, p99 {tail * 1e6:5.0f} us"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
