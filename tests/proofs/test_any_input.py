"""Whatever is sent, no procedure breaks: it answers, or it says what is wrong; many times over."""

from __future__ import annotations

import os
from pathlib import Path

from tests.integration.http.test_any_input import send_anything
from tests.integration.http.world import open_world

ROUNDS = int(os.environ.get("ROUNDS", "24"))


async def test_no_input_breaks_a_procedure(database_url: str, tmp_path: Path) -> None:
    async with open_world(tmp_path / "data", HEADWAY_DATABASE_URL=database_url) as world:
        await send_anything(world, ROUNDS)
