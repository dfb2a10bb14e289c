"""A field that a procedure does not know is ignored, and named, so that a misspelt one is seen."""

from __future__ import annotations

import json

from tests.integration.http.world import World

IGNORED = "x-headway-ignored"


async def test_a_misspelt_field_is_named(world: World) -> None:
    application_id = await world.application()
    sent = {"applicationId": application_id, "strtCommand": "x", "description": "y", "ñ": 1}
    answer = await world.owner.post("/application.update", json=sent)
    assert (answer.status_code, answer.headers[IGNORED]) == (200, "strtCommand, %C3%B1")
    assert (await world.get("application.one", applicationId=application_id))["description"] == "y"

    answer = await world.owner.get("/application.one", params={"applicationId": application_id, "deep": "1"})
    assert (answer.status_code, answer.headers[IGNORED]) == (200, "deep")
    again = {"if-none-match": answer.headers["etag"]}
    answer = await world.owner.get("/application.one", params={"applicationId": application_id}, headers=again)
    assert (answer.status_code, IGNORED in answer.headers) == (304, False)


async def test_what_is_known_is_not_named(world: World) -> None:
    application_id = await world.application()
    answer = await world.owner.post("/application.update", json={"applicationId": application_id, "env": None})
    assert (answer.status_code, IGNORED in answer.headers) == (200, False)


async def test_a_header_stays_short_and_a_batch_has_one(world: World) -> None:
    application_id = await world.application()
    many = {f"x{number}" * 100: 1 for number in range(100)}
    answer = await world.owner.post("/application.update", json={"applicationId": application_id, **many})
    assert answer.status_code == 200
    assert len(answer.headers[IGNORED]) < 2_000

    calls = {str(at): {"json": {"applicationId": application_id, name: 1}} for at, name in enumerate(("one", "two"))}
    query = {"batch": "1", "input": json.dumps(calls)}
    answer = await world.owner.get("/trpc/application.one,application.one", params=query)
    assert (answer.status_code, answer.headers[IGNORED]) == (200, "one, two")
