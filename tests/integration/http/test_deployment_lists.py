"""Lists of ``deployment.*`` in parts, what waits for what, and that no kept answer is stale or another's."""

from __future__ import annotations

import json
from typing import Any

from headway.core.deployments.status import Status
from tests.integration.http.world import World


async def pages(world: World, procedure: str, **query: Any) -> list[list[Any]]:  # noqa: ANN401 - JSON
    """A list in parts, as a client that follows the cursor gets them."""
    parts: list[list[Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await world.owner.get(f"/{procedure}", params={**query, **cursor})
        assert answer.status_code == 200, answer.text
        parts.append(answer.json())
        if "x-next-cursor" not in answer.headers:
            return parts
        cursor = {"cursor": answer.headers["x-next-cursor"]}


async def test_a_list_in_parts_is_the_list(world: World) -> None:
    application_id = await world.application()
    for _ in range(5):
        await world.deploy(application_id)
    for procedure, query in (
        ("deployment.all", {"applicationId": application_id}),
        ("deployment.allByType", {"id": application_id, "type": "application"}),
        ("deployment.allCentralized", {}),
        ("deployment.queueList", {}),
    ):
        whole = await world.get(procedure, **query)
        parts = await pages(world, procedure, limit=2, **query)
        assert [len(part) for part in parts] == [2, 2, 1], procedure
        assert [row for part in parts for row in part] == whole, procedure
        assert await pages(world, procedure, limit=5, **query) == [whole], procedure


async def test_a_part_of_nonsense_is_refused(world: World) -> None:
    application_id = await world.application()
    for wrong in ({"limit": 0}, {"limit": 1_001}, {"limit": "x"}, {"cursor": "-1"}, {"cursor": "9" * 19}):
        answer = await world.owner.get("/deployment.all", params={"applicationId": application_id, **wrong})
        assert answer.status_code == 400, wrong


async def test_the_next_cursor_comes_on_the_other_wire_too(world: World) -> None:
    application_id = await world.application()
    for _ in range(2):
        await world.deploy(application_id)
    given = json.dumps({"json": {"applicationId": application_id, "limit": 1}})
    answer = await world.owner.get("/trpc/deployment.all", params={"input": given})
    assert len(answer.json()["result"]["data"]["json"]) == 1
    assert answer.headers["x-next-cursor"].isdigit()


async def test_a_waiting_one_says_what_it_waits_for(world: World) -> None:
    application_id = await world.application()
    first, second = await world.deploy(application_id), await world.deploy(application_id)
    lease = await world.claim()
    waiting, running = await world.get("deployment.all", applicationId=application_id)
    assert (running["deploymentId"], running["queuePosition"], running["waitsFor"]) == (first, None, None)
    assert waiting["deploymentId"] == second
    assert waiting["queuePosition"] == 1
    assert waiting["waitsFor"]["what"] == "deployment"
    assert waiting["waitsFor"]["deploymentId"] == first
    assert (await world.get("deployment.one", deploymentId=second))["waitsFor"] == waiting["waitsFor"]
    await world.end(lease)
    (waiting, _) = await world.get("deployment.all", applicationId=application_id)
    assert waiting["waitsFor"]["what"] == "turn"


async def test_every_change_shows_in_the_next_answer(world: World) -> None:
    application_id = await world.application()

    async def shown() -> list[str]:
        query = {"applicationId": application_id}
        rows = [await world.get("deployment.all", **query) for _ in range(2)][1]
        central = await world.get("deployment.allCentralized")
        assert [row["status"] for row in central] == [row["status"] for row in rows]
        return [row["status"] for row in rows]

    assert await shown() == []
    deployment_id = await world.deploy(application_id)
    assert await shown() == ["pending"]
    lease = await world.claim()
    assert await shown() == ["running"]
    await world.end(lease, Status.ERROR, "No.")
    assert await shown() == ["error"]
    await world.post("application.update", applicationId=application_id, name="other")
    assert (await world.get("deployment.allCentralized"))[0]["application"]["name"] == "other"
    await world.post("deployment.removeDeployment", deploymentId=deployment_id)
    assert await shown() == []


async def test_what_is_kept_for_one_caller_is_given_to_no_other(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.deploy(application_id)
    lists: tuple[tuple[str, dict[str, str], int, Any], ...] = (
        ("deployment.all", {"applicationId": application_id}, 404, None),
        ("deployment.allByType", {"id": application_id, "type": "application"}, 404, None),
        ("deployment.allCentralized", {}, 200, []),
        ("deployment.queueList", {}, 200, []),
    )
    for procedure, query, status, body in lists:
        for _ in range(2):
            assert deployment_id in (await world.owner.get(f"/{procedure}", params=query)).text
            for other in (world.member, world.stranger):
                answer = await other.get(f"/{procedure}", params=query)
                assert answer.status_code == status, procedure
                assert body is None or answer.json() == body, procedure
            assert (await world.nobody.get(f"/{procedure}", params=query)).status_code == 401
