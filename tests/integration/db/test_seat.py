"""One panel at a database: the second is refused, whatever becomes of connections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from headway.first_key import prepare
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.probe import OtherKey, check_key
from headway.infra.db.seat import Seat, SeatTaken
from headway.infra.db.sqlite import sqlite_url
from headway.kernel.settings import Facts, Settings
from headway.kernel.vault import Vault

_ENDED = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"


@pytest.fixture
def one(postgres_database_url: str) -> Iterator[SqlDatabase]:
    database = SqlDatabase(postgres_database_url)
    yield database
    database.close()


@pytest.fixture
def seats(one: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Seat, Seat]]:
    monkeypatch.setattr("headway.infra.db.seat._PATIENCE_SECONDS", 0.3)
    first, second = Seat(one), Seat(one)
    yield first, second
    first.leave()
    second.leave()


@pytest.mark.postgres
def test_a_second_panel_is_refused_until_the_first_has_left(seats: tuple[Seat, Seat]) -> None:
    first, second = seats
    first.take()
    with pytest.raises(SeatTaken, match="Two panels on one database"):
        second.take()
    assert first.hold() > 0
    first.leave()
    second.take()
    with pytest.raises(SeatTaken):
        first.hold()


@pytest.mark.postgres
def test_a_panel_whose_connection_was_cut_takes_its_seat_again(seats: tuple[Seat, Seat], one: SqlDatabase) -> None:
    first, second = seats
    first.take()
    with one.writer.begin() as connection:
        assert connection.scalar(text(_ENDED))
    assert first.hold() > 0
    with pytest.raises(SeatTaken):
        second.take()


@pytest.mark.postgres
async def test_who_installs_elsewhere_leaves_the_database_of_a_panel_that_works_as_it_is(
    seats: tuple[Seat, Seat], one: SqlDatabase, tmp_path: Path
) -> None:
    first, second = seats
    facts = Facts(is_root=False, home=tmp_path, cwd=tmp_path, cores=2, memory_bytes=8 << 30)
    given = {"HEADWAY_OWNER_KEY": "k" * 40, "HEADWAY_DATABASE_URL": one.url}
    elsewhere = Settings.from_env(given, facts, data_dir=str(tmp_path / "elsewhere"))
    with one.writer.begin() as connection:  # what a migration would show in
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    first.take()
    with pytest.raises(SeatTaken, match="Two panels on one database"):
        await prepare(elsewhere)
    with one.writer.connect() as connection:
        assert inspect(connection).get_table_names() == []
    first.leave()
    await prepare(elsewhere)
    second.take()  # it was given back


def test_a_sqlite_database_needs_no_seat(tmp_path: Path) -> None:
    database = SqlDatabase(sqlite_url(tmp_path / "headway.db"))
    seat = Seat(database)
    seat.take()
    assert not seat.is_held
    database.close()


async def test_a_data_directory_with_another_key_is_refused(database_url: str) -> None:
    database = SqlDatabase(database_url)
    try:
        migrate(database)
        mine = Vault(Vault.new_key())
        for _ in range(2):
            await database.run(lambda tx: check_key(tx, mine))
        with pytest.raises(OtherKey, match=r"another vault\.key"):
            await database.run(lambda tx: check_key(tx, Vault(Vault.new_key())))
    finally:
        database.close()
