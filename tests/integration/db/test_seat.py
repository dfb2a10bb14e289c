"""One panel at a database: the second is refused, whatever becomes of connections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migrate import migrate
from headway.infra.db.probe import OtherKey, check_key
from headway.infra.db.seat import Seat, SeatTaken
from headway.infra.db.sqlite import sqlite_url
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
