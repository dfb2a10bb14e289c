"""Whether a container was ended for the memory that it used, which an engine may learn after the end itself."""

from __future__ import annotations

import asyncio
import time

from headway.infra.docker.api import DockerApi

KILLED = 137

_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 0.05


async def ran_out_of_memory(api: DockerApi, container_id: str, exit_code: int | None) -> bool:
    """Whether a container that has ended with this status used more memory than it may. The kernel's word on that and
    the end come to the engine by two ways: of what was killed it is asked again, for a second at most.
    """
    deadline = time.monotonic() + _SECONDS
    while (found := await api.find(f"/containers/{container_id}/json")) is not None:
        if found["State"].get("OOMKilled"):
            return True
        if exit_code != KILLED or time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
    return False
