"""The rows of the table of access that are about webhooks, and the things that they are called with."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.access.policy import Noun
from tests.integration.http.access_rows import ADMIN, DEPLOY, MEMBER, MUTATION, OWN, QUERY, READ, SERVICE, SET, Row
from tests.integration.http.world import World

APPLICATION = {"applicationId": "{application}"}
DELIVERY = {"deliveryId": "{delivery}"}

HOOK_ROWS: Mapping[str, Row] = {
    "application.refreshToken": Row(MUTATION, APPLICATION, ADMIN, SET),
    "compose.refreshToken": Row(MUTATION, {"composeId": "{compose}"}, ADMIN, SET),
    "webhook.deliveries": Row(QUERY, APPLICATION, MEMBER, READ, SERVICE, Noun.APPLICATION),
    "webhook.one": Row(QUERY, DELIVERY, MEMBER, READ),
    "webhook.replay": Row(MUTATION, DELIVERY, MEMBER, DEPLOY),
    "webhook.search": Row(QUERY, {}, MEMBER, READ, OWN),
    "webhook.simulate": Row(QUERY, APPLICATION, MEMBER, READ, SERVICE, Noun.APPLICATION),
}


async def delivery_to(world: World, application_id: str) -> dict[str, str]:
    """The id of a delivery that came to an application, as a plain call."""
    token = (await world.get("application.one", applicationId=application_id))["refreshToken"]
    answer = await world.nobody.post(f"/deploy/{token}")
    assert answer.status_code == 200, answer.text
    return {"delivery": answer.json()["deliveryId"]}
