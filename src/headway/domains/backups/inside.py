"""What a run starts inside of a database's container, which outlives the engine's command line when that is killed."""

from __future__ import annotations

import asyncio

from headway.core.deployments.run import Run, Undoing
from headway.infra.hosts import processes
from headway.kernel.errors import HeadwayError
from headway.seams.dumps.base import INSIDE, Server

UNDO_INSIDE = "programs inside a container"
_SECONDS = 20.0


async def mark_inside(run: Run, server: Server) -> None:
    """Notes, before anything is started in a container, that it has to be ended there."""
    if server.container is not None:
        await run.undo(UNDO_INSIDE, {})


async def end_inside(undoing: Undoing) -> None:
    """Ends what the run has started in containers of this machine."""
    marks = {INSIDE: undoing.deployment.deployment_id}
    async with undoing.fence():
        if not await asyncio.to_thread(_end, marks):
            raise HeadwayError("Programs inside the database's container do not end although they were killed.")


def _end(marks: dict[str, str]) -> bool:
    return processes.end_marked(marks, _SECONDS)
