"""A work site, a repository and a source for each test."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.sources.repositories import Repository
from tests.integration.worksite import Worksite, open_worksite


@pytest.fixture
async def site() -> AsyncIterator[Worksite]:
    async with open_worksite() as opened:
        yield opened


@pytest.fixture
def private() -> Iterator[Path]:
    """A folder that nobody but the panel's own account can enter, as below /root."""
    with tempfile.TemporaryDirectory(prefix="headway-private-") as folder:
        yield Path(folder)


@pytest.fixture
def repository(private: Path) -> Repository:
    made = Repository(private / "app")
    made.commit("First", {"app.py": "print(1)\n", "web/index.html": "<p>one</p>\n"})
    return made
