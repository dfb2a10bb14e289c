"""Everybody who is let in to nearly all that there is calls all of it; in the suite the owner does."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.http.test_access_table import AS_THE_OWNER, gets_what_the_table_says
from tests.integration.http.world import open_world


@pytest.mark.parametrize("name", sorted(AS_THE_OWNER))
async def test_a_caller_gets_what_the_table_says(tmp_path: Path, sqlite_template: Path, name: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as world:
        await gets_what_the_table_says(world, name, all_of_it=True)
