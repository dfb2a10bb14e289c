"""Dumps that somebody has written himself, and servers that ask for more than they should: the programs that read them
have nothing to give.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.storages import packer
from tests.support.databases.mariadb import MariaDb, lacks_mariadb, running_mariadb
from tests.support.databases.postgres import Cluster, find_program
from tests.support.panel.panel import panel
from tests.support.storages.backups import Keeper, postgres_with_password, reached

Json = Any
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="programs are given accounts of their own: needs root"),
]
needs_mariadb = pytest.mark.skipif(lacks_mariadb() is not None, reason=str(lacks_mariadb()))
needs_postgres = pytest.mark.skipif(find_program("pg_dump") is None, reason="this machine has no PostgreSQL")


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    data = tmp_path_factory.mktemp("panel") / "data"
    with panel(data, HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as running:
        yield Keeper(running)


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with postgres_with_password() as cluster:
        yield cluster


def packed(dump: bytes, engine: str) -> bytes:
    """A kept file as Headway would have written it, with what somebody else has put in it."""
    kept = io.BytesIO()
    header = json.dumps({"engine": engine, "deployment": "x", "format": 1})
    packer.pack(io.BytesIO(dump), kept, header.encode())
    return kept.getvalue()


def restored(keeper: Keeper, backup_id: str, dump: bytes, engine: str, target: str) -> tuple[Json, str]:
    running = keeper.running
    destination_id = running.get("backup.one", backupId=backup_id)["destinationId"]
    folder = running.data_dir / "backups" / destination_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "crafted").write_bytes(packed(dump, engine))
    row = keeper.restore(backup_id, "crafted", target)
    return row, running.deployment_log(row["deploymentId"])


def statements(key: Path, mark: Path) -> dict[str, str]:
    """What a dump can say to the client that reads it."""
    load = f"LOAD DATA LOCAL INFILE '{key}' INTO TABLE loot;"
    return {
        "load": load,
        "load hidden in a comment": f"/*!40000 {load[:-1]} */;",
        "load by another delimiter": f"DELIMITER //\n{load[:-1]}//\nDELIMITER ;",
        "load of what is running": load.replace(str(key), "/proc/self/environ"),
        "system": f"\\! touch {mark}",
        "source": f"source {key}",
        "tee": f"tee {mark}",
        "pager": f"pager touch {mark}\nSELECT 1;",
    }


NAMES = sorted(statements(Path("/k"), Path("/m")))


@needs_mariadb
@pytest.mark.parametrize("name", NAMES)
def test_a_dump_reads_and_starts_nothing(keeper: Keeper, mariadb: MariaDb, tmp_path: Path, name: str) -> None:
    mark = tmp_path / "mark"
    said = statements(keeper.running.data_dir / "vault.key", mark)[name]
    database = f"loot_{NAMES.index(name)}"
    mariadb.sql(f"CREATE DATABASE {database}")
    backup_id = keeper.make("mariadb", mariadb.connection, database)
    dump = f"CREATE TABLE loot (line text);\n{said}\n-- Dump completed\n"
    _, log = restored(keeper, backup_id, dump.encode(), "mariadb", database)
    loot = mariadb.sql("SELECT * FROM loot", database) if mariadb.sql("SHOW TABLES", database) else ""
    assert (loot, mark.exists()) == ("", False), log


@needs_mariadb
def test_the_programs_run_as_an_account_that_may_read_nothing(keeper: Keeper, mariadb: MariaDb) -> None:
    """The whole of what stands between a dump and the machine, whatever a client does: a client in the place of the
    real one tells who it is.
    """
    mariadb.sql("CREATE DATABASE who")
    backup_id = keeper.make("mariadb", mariadb.connection, "who")
    real = Path("/usr/local/bin/mariadb")  # before /usr/bin in the path of such programs
    if real.exists():
        pytest.skip(f"{real} is somebody's")
    key = keeper.running.data_dir / "vault.key"
    looked = f'cat {key}; grep -E "^(Uid|CapEff|CapBnd|NoNewPrivs)" /proc/self/status; pwd; ls -A | wc -l; echo "$HOME"'
    real.write_text(f"#!/bin/sh\nexec >&2\n{looked}\nexit 7\n")
    real.chmod(0o755)
    try:
        row, log = restored(keeper, backup_id, b"-- Dump completed\n", "mariadb", "who")
    finally:
        real.unlink()
    assert row["status"] == "error"
    uids = re.search(r"Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", log)
    assert uids is not None, log
    assert all(int(each) > 1_000_000_000 for each in uids.groups()), log
    assert "Permission denied" in log
    assert key.read_text() not in log
    assert "CapEff:\t0000000000000000" in log
    assert "NoNewPrivs:\t1" in log
    assert "/nonexistent" in log


@needs_postgres
def test_a_plain_dump_is_not_taken_by_the_client_of_postgres(keeper: Keeper, postgres: Cluster, tmp_path: Path) -> None:
    """SQL is read by psql, which starts programs; a dump in PostgreSQL's own format is no program's."""
    postgres.administer("CREATE DATABASE loot")
    backup_id = keeper.make("postgres", reached(postgres), "loot")
    mark = tmp_path / "mark"
    for said in (f"\\! touch {mark}", f"\\o |touch {mark}", f"\\copy pg_class to program 'touch {mark}'"):
        row, log = restored(keeper, backup_id, f"{said}\nSELECT 1;\n".encode(), "postgres", "loot")
        assert (row["status"], mark.exists()) == ("error", False), log


@needs_postgres
def test_a_dump_of_postgres_that_says_copy_program_starts_nothing(keeper: Keeper, postgres: Cluster) -> None:
    """Whoever restores it with a user that has no such powers is told so by the server; a superuser's powers are lent
    to a dump by nobody but who may use the machine.
    """
    mark = Path("/tmp") / f"headway-mark-{os.getpid()}"
    postgres.administer("CREATE ROLE plain LOGIN PASSWORD 'plain'", "CREATE DATABASE rogue OWNER plain")
    dump = rogue_dump(f"COPY public.t FROM PROGRAM 'touch {mark}'")
    backup_id = keeper.make("postgres", reached(postgres, username="plain", password="plain"), "rogue")
    row, log = restored(keeper, backup_id, dump, "postgres", "rogue")
    assert (row["status"], "COPY to or from an external program" in log) == ("error", True), log
    row, log = as_another_admin(keeper, keeper.make("postgres", reached(postgres), "rogue"), dump, "rogue")
    assert (row["reason"], "is a superuser of 127.0.0.1" in row["errorMessage"]) == ("refused", True), log
    assert not mark.exists()


@needs_postgres
def test_a_dump_takes_no_role_that_its_user_may_take(keeper: Keeper, postgres: Cluster) -> None:
    """A member of a superuser's role is none himself until a dump says so."""
    mark = Path("/tmp") / f"headway-mark-of-a-member-{os.getpid()}"
    made = "CREATE ROLE member LOGIN PASSWORD 'member'"
    postgres.administer(
        "CREATE ROLE boss SUPERUSER", made, "GRANT boss TO member", "CREATE DATABASE taken OWNER member"
    )
    dump = rogue_dump(f"SET ROLE boss; COPY public.t FROM PROGRAM 'touch {mark}'", owner="member")
    backup_id = keeper.make("postgres", reached(postgres, username="member", password="member"), "taken")
    row, log = as_another_admin(keeper, backup_id, dump, "taken")
    assert not mark.exists(), log
    assert (row["reason"], "is a superuser of 127.0.0.1" in row["errorMessage"]) == ("refused", True), log


