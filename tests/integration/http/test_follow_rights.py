"""Who follows a deployment is told what they may see of it, whoever else follows it."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from headway.cli.sse import Event
from tests.integration.http.serving import events, eventually, reader, served
from tests.integration.http.test_follow import Writer, step
from tests.integration.http.world import KEYS, World


@pytest.mark.parametrize("first", ["member", "owner"])
async def test_each_is_told_what_they_may_see_whoever_came_first(world: World, first: str) -> None:
    """What is read once for all is nobody's: one who may not see it any more goes, and the others stay."""
    application_id = await world.application("shop")
    member_id = next(each["userId"] for each in await world.get("user.all") if each["user"]["name"] == "member")
    project_ids = [each["projectId"] for each in await world.get("project.all")]
    await world.post("user.assignPermissions", id=member_id, accessedProjects=project_ids)
    elsewhere = (await world.post("project.create", name="elsewhere"))["environment"]["environmentId"]
    deployment_id = await world.deploy(application_id)
    lease = await world.claim()
    writer = Writer(world, deployment_id)
    told: dict[str, list[Event]] = {"owner": [], "member": []}

    async def follow(client: httpx.AsyncClient, name: str) -> None:
        async for event in events(client, deployment_id):
            told[name].append(event)

    def steps(name: str) -> set[str]:
        return {json.loads(each.data)["name"] for each in told[name] if each.kind == "step"}

    async with (
        served(world) as server,
        reader(server) as owner,
        reader(server, KEYS["member"]) as member,
        asyncio.TaskGroup() as group,
    ):
        clients = {"owner": owner, "member": member}
        following = {}
        for name in sorted(clients, key=lambda each: each != first):
            following[name] = group.create_task(follow(clients[name], name))
            await eventually(lambda name=name: bool(told[name]))  # type: ignore[misc]
        await step(world, lease, "fetch")
        await eventually(lambda: "fetch" in steps("owner") & steps("member"))
        await world.post("application.move", applicationId=application_id, targetEnvironmentId=elsewhere)
        await eventually(following["member"].done)  # though nothing is told of it
        await step(world, lease, "build")
        await eventually(lambda: "build" in steps("owner"))
        assert "build" not in steps("member")
        assert not following["owner"].done()
        await writer.end(lease)
        await eventually(following["owner"].done)
    states = [json.loads(each.data)["status"] for each in told["owner"] if each.kind == "status"]
    assert states[-1] == "done"
    assert "done" not in [json.loads(each.data)["status"] for each in told["member"] if each.kind == "status"]
