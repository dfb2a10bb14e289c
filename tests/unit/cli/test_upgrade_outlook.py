"""What ``headway upgrade-check`` says of the room that an upgrade needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from headway.cli.diagnosis import Level
from headway.cli.upgrade_outlook import judge
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.kernel.settings import Facts, Settings
from headway.upkeep import Outlook, look_ahead

MIB = 1 << 20
OUTLOOK = Outlook(
    data_dir=Path("/var/lib/headway"),
    version="2",
    found_version="1",
    python="3.11",
    revision="0037",
    newest_revision="0038",
    migrations={"0038": "one table"},
    too_new=False,
    panel=None,
    unfinished=(),
    kinds={},
    database_bytes=100 * MIB,
    free_bytes=600 * MIB,
)


def test_a_migration_needs_room_for_the_copy_its_log_and_what_it_adds() -> None:
    (short,) = (each for each in judge(replace(OUTLOOK, free_bytes=500 * MIB)) if each.name == "disk")
    assert (short.level, "556 MiB are needed" in short.detail) == (Level.MISSING, True)
    (enough,) = (each for each in judge(OUTLOOK) if each.name == "disk")
    assert enough.level is Level.OK
    same_schema = judge(replace(OUTLOOK, migrations={}, free_bytes=300 * MIB))
    (unchanged,) = (each for each in same_schema if each.name == "disk")
    assert unchanged.level is Level.OK


def test_what_lies_in_the_log_of_the_database_counts(tmp_path: Path) -> None:
    facts = Facts(is_root=False, home=tmp_path, cwd=tmp_path, cores=2, memory_bytes=8 << 30)
    settings = Settings.from_env({}, facts, data_dir=str(tmp_path))
    database = SqlDatabase(settings.database.reveal())
    migrate(database)
    with database.writer.begin() as connection:
        connection.execute(text("CREATE TABLE large AS SELECT zeroblob(2097152) AS bytes"))
    assert (tmp_path / "headway.db-wal").stat().st_size > 2 * MIB
    assert look_ahead(settings).database_bytes > (tmp_path / "headway.db").stat().st_size + 2 * MIB
    database.close()
