"""What a restore makes on a real PostgreSQL is known to be its own when it is removed again, in use or not."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing

import psycopg
import pytest

from headway.drivers.dumps import postgres
from headway.drivers.dumps.base import Engine, Server, Typed
from headway.drivers.dumps.postgres import PostgresDumper
from tests.support.databases.postgres import Cluster

pytestmark = pytest.mark.postgres
DUMPER = PostgresDumper()
MARK = "Made by Headway for the restore 'x'"


def typed(cluster: Cluster, what: Typed) -> subprocess.CompletedProcess[str]:
    env = {**what.env, "PATH": os.environ["PATH"]}
    return subprocess.run(what.argv, env=env, input=what.stdin.decode(), capture_output=True, text=True, check=False)


def server(cluster: Cluster) -> Server:
    return Server(engine=Engine.POSTGRES, username="postgres", host="127.0.0.1", port=cluster.port)


def names(cluster: Cluster) -> set[str]:
    with psycopg.connect(cluster.url("postgres")) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@pytest.mark.parametrize("forces", [True, False])
def test_only_what_has_the_mark_is_removed_whoever_is_in_it(
    postgres_cluster: Cluster, monkeypatch: pytest.MonkeyPatch, *, forces: bool
) -> None:
    if not forces:  # as PostgreSQL 12 has it
        monkeypatch.setattr(postgres, "_FORCE_SINCE", 10_000_000)
    at, mine, theirs = server(postgres_cluster), f"it's mine {forces}", "theirs"
    made = typed(postgres_cluster, DUMPER.create(at, "postgres", "postgres", mine, MARK))
    assert made.returncode == 0, made.stderr
    postgres_cluster.administer(f"CREATE DATABASE {theirs}")
    with closing(psycopg.connect(postgres_cluster.url("postgres"), dbname=mine)) as busy:
        busy.execute("SELECT 1")
        for target in (mine, theirs, "nowhere"):
            done = typed(postgres_cluster, DUMPER.drop(at, "postgres", target, MARK))
            assert done.returncode == 0, done.stderr
        assert mine not in names(postgres_cluster)
    assert theirs in names(postgres_cluster)
    assert typed(postgres_cluster, DUMPER.drop(at, "postgres", theirs)).returncode == 0
    assert theirs not in names(postgres_cluster)
