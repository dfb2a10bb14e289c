"""What there is to be watched, for the tests that walk every page: ids for addresses, and who may open which."""

from __future__ import annotations

from collections.abc import Mapping

from tests.integration.http.hook_rows import delivery_to
from tests.integration.http.world import World

WATCHED_BY_MEMBERS: Mapping[str, int] = {"/webhooks": 200, "/containers": 200, "/disk": 200}
WATCHED_BY_ADMINS: frozenset[str] = frozenset()

# Of what no engine is there to tell; ``test_container_pages`` has one.
WITH_AN_ENGINE = frozenset({"/containers/{containerId}", "/containers/servers/{serverId}/{containerId}"})


async def watched_ids(world: World, application_id: str) -> dict[str, str]:
    """An id for each name in an address of these pages."""
    return {"{deliveryId}": (await delivery_to(world, application_id))["delivery"]}
