"""How a service of any kind is stopped, and how it is deleted: first what is under way of it ends, then what serves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from headway.core.deployments.service import Stopping
from headway.features.servers.deferred_deletion import kept_deletion
from headway.features.services import store
from headway.features.services.desired_state import want_down
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.model import Service
from headway.infra.db.engine import Database
from headway.kernel.errors import Unavailable

STOP_SECONDS = 25.0  # clients wait for thirty
End = Callable[[str], Awaitable[None]]
"""Ends the deployments of the service with this id, and what runs once inside it."""


class NotStoppedYet(Unavailable):
    """A service is to be down, and something of it takes longer to end than anybody waits for."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is being stopped, and not all of it has ended within {STOP_SECONDS:g} s. It goes on ending: a "
            "container has as long as its stop_grace_period says, and nothing starts it again meanwhile."
        )


async def stop(
    db: Database,
    lifecycle: ServiceLifecycle[Any, Any],
    service: Service[Any],
    end: End,
    take_down: Callable[[Service[Any]], Awaitable[None]],
) -> None:
    """Returns when nothing of the service runs. Raises NotStoppedYet where that takes long: whoever keeps the service
    as it is wanted goes on.
    """
    service_id = service.service_id
    await db.run(lambda tx: want_down(tx, service_id))
    await end(service_id)
    try:
        async with asyncio.timeout(STOP_SECONDS), lifecycle.turn(service_id):
            await take_down(service)
    except TimeoutError as error:
        raise NotStoppedYet(service.name) from error
    await db.run(lambda tx: want_down(tx, service_id))


async def delete(
    db: Database, lifecycle: ServiceLifecycle[Any, Any], service: Service[Any], end: End, stopping: Stopping
) -> None:
    """Removes all of a service whose deletion was begun, with what runs of its pull requests. Raises StillThere where
    its host cannot be asked now: who looks after deletions goes on.
    """
    service_id = service.service_id
    with kept_deletion(service.name, service.host_id):
        await end(service_id)
        await lifecycle.remove_previews(service_id, stopping)
        async with lifecycle.turn(service_id):
            if await db.read(lambda tx: store.is_being_deleted(tx, service_id)):  # it may be gone by now
                await lifecycle.remove(service)
