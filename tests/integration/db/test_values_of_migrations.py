"""What migrations write beside new columns and tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.sqlite import sqlite_url
from tests.integration.db.schema_0037 import AT, PLACE, Row, contents, domain, fill, make
from tests.support.databases.postgres import Cluster


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlDatabase]:
    """One that has no tables yet."""
    url = sqlite_url(tmp_path / "headway.db")
    if request.param == "postgres":
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        name = f"values_{request.node.name.partition('[')[0]}"[-60:]
        cluster.administer(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
        url = cluster.url(name)
    opened = SqlDatabase(url)
    yield opened
    opened.close()


def after(database: SqlDatabase, revision: str, rows: dict[str, list[Row]], table: str) -> list[Row]:
    """The rows of a table of the newest schema, where a database of an earlier one had these."""
    make(database, revision)
    fill(database, {**PLACE, **rows})
    migrate(database)
    with database.writer.connect() as connection:
        return contents(connection)[table]


def test_domains_that_ask_for_a_certificate_ask_since_they_are_there(database: SqlDatabase) -> None:
    asks = {"https": True, "certificate_type": "letsencrypt"}
    rows = {
        "asks": asks,
        "by-resolver": {**asks, "certificate_type": "custom", "resolver": "acme"},
        "off": {**asks, "enabled": False},
        "plain": {**asks, "https": False},
        "own": {**asks, "certificate_type": "custom"},
    }
    found = after(
        database, "0046", {"domains": [domain(name, "application", "a") | row for name, row in rows.items()]}, "domains"
    )
    assert {row["domain_id"]: row["asked_at"] for row in found} == {
        "asks": AT,
        "by-resolver": AT,
        "off": None,
        "plain": None,
        "own": None,
    }


def test_channels_that_were_left_as_they_were_made_are_told_what_is_down(database: SqlDatabase) -> None:
    before = ["*.error", "*.unstable", "*.out_of_reach", "*.missed", "disk.low", "channel.failed"]
    plain = {"organization_id": "o", "name": "ops", "medium": "webhook", "target": "sealed", "quiet_seconds": 60}
    more = {"projects": [], "services": [], "created_at": AT}
    events = {"left": before, "chosen": before[:2], "none": []}
    rows = [{"channel_id": name, "events": each, **plain, **more} for name, each in events.items()]
    found = after(database, "0047", {"channels": rows}, "channels")
    told = {row["channel_id"]: "*.down" in str(row["events"]) for row in found}
    assert told == {"left": True, "chosen": False, "none": False}
