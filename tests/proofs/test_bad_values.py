"""Bodies that are large and hard to read, to every mutation on both wires."""

from __future__ import annotations

import pytest

from tests.integration.http.conftest import world
from tests.integration.http.test_bad_values import MUTATIONS, send_bodies
from tests.integration.http.world import World

__all__ = ["world"]


@pytest.mark.parametrize("wire", ["", "trpc/"])
async def test_a_body_that_is_hard_to_read_breaks_nothing(world: World, wire: str) -> None:
    await send_bodies(world, wire, large_to={procedure.name for procedure in MUTATIONS})
