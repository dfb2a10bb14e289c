"""What is typed for each kind of database server, as whole commands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headway.drivers.dumps import trees
from headway.drivers.dumps.base import INSIDE, PATH, CannotDump, Engine, Server
from headway.drivers.dumps.registry import DUMPERS

HERE = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
REMOTE = Server(engine=Engine.POSTGRES, username="u", password="s3cret", host="db.example", port=0)
INNER = replace(REMOTE, container="c0ffee", docker={"DOCKER_HOST": "unix:///x", INSIDE: "d"})
LIBPQ = {"PGDATABASE": "shop", "PGCONNECT_TIMEOUT": "15", "PGAPPNAME": "headway", "PGPASSWORD": "s3cret"}
WHERE = ("--host=db.example", "--port=5432", "--username=u")


@pytest.mark.parametrize("engine", Engine)
def test_no_secret_is_an_argument(engine: Engine) -> None:
    for server in (REMOTE, INNER):
        dump = DUMPERS[engine].dump(replace(server, engine=engine), "shop")
        assert not any("s3cret" in word for word in dump.argv)
        assert "s3cret" in "".join(dump.env.values()) + dump.stdin.decode()


def test_postgres_is_dumped_in_its_own_format() -> None:
    typed = DUMPERS[Engine.POSTGRES].dump(REMOTE, "shop")
    assert typed.argv == ("pg_dump", "--format=custom", "--compress=0", "--no-password", *WHERE)
    assert typed.env == {**HERE, **LIBPQ}


def test_in_its_container_it_is_asked_through_its_own_socket() -> None:
    typed = DUMPERS[Engine.POSTGRES].dump(INNER, "shop")
    names = ("PGAPPNAME", "PGCONNECT_TIMEOUT", "PGDATABASE", "PGPASSWORD", INSIDE)
    program = ("pg_dump", "--format=custom", "--compress=0", "--no-password", "--username=u")
    assert typed.argv == ("docker", "exec", "--interactive", *(f"--env={name}" for name in names), "c0ffee", *program)
    assert typed.env == {**LIBPQ, **INNER.docker}


def test_postgres_is_restored_all_or_nothing() -> None:
    typed = DUMPERS[Engine.POSTGRES].restore(REMOTE, "it's", over=True)
    assert typed.argv == (
        *("pg_restore", "--single-transaction", "--exit-on-error", "--no-password", "--clean", "--if-exists"),
        *(*WHERE, r"--dbname=dbname='it\'s'"),
    )
    assert typed.env["PGOPTIONS"] == "-c lock_timeout=60s"
    assert "--clean" not in DUMPERS[Engine.POSTGRES].restore(REMOTE, "shop", over=False).argv


@pytest.mark.parametrize(
    ("engine", "program", "own"),
    [
        (Engine.MARIADB, "mariadb-dump", ()),
        (Engine.MYSQL, "mysqldump", ("--set-gtid-purged=OFF", "--column-statistics=0")),
    ],
)
def test_mariadb_and_mysql_are_dumped_at_one_moment(engine: Engine, program: str, own: tuple[str, ...]) -> None:
    typed = DUMPERS[engine].dump(REMOTE, "--all-databases")
    assert typed.argv == (
        *(program, "--no-defaults", "--protocol=tcp", "--host=db.example", "--port=3306", "--user=u"),
        *("--single-transaction", "--quick", "--routines", "--triggers", "--events", "--hex-blob", "--no-tablespaces"),
        *("--default-character-set=utf8mb4", "--max-allowed-packet=1G", *own, "--", "--all-databases"),
    )
    assert typed.env == {**HERE, "MYSQL_PWD": "s3cret"}
    assert DUMPERS[engine].whole(REMOTE).last_line == "-- Dump completed"


@pytest.mark.parametrize("engine", [Engine.MARIADB, Engine.MYSQL])
@pytest.mark.parametrize("server", [REMOTE, INNER])
def test_no_server_and_no_dump_has_the_client_read_a_file(engine: Engine, server: Server) -> None:
    dumper = DUMPERS[engine]
    asked = (dumper.look(server, "a", "b"), dumper.count(server, "a"), dumper.create(server, "a", "a", "b"))
    for typed in (dumper.restore(server, "a", over=True), *asked, dumper.drop(server, "a", "b")):
        assert [word for word in typed.argv if "infile" in word] == ["--local-infile=0"]


def test_names_are_no_part_of_a_statement() -> None:
    for engine in (Engine.POSTGRES, Engine.MARIADB):
        typed = DUMPERS[engine].create(REMOTE, "shop", "shop", "x'; DROP DATABASE y; --")
        assert b"DROP" not in typed.stdin


def test_mongo_reads_its_password_from_standard_input() -> None:
    typed = DUMPERS[Engine.MONGO].dump(REMOTE, "shop")
    assert typed.argv == (
        *("mongodump", "--config=/dev/stdin", "--host=db.example", "--port=27017", "--username=u"),
        *("--authenticationDatabase=admin", "--db=shop", "--archive"),
    )
    assert typed.stdin == b'password: "s3cret"\n'
    with pytest.raises(CannotDump, match="mongorestore --archive=FILE"):
        DUMPERS[Engine.MONGO].restore(REMOTE, "shop", over=False)


def test_libsql_gives_its_dump_over_http() -> None:
    typed = DUMPERS[Engine.LIBSQL].dump(replace(REMOTE, username="", password='a"b'), "")
    assert typed.argv == ("curl", "--fail", "--silent", "--show-error", "--no-buffer", "--config", "-")
    assert typed.stdin == b'url = "http://db.example:8080/dump"\nheader = "Authorization: Bearer a\\"b"\n'
    by_name = DUMPERS[Engine.LIBSQL].dump(replace(REMOTE, username="keeper", password='a"b'), "")
    assert by_name.stdin == b'url = "http://db.example:8080/dump"\nuser = "keeper:a\\"b"\n'
    assert DUMPERS[Engine.LIBSQL].whole(REMOTE).last_line == "COMMIT;"


def test_a_folder_is_read_and_written_with_all_that_it_has() -> None:
    kept = ("--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls")
    assert trees.read("/v") == (
        *("tar", "--create", "--format=posix", "--sparse", *kept, "--file=-", "--directory=/v", "."),
    )
    assert trees.write("/v") == (
        *("tar", "--extract", "--same-owner", "--same-permissions", "--delay-directory-restore", *kept),
        *("--file=-", "--directory=/v"),
    )
