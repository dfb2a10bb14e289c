"""``/api/deploy/github``: one address for every repository that a GitHub app is installed for."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import httpx

from tests.integration.http.preview_rows import pull_request
from tests.integration.http.world import World
from tests.support.forges.forge_apis import APP_ID, INSTALLATION_ID, Facts, app_key

SECRET = "the secret of the app"
Json = Any


async def connected(world: World) -> str:
    """A GitHub app; the id of its provider."""
    app = {"githubAppId": APP_ID, "githubInstallationId": INSTALLATION_ID, "githubPrivateKey": app_key(Facts())}
    made = await world.post("github.create", name="app", githubWebhookSecret=SECRET, **app)
    provider_id: str = made["githubId"]
    return provider_id


async def provided(world: World, provider_id: str, name: str, repository: str) -> str:
    """An application by the app."""
    application_id = await world.application(name)
    place = {"owner": "team", "repository": repository, "branch": "main", "githubId": provider_id}
    await world.post("application.saveGithubProvider", applicationId=application_id, **place)
    return application_id


async def told(world: World, payload: Json, event: str = "push", *, secret: str = SECRET, id_: str = "1") -> Json:
    """What the app's address answers."""
    body = json.dumps({"installation": {"id": int(INSTALLATION_ID)}, **payload}).encode()
    headers = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": id_,
        "x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    answer: httpx.Response = await world.nobody.post("/deploy/github", content=body, headers=headers)
    return answer


PUSH = {
    "ref": "refs/heads/main",
    "after": "a" * 40,
    "commits": [{"id": "a" * 40, "message": "m", "added": ["x"], "modified": [], "removed": []}],
    "repository": {"full_name": "team/app", "clone_url": "https://github.com/team/app.git", "default_branch": "main"},
}


async def test_each_service_of_the_repository_is_deployed_once_and_no_other(world: World) -> None:
    provider_id = await connected(world)
    mine = [await provided(world, provider_id, name, "app") for name in ("web", "worker")]
    await provided(world, provider_id, "other", "elsewhere")
    answer = await told(world, PUSH)
    assert answer.status_code == 200, answer.text
    done = answer.json()["services"]
    assert {each["applicationId"] for each in done} == set(mine)
    assert {each["outcome"] for each in done} == {"queued"}
    again = (await told(world, PUSH)).json()["services"]
    assert {each["deploymentId"] for each in again} == {each["deploymentId"] for each in done}
    (delivery,) = (await world.get("webhook.deliveries", applicationId=mine[0]))["items"]
    assert (delivery["signature"], delivery["event"]) == ("valid", "push")


async def test_pull_requests_come_by_it_too(world: World) -> None:
    application_id = await provided(world, await connected(world), "web", "app")
    await world.post("application.update", applicationId=application_id, isPreviewDeploymentsActive=True)
    payload: Json = pull_request(7, "b" * 40)
    payload["repository"] = PUSH["repository"]
    answer = await told(world, payload, "pull_request")
    (done,) = answer.json()["services"]
    assert (done["outcome"], done["reason"]) == ("queued", "queued")
    (preview,) = await world.get("previewDeployment.all", applicationId=application_id)
    assert preview["pullRequestNumber"] == "7"


async def test_what_the_app_has_not_signed_does_nothing(world: World) -> None:
    application_id = await provided(world, await connected(world), "web", "app")
    forged = await told(world, PUSH, secret="another")
    assert (forged.status_code, forged.json()["services"]) == (401, [])
    assert (await told(world, {**PUSH, "installation": {"id": 1}})).status_code == 404
    plain = await world.nobody.post("/deploy/github", json=PUSH)
    assert plain.status_code == 404
    assert (await world.get("deployment.all", applicationId=application_id)) == []


async def test_each_provider_that_has_the_app_hears_of_it(world: World) -> None:
    mine = {await provided(world, await connected(world), name, "app") for name in ("web", "worker")}
    answer = await told(world, PUSH)
    assert answer.status_code == 200, answer.text
    assert {each["applicationId"] for each in answer.json()["services"]} == mine
