"""Watch paths of pull requests: the files of the whole pull request, as its forge tells them, decide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.http.preview_rows import pull_request, told
from tests.integration.http.world import World
from tests.support.forges.forge_apis import TOKEN, Api, forge_api

Json = Any


async def watching(world: World, api: Api) -> str:
    """An application by a provider that watches ``src``, with previews."""
    made = await world.post("github.create", name="g", apiUrl=api.url, accessToken=TOKEN)
    application_id = await world.application()
    place = {"owner": "team", "repository": "app", "branch": "main", "githubId": made["githubId"]}
    await world.post("application.saveGithubProvider", applicationId=application_id, **place)
    on = {"isPreviewDeploymentsActive": True, "watchPaths": ["src/**"]}
    await world.post("application.update", applicationId=application_id, **on)
    return application_id


async def test_a_pull_request_that_changes_nothing_watched_has_no_preview_and_says_why(world: World) -> None:
    with forge_api("github") as api:
        application_id = await watching(world, api)
        api.facts.files += ["docs/a.md", "README.md"]
        done = await told(world, application_id, pull_request(1, "a" * 40))
        assert (done["outcome"], done["reason"], done["watchPaths"]) == ("skipped", "watch_paths", ["src/**"])
        assert done["files"] == ["docs/a.md", "README.md"]
        assert done["message"] == "No changed file is watched (2: docs/a.md, README.md)."
        assert await world.get("previewDeployment.all", applicationId=application_id) == []
        api.facts.files.append("src/app.py")
        again = await told(world, application_id, pull_request(1, "b" * 40, updated_at="2026-01-01T00:01:00Z"))
        assert (again["reason"], again["files"]) == ("queued", [])
        assert str(again["message"]).endswith(", and src/app.py is watched.")

        api.facts.files.remove("src/app.py")
        later = await told(world, application_id, pull_request(1, "c" * 40, updated_at="2026-01-01T00:02:00Z"))
        assert later["reason"] == "watch_paths"
        (kept,) = await world.get("previewDeployment.all", applicationId=application_id)
        assert kept["head"] == "b" * 40
        payload = pull_request(1, "c" * 40, action="closed", updated_at="2026-01-01T00:03:00Z")
        assert (await told(world, application_id, payload))["outcome"] == "removed"


@pytest.mark.parametrize("failing", [(401, {}, b"{}"), (404, {}, b"{}"), (500, {}, b""), (200, {}, b"[{}]")])
async def test_where_the_forge_does_not_tell_the_files_the_preview_comes(
    world: World, failing: tuple[int, dict[str, str], bytes]
) -> None:
    with forge_api("github") as api:
        application_id = await watching(world, api)
        api.facts.failing = failing
        done = await told(world, application_id, pull_request(1, "a" * 40))
    assert done["reason"] == "queued"
    assert "Watch paths were not compared: GitHub" in str(done["message"])


async def test_without_a_provider_the_preview_comes_and_says_so(world: World) -> None:
    application_id = await world.application()
    on = {"isPreviewDeploymentsActive": True, "watchPaths": ["src/**"]}
    await world.post("application.update", applicationId=application_id, **on)
    done = await told(world, application_id, pull_request(1, "a" * 40))
    assert done["reason"] == "queued"
    assert "nobody but a git provider tells the files" in str(done["message"])
