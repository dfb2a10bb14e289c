"""Where previews are built: as their application is set, at the time of each deploy."""

from __future__ import annotations

from tests.integration.http.preview_rows import pull_request, told
from tests.integration.http.world import World

KIND = "previewDeployment"


async def test_a_preview_is_built_where_its_application_is_now(world: World) -> None:
    old, new = [
        (await world.post("server.create", name=name, ipAddress="192.0.2.7", serverType="build"))["serverId"]
        for name in ("old", "new")
    ]
    application_id = await world.application(customGitBranch="main")
    on = {"applicationId": application_id, "isPreviewDeploymentsActive": True}
    await world.post("application.update", **on, buildServerId=old)
    await told(world, application_id, pull_request(1, "a" * 40))
    for number, server_id in enumerate((new, None, old), 2):
        await world.post("application.update", **on, buildServerId=server_id)
        head = pull_request(1, str(number) * 40, updated_at=f"2026-01-01T00:0{number}:00Z")
        assert (await told(world, application_id, head))["outcome"] == "queued"
        newest, *_ = await world.get("deployment.allByType", id=await preview(world, application_id), type=KIND)
        assert newest["buildServerId"] == server_id


async def test_a_server_that_builds_nothing_but_previews_of_before_can_be_removed(world: World) -> None:
    made = await world.post("server.create", name="old", ipAddress="192.0.2.7", serverType="build")
    application_id = await world.application(customGitBranch="main")
    on = {"applicationId": application_id, "isPreviewDeploymentsActive": True}
    await world.post("application.update", **on, buildServerId=made["serverId"])
    await told(world, application_id, pull_request(1, "a" * 40))
    await world.post("application.update", **on, buildServerId=None)
    preview_id = await preview(world, application_id)
    (waiting,) = await world.get("deployment.allByType", id=preview_id, type=KIND)
    await world.post("deployment.cancel", deploymentId=waiting["deploymentId"])
    await world.post("server.remove", serverId=made["serverId"])
    await world.post("previewDeployment.redeploy", previewDeploymentId=preview_id)
    newest, *_ = await world.get("deployment.allByType", id=preview_id, type=KIND)
    assert (newest["status"], newest["buildServerId"]) == ("pending", None)


async def preview(world: World, application_id: str) -> str:
    """The id of its only one."""
    (found,) = await world.get("previewDeployment.all", applicationId=application_id)
    preview_id: str = found["previewDeploymentId"]
    return preview_id
