"""The world behind the pages, one for each test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.http.world import World, open_world


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    async with open_world(_with_schema(tmp_path / "data", sqlite_template)) as opened:
        yield opened


def _with_schema(folder: Path, template: Path) -> Path:
    """A data folder whose database is there: the migrations have tests of their own."""
    folder.mkdir()
    shutil.copyfile(template, folder / "headway.db")
    return folder
