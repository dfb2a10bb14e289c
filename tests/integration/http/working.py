"""The engine of a world at work: its loops and the fleet, and nothing else that a panel keeps alive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headway.core.engine.poller import Poller
from tests.integration.http.world import World


@asynccontextmanager
async def working(world: World) -> AsyncIterator[None]:
    """Deployments are performed while the block lasts."""
    platform = world.platform
    engine, fleet = platform.engine, platform.fleet
    # Applications, edge and supervisor would be started on this machine, and outlive the test.
    engine._pollers = (
        *(each for each in engine._pollers if each.name in _LOOPS),
        Poller("servers", fleet.keep_round),
    )
    async with asyncio.TaskGroup() as group:
        await fleet.load()
        group.create_task(engine.run())
        try:
            yield
        finally:
            engine.stop()
    await fleet.aclose()


_LOOPS = frozenset({"worker", "recovery", "janitor", "reach", "presence", "queue repair"})
