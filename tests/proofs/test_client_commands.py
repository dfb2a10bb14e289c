"""Every command of npm's command line whose procedure exists, of which the suite drives some, others each day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.drives import DRIVES, REFUSED, UNTOLD
from tests.e2e.driving import driven, drives, hears_that_a_test_was_not_taken, hears_that_there_is_none
from tests.e2e.npm_clients import Cli, installed
from tests.e2e.stage import Stage

Json = Any


@pytest.fixture(scope="module")
def ready(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Cli, Stage, Json]]:
    """The command line, what its commands are about, and what the document says of the answers."""
    assert request.config.cache is not None
    clients, folder = installed(request.config.cache), tmp_path_factory.mktemp("driven")
    with driven(folder) as (running, stage):
        yield Cli(clients, running, Path(folder)), stage, running.get("settings.getOpenApiDocument")


@pytest.mark.parametrize("procedure", sorted(DRIVES))
def test_it_drives(ready: tuple[Cli, Stage, Json], procedure: str) -> None:
    drives(*ready, procedure)


@pytest.mark.parametrize("procedure", sorted(REFUSED))
def test_it_hears_that_there_is_none(ready: tuple[Cli, Stage, Json], procedure: str) -> None:
    hears_that_there_is_none(ready[0], procedure)


@pytest.mark.parametrize("procedure", sorted(UNTOLD))
def test_it_hears_that_a_test_was_not_taken(ready: tuple[Cli, Stage, Json], procedure: str) -> None:
    hears_that_a_test_was_not_taken(ready[0], procedure)
