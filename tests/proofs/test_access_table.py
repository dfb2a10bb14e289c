"""Everybody calls all that there is; in the suite, of what uses something up, a part each day."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.http.access_table import TABLE
from tests.integration.http.callers import CALLERS
from tests.integration.http.test_access_table import gets_what_the_table_says
from tests.integration.http.world import open_world


@pytest.mark.parametrize("name", CALLERS)
async def test_a_caller_gets_what_the_table_says(tmp_path: Path, sqlite_template: Path, name: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as world:
        await gets_what_the_table_says(world, name, TABLE)
