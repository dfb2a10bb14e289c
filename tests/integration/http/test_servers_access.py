"""Deployments on a server are seen, killed and removed by whom they belong to, over both wires."""

from __future__ import annotations

import json

import httpx

from tests.integration.http.world import World


async def asked(client: httpx.AsyncClient, procedure: str, **given: str) -> set[int]:
    """The statuses of a query over REST and over tRPC."""
    wrapped = {"input": json.dumps({"json": given})}
    rest, trpc = await client.get(f"/{procedure}", params=given), await client.get(f"/trpc/{procedure}", params=wrapped)
    return {rest.status_code, trpc.status_code}


async def told(client: httpx.AsyncClient, procedure: str, **given: str) -> set[int]:
    """The statuses of a mutation over REST and over tRPC."""
    rest = await client.post(f"/{procedure}", json=given)
    return {rest.status_code, (await client.post(f"/trpc/{procedure}", json={"json": given})).status_code}


async def test_what_is_deployed_on_a_server_is_its_organisations(world: World) -> None:
    server_id = (await world.post("server.create", name="far", ipAddress="127.0.0.1"))["serverId"]
    deployment_id = await world.deploy(await world.application(serverId=server_id))
    listed = await world.get("deployment.allByServer", serverId=server_id)
    assert [(row["deploymentId"], row["serverId"]) for row in listed] == [(deployment_id, server_id)]
    of_itself = {"id": server_id, "type": "server"}
    assert await world.get("deployment.allByType", **of_itself) == []
    for client, status in ((world.owner, 200), (world.stranger, 404)):
        assert await asked(client, "deployment.allByServer", serverId=server_id) == {status}
        assert await asked(client, "deployment.allByType", **of_itself) == {status}
    for other in (world.stranger, world.member):
        for procedure in ("deployment.killProcess", "deployment.removeDeployment"):
            assert await told(other, procedure, deploymentId=deployment_id) == {404}
    assert (await world.get("deployment.one", deploymentId=deployment_id))["status"] == "pending"
    seen = await world.member.get("/deployment.allByServer", params={"serverId": server_id})
    assert deployment_id not in seen.text
    await world.post("deployment.removeDeployment", deploymentId=deployment_id)
    assert await world.get("deployment.allByServer", serverId=server_id) == []
