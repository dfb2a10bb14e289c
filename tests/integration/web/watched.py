"""What there is to be watched, for the tests that walk every page: ids for addresses."""

from __future__ import annotations

from tests.integration.http.hook_rows import delivery_to
from tests.integration.http.notification_rows import NOTIFICATION_THINGS
from tests.integration.http.world import World
from tests.support.certificates.certificates import certificate_for

# Of what no engine is there to tell; ``test_container_pages`` has one.
WITH_AN_ENGINE = frozenset({"/containers/{containerId}", "/containers/servers/{serverId}/{containerId}"})


async def watched_ids(world: World, application_id: str) -> dict[str, str]:
    """An id for each name in an address of these pages."""
    channel_id, notice_id = await NOTIFICATION_THINGS["notification", "notice"](world)
    delivery_id = (await delivery_to(world, application_id))["delivery"]
    pem, key = certificate_for("watched.example.org")
    certificate = await world.post("certificates.create", name="watched", certificateData=pem, privateKey=key)
    of_panel = {"{certificateId}": certificate["certificateId"]}
    return {"{deliveryId}": delivery_id, "{notificationId}": channel_id, "{noticeId}": notice_id, **of_panel}
