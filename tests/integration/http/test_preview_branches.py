"""Names of branches that pull requests bring: what git could not hold is answered at once, and nothing is queued."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.http.preview_rows import pull_request, told
from tests.integration.http.world import REPOSITORY, World

Json = Any
ODD = ("--upload-pack=touch", "-", "../../etc", "a b", "x\x1b[2J", "a..b", "/a")


def of_branch(name: str) -> Json:
    """A pull request that brings this branch."""
    payload: Json = pull_request(1, "a" * 40)
    payload["pull_request"]["head"]["ref"] = name
    return payload


@pytest.mark.parametrize("name", ODD)
async def test_what_no_branch_is_called_is_fetched_by_nobody(world: World, name: str) -> None:
    application_id = await world.application(customGitBranch="main", isPreviewDeploymentsActive=True)
    done = await told(world, application_id, of_branch(name))
    assert (done["outcome"], done["reason"], done["deploymentId"]) == ("skipped", "source", None)
    assert "a name that git does not allow" in str(done["message"])
    assert await world.get("previewDeployment.all", applicationId=application_id) == []
    assert (await told(world, application_id, of_branch("refs/heads/main")))["outcome"] == "queued"


@pytest.mark.parametrize("name", ODD)
async def test_of_a_compose_service_neither(world: World, name: str) -> None:
    environment_id = await world.environment()
    source = {"sourceType": "git", "customGitUrl": REPOSITORY, "customGitBranch": "main"}
    made = await world.post("compose.create", name="shop", environmentId=environment_id, **source)
    compose = {"composeId": made["composeId"]}
    await world.post("compose.update", **compose, isPreviewDeploymentsActive=True)
    token = (await world.get("compose.one", **compose))["refreshToken"]
    answer = await world.nobody.post(
        f"/deploy/compose/{token}", json=of_branch(name), headers={"x-github-event": "pull_request"}
    )
    (done,) = answer.json()["services"]
    assert (done["outcome"], done["reason"]) == ("skipped", "source")
    assert await world.get("previewDeployment.all", **compose) == []
