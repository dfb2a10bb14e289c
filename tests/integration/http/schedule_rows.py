"""The rows of the table of access that are about schedules, and the things that they are called with."""

from __future__ import annotations

from collections.abc import Mapping

from headway.core.access.policy import Noun
from tests.integration.http.access_rows import ADMIN, DEPLOY, IN_PROJECT, MEMBER, MUTATION, OWN, QUERY, READ, SET, Row
from tests.integration.http.world import World

A_SCHEDULE = {"name": "nightly", "cronExpression": "30 4 * * *", "command": "true"}
INSIDE = {"applicationId": "{application}"}
SCHEDULE = {"scheduleId": "{schedule}"}
OF = {"id": "{application}", "scheduleType": "application"}

SCHEDULE_ROWS: Mapping[str, Row] = {
    "schedule.create": Row(MUTATION, INSIDE | A_SCHEDULE, ADMIN, SET, IN_PROJECT, Noun.APPLICATION),
    "schedule.delete": Row(MUTATION, SCHEDULE, ADMIN, SET, IN_PROJECT),
    "schedule.list": Row(QUERY, OF, MEMBER, READ, IN_PROJECT, Noun.APPLICATION),
    "schedule.one": Row(QUERY, SCHEDULE, MEMBER, READ, IN_PROJECT),
    "schedule.overview": Row(QUERY, {}, MEMBER, READ, OWN),
    "schedule.runManually": Row(MUTATION, SCHEDULE, MEMBER, DEPLOY, IN_PROJECT),
    "schedule.update": Row(MUTATION, SCHEDULE | {"name": "renamed"}, ADMIN, SET, IN_PROJECT),
}


async def schedule_of(world: World, application_id: str) -> dict[str, str]:
    """A schedule inside an application."""
    made = await world.post("schedule.create", applicationId=application_id, **A_SCHEDULE)
    return {"schedule": made["scheduleId"]}