def as_another_admin(keeper: Keeper, backup_id: str, dump: bytes, database: str) -> tuple[Json, str]:
    """What comes of a restore by an admin who may not use the machine."""
    running = keeper.running
    invited = running.post("organization.inviteMember", email=f"mia@{database}.example", role="admin")
    accepted = running.post("organization.acceptInvitation", token=invited["token"])
    own, running.client.headers["x-api-key"] = running.client.headers["x-api-key"], accepted["key"]
    try:
        return restored(keeper, backup_id, dump, "postgres", database)
    finally:
        running.client.headers["x-api-key"] = own


def rogue_dump(wanted: str, *, owner: str = "plain") -> bytes:
    """A dump whose statement was exchanged for one of the same length."""
    with postgres_with_password() as own:
        own.administer(f"CREATE ROLE {owner} LOGIN", f"CREATE DATABASE d OWNER {owner}")
        filler = "x" * len(wanted)
        made = [
            "psql", "--no-psqlrc", f"--host={own.folder}", f"--port={own.port}", f"--username={owner}", "--dbname=d",
            "--command", f"CREATE TABLE t (a text); COMMENT ON TABLE t IS '{filler}'",
        ]  # fmt: skip
        subprocess.run(made, check=True, capture_output=True)
        argv = ["pg_dump", "--format=custom", "--compress=0", *made[2:6]]
        found = subprocess.run(argv, check=True, capture_output=True).stdout
    statement = f"COMMENT ON TABLE public.t IS '{filler}';".encode()
    assert statement in found
    return found.replace(statement, f"{wanted};".encode().ljust(len(statement)))
