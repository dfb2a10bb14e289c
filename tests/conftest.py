"""What every test may rely on: the marks that say what a test needs, and a clear word where it is not there."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.databases import (
    database,
    database_url,
    postgres_cluster,
    postgres_database_url,
    sqlite_database_url,
    sqlite_template,
)
from tests.docker_engine import Engine, lacks_docker, shared_engine
from tests.postgres import find_program
from tests.swarm_nodes import Nodes, swarm_nodes

__all__ = [
    "database",
    "database_url",
    "postgres_cluster",
    "postgres_database_url",
    "sqlite_database_url",
    "sqlite_template",
]


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Engine]:
    """A Docker engine that all tests of this run share, on whichever worker they are."""
    own = tmp_path_factory.getbasetemp()
    with shared_engine((own if worker_id == "master" else own.parent) / "docker") as engine:
        yield engine


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """A swarm of two machines, of this worker's own."""
    with swarm_nodes(tmp_path_factory.mktemp("swarm")) as started:
        yield started


@pytest.hookimpl(tryfirst=True)  # before what is slow is left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("docker"):
            item.add_marker(pytest.mark.slow)  # an engine takes seconds to come up, and its base image longer
    lacks = {"docker": lacks_docker(), "postgres": _lacks_postgres(), "root": _lacks_root()}
    for item in items:
        for mark, reason in lacks.items():
            if reason and item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))


def _lacks_postgres() -> str | None:
    if find_program("initdb"):
        return None
    return "no PostgreSQL server programs on this machine (apt-get install postgresql)"


def _lacks_root() -> str | None:
    return None if os.geteuid() == 0 else "needs root: accounts, cgroups and namespaces are root's to make"
