"""What reads the bytes of storages and of dumps takes so much memory and no more, and the run says why it ended."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.drivers.storages.base import Storage, StorageRefused
from headway.drivers.storages.queries import Storages
from headway.drivers.storages.rclone import Rclone
from tests.attacks.test_dumps import restored
from tests.support.databases.mariadb import MariaDb, lacks_mariadb, running_mariadb
from tests.support.panel.panel import panel
from tests.support.storages.backups import Keeper

pytestmark = pytest.mark.slow

_MIB = 1 << 20
STORAGE = Storage(root="dest:bucket")


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    with panel(tmp_path / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock", HEADWAY_STORAGE_MEMORY="96M") as running:
        yield Keeper(running)


@pytest.fixture
def mariadb() -> Iterator[MariaDb]:
    with running_mariadb() as server:
        yield server


@pytest.mark.timeout(180)
@pytest.mark.skipif(os.geteuid() != 0, reason="control groups are root's to make")
@pytest.mark.skipif(lacks_mariadb() is not None, reason=str(lacks_mariadb()))
def test_a_dump_of_one_endless_statement_ends_at_the_bound(keeper: Keeper, mariadb: MariaDb) -> None:
    mariadb.sql("CREATE DATABASE endless")
    backup_id = keeper.make("mariadb", mariadb.connection, "endless")
    keeper.run(backup_id, "Mariadb")  # an honest one is well within it
    endless = b"INSERT INTO t VALUES ('" + b"a" * (400 * _MIB)
    row, _ = restored(keeper, backup_id, endless + b"');\n-- Dump completed\n", "mariadb", "endless")
    assert (row["status"], row["reason"]) == ("error", "out_of_memory"), row["errorMessage"]
    assert "more than 96 MiB of memory. Raise HEADWAY_STORAGE_MEMORY" in row["errorMessage"]


def asked(folder: Path, program: str) -> Storages:
    """Asks a storage by a program in the place of rclone."""
    script = folder / "rclone"
    script.write_text(f"#!{sys.executable} -I\n{program}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return Storages(rclone=Rclone(program=str(script)), memory_bytes=128 * _MIB)


GREEDY = """
import sys, time
time.sleep(0.3)
try:
    held = bytearray(512 << 20)
except MemoryError:
    sys.exit("fatal error: runtime: cannot allocate memory")
print("[]")
"""
ENDLESS = """
import sys
while True:
    sys.stdout.write("[" * 65536)
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [(GREEDY, "takes more memory than it may; raise HEADWAY_STORAGE_MEMORY"), (ENDLESS, "gives more than 8 MiB")],
    ids=["greedy", "endless"],
)
async def test_what_a_storage_answers_fills_no_memory(tmp_path: Path, program: str, said: str) -> None:
    with pytest.raises(StorageRefused, match=said):
        await asked(tmp_path, program).list(STORAGE, "")
