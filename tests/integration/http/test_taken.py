"""What is taken as clients of the wire expect it, and what is refused rather than taken and not done."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from headway.features.notifications import store
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.working import working
from tests.integration.http.world import REPOSITORY, World

Json = Any
A_FILE = {"composeFile": "services: {web: {image: debian}}"}
NO_SOURCE: dict[str, tuple[Json, str]] = {
    "git": ({"sourceType": "git", "customGitUrl": None}, "has no source yet"),
    "docker": ({"sourceType": "docker"}, "has no image yet"),
    "github": ({"sourceType": "github"}, "has no repository of a git provider yet"),
    "drop": ({"sourceType": "drop"}, "Nothing was uploaded"),
}
NO_FILE: dict[str, tuple[Json, str]] = {
    "raw": ({"composeFile": ""}, "has no file yet"),
    "git": ({"sourceType": "git"}, "has no source yet"),
    "github": ({"sourceType": "github"}, "has no repository of github yet"),
    "drop": ({"sourceType": "drop"}, "Nothing was uploaded"),
}


async def ended(world: World, deployment_id: str) -> Json:
    """A deployment once it has ended."""
    until = time.monotonic() + 30
    while (row := await world.get("deployment.one", deploymentId=deployment_id))["finishedAt"] is None:
        assert time.monotonic() < until, row
        await asyncio.sleep(0.05)
    return row


async def test_a_deploy_without_a_source_is_queued_and_ends_by_saying_so(world: World) -> None:
    waiting = {}
    for fields, said in NO_SOURCE.values():
        waiting[await world.deploy(await world.application(**fields))] = said
    for fields, said in NO_FILE.values():
        made = await world.post("compose.create", name="c", environmentId=await world.environment(), **fields)
        answer = await world.owner.post("/compose.deploy", json={"composeId": made["composeId"]})
        waiting[answer.headers["x-deployment-id"]] = said
    async with working(world):
        for deployment_id, said in waiting.items():
            row = await ended(world, deployment_id)
            assert (row["status"], row["reason"], said in row["errorMessage"]) == ("error", "refused", True), row


@pytest.mark.parametrize("procedure", ["application.cleanQueues", "deployment.cancel"])
async def test_what_was_cancelled_while_it_waited_names_a_file_that_says_why(world: World, procedure: str) -> None:
    deployment_id = await world.deploy(await world.application())
    row = await world.get("deployment.one", deploymentId=deployment_id)
    await world.post(procedure, applicationId=row["applicationId"], deploymentId=deployment_id)
    row = await world.get("deployment.one", deploymentId=deployment_id)
    assert (row["status"], row["reason"]) == ("error", "cancelled")
    said = await asyncio.to_thread(Path(row["logPath"]).read_text)
    assert said == f"{row['errorMessage']}\n"
    assert await world.get("deployment.readLogs", deploymentId=deployment_id) == said
    await world.post("deployment.removeDeployment", deploymentId=deployment_id)
    assert not (world.platform.data_dir.logs / f"{deployment_id}.log").exists()


async def test_a_removed_ssh_key_is_named_by_nothing_any_more(world: World) -> None:
    key = (await world.post("sshKey.create", name="k"))["sshKeyId"]
    named = {"customGitSSHKeyId": key}
    application_id = await world.application(**named)
    image_id = await world.application("image", sourceType="docker", dockerImage="debian", **named)
    environment_id = await world.environment()
    compose = await world.post("compose.create", name="c", environmentId=environment_id, **A_FILE, **named)
    server = await world.post("server.create", sshKeyId=key, **A_SERVER)
    await world.post("sshKey.remove", sshKeyId=key)
    for id_ in (application_id, image_id):
        assert (await world.get("application.one", applicationId=id_))["customGitSSHKeyId"] is None
    assert (await world.get("compose.one", composeId=compose["composeId"]))["customGitSSHKeyId"] is None
    one = await world.get("server.one", serverId=server["serverId"])
    assert (one["sshKeyId"], one["sshKey"]) == (None, None)
    for procedure, given in (
        ("application.update", {"applicationId": application_id, **named}),
        ("compose.update", {"composeId": compose["composeId"], **named}),
    ):
        answer = await world.owner.post(f"/{procedure}", json=given)
        assert (answer.status_code, answer.json()["message"]) == (404, "SSH key not found")


async def test_an_update_with_an_environment_moves_the_service(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.deploy(application_id)
    made = await world.post("compose.create", name="c", environmentId=await world.environment(), **A_FILE)
    given = {"databaseName": "d", "databaseUser": "u", "environmentId": await world.environment()}
    database = await world.post("postgres.create", name="p", **given)
    target = await world.post("project.create", name="target")
    place = {"environmentId": target["environment"]["environmentId"]}
    for router, of_it in (
        ("application", {"applicationId": application_id}),
        ("compose", {"composeId": made["composeId"]}),
        ("postgres", {"postgresId": database["postgresId"]}),
    ):
        await world.post(f"{router}.update", **of_it, **place, description="moved")
        one = await world.get(f"{router}.one", **of_it)
        assert (one["environmentId"], one["description"]) == (place["environmentId"], "moved")
        foreign = await world.stranger.post("/project.create", json={"name": "theirs"})
        elsewhere = {"environmentId": foreign.json()["environment"]["environmentId"], "description": "not moved"}
        answer = await world.owner.post(f"/{router}.update", json={**of_it, **elsewhere})
        assert (answer.status_code, answer.json()["message"]) == (404, "Environment not found")
        after = await world.get(f"{router}.one", **of_it)
        assert (after["environmentId"], after["description"]) == (place["environmentId"], "moved")
    (row,) = await world.get("deployment.all", applicationId=application_id)
    found = {each["deploymentId"]: each for each in await world.get("deployment.allCentralized")}
    assert found[row["deploymentId"]]["application"]["environment"]["project"]["name"] == "target"
    assert row["deploymentId"] == deployment_id


@pytest.mark.parametrize(
    ("create", "given"),
    [
        ("application.create", {"customGitUrl": REPOSITORY}),
        ("compose.create", A_FILE),
        ("postgres.create", {"databaseName": "d", "databaseUser": "u"}),
    ],
)
async def test_services_of_one_name_may_lie_beside_each_other(world: World, create: str, given: Json) -> None:
    environment_id = await world.environment()
    first, second = [await world.post(create, name="same", environmentId=environment_id, **given) for _ in range(2)]
    assert first["name"] == second["name"] == "same"
    assert first["appName"] != second["appName"]
    if create == "application.create":
        own, others = [
            [each["host"] for each in await world.get("domain.byApplicationId", applicationId=made["applicationId"])]
            for made in (first, second)
        ]
        assert (own, others) == (["same.localhost"], [f"{second['appName']}.localhost"])


async def test_providers_are_saved_with_nothing_chosen_yet(world: World) -> None:
    application_id = await world.application()
    of_it = {"applicationId": application_id}
    for procedure, given in (
        ("saveGithubProvider", {"githubId": None, "owner": None, "repository": None, "branch": None}),
        ("saveGitlabProvider", {"gitlabId": None, "gitlabOwner": None, "gitlabRepository": None}),
        ("saveGiteaProvider", {"giteaId": None, "giteaOwner": None, "giteaRepository": None}),
        ("saveBitbucketProvider", {"bitbucketId": None, "bitbucketOwner": None, "bitbucketRepository": None}),
        ("saveDockerProvider", {"dockerImage": None}),
        ("saveGitProvider", {"customGitUrl": None}),
        ("saveGitProdiver", {"customGitUrl": REPOSITORY}),
    ):
        assert await world.post(f"application.{procedure}", **of_it, **given) is True, procedure
    one = await world.get("application.one", **of_it)
    assert (one["sourceType"], one["customGitUrl"]) == ("git", REPOSITORY)


@pytest.mark.parametrize(
    ("form", "url", "address"),
    [
        ("Slack", "https://chat.example.org/hooks/abc", "jsons://chat.example.org/hooks/abc?%3Amessage=text"),
        ("Discord", "http://chat.example.org:81/api/x", "json://chat.example.org:81/api/x?%3Amessage=content"),
    ],
)
async def test_a_channel_may_lead_to_another_server_that_takes_the_same(
    world: World, form: str, url: str, address: str
) -> None:
    more = {"channel": "#ops"} if form == "Slack" else {}
    made = await world.post(f"notification.create{form}", name="ops", appDeploy=True, webhookUrl=url, **more)
    vault = world.services.git_providers.vault
    channel = await world.services.db.read(lambda tx: store.find(tx, made["notificationId"], vault))
    assert channel.target.url.startswith(address)
    assert ("channel" in channel.target.url) is (form == "Slack")
    own = {"Slack": "https://hooks.slack.com/services/only", "Discord": "https://discord.com/api/webhooks/x"}[form]
    refused = await world.owner.post(f"/notification.create{form}", json={"name": "o", "webhookUrl": own, **more})
    assert refused.status_code == 400, "half an address of the real one"


async def test_a_query_over_trpc_may_give_its_input_in_plain_parameters(world: World) -> None:
    application_id = await world.application()
    answer = await world.owner.get("/trpc/application.one", params={"applicationId": application_id})
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"]["data"]["json"] == await world.get("application.one", applicationId=application_id)
