"""A runtime and an edge per test, with everything that they started gone afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from headway.drivers.edge.edge import Edge
from headway.drivers.runtimes.process.release_groups import ReleaseGroups
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.infra.hosts import procfs
from tests.integration.runtimes.bench import EDGE_ACCOUNTS, Work, free_port, make_runtime, open_folder, processes_of


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as opened:
        yield opened
        _nothing_is_left(opened)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def runtime(folder: Path) -> AsyncIterator[NativeRuntime]:
    made = make_runtime(folder)
    await made.ensure()
    yield made
    await made.shut_down()


@pytest.fixture
async def edge(folder: Path) -> AsyncIterator[Edge]:
    made = Edge(folder / "edge", host="127.0.0.1", port=free_port(), accounts=EDGE_ACCOUNTS)
    await made.ensure()
    yield made
    await made.shut_down()


def _nothing_is_left(folder: Path) -> None:
    groups = ReleaseGroups.of_this_machine(folder.name)
    if groups is not None:
        groups.clear()
    left = {pid: procfs.argv(pid) for pid in processes_of(folder)}
    assert left == {}
