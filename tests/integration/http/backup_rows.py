"""The rows of the table of access that are about backups, and the things that they are called with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from tests.integration.http.access_rows import ADMIN, MUTATION, ORGANISATION, OWN, QUERY, READ, SET, Row
from tests.integration.http.world import World

A_LOCAL_ONE = {"name": "d", "provider": "local"}
DESTINATION = {"destinationId": "{destination}"}

BACKUP_ROWS: Mapping[str, Row] = {
    "destination.all": Row(QUERY, {}, ADMIN, READ, OWN),
    "destination.create": Row(MUTATION, A_LOCAL_ONE, ADMIN, SET, OWN),
    "destination.one": Row(QUERY, DESTINATION, ADMIN, READ, ORGANISATION),
    "destination.remove": Row(MUTATION, DESTINATION, ADMIN, SET, ORGANISATION),
    "destination.testConnection": Row(MUTATION, DESTINATION | A_LOCAL_ONE, ADMIN, SET, ORGANISATION),
    "destination.update": Row(MUTATION, DESTINATION | A_LOCAL_ONE, ADMIN, SET, ORGANISATION),
}


async def _destination(world: World) -> tuple[str, ...]:
    return ((await world.post("destination.create", **A_LOCAL_ONE))["destinationId"],)


BACKUP_THINGS: Mapping[tuple[str, ...], Callable[[World], Awaitable[tuple[str, ...]]]] = {
    ("destination",): _destination,
}
