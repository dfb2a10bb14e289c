"""What no event has told: previews whose pull request is closed, has moved on, or whose time is over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from headway.core.deployments.service import Stopping
from headway.features.previews import store
from headway.features.previews.cleanup import PreviewCleanup
from headway.features.webhooks.pull_files import PullFiles
from headway.infra.db.transaction import Tx
from tests.integration.http.preview_rows import pull_request, told
from tests.integration.http.test_statuses import let_all_use_the_machine
from tests.integration.http.world import World
from tests.support.forges.forge_apis import TOKEN, Api, forge_api

Json = Any


def clearing(world: World) -> PreviewCleanup:
    """As the panel has it; nothing runs here that could be stopped."""
    services = world.services
    kinds = services.previews.lifecycle.services.kinds
    return PreviewCleanup(
        db=services.db,
        stopping=cast("Stopping", None),
        events=services.events,
        lifecycle=services.previews.lifecycle,
        providers=services.git_providers,
        troubles=services.troubles,
        passes=PullFiles(db=services.db, providers=services.git_providers, kinds=kinds).passes,
    )


async def previewed(world: World, api: Api, **fields: Json) -> str:
    """An application by a provider, with previews of the pull requests 1, 2 and, of a fork, 3, opened an hour ago."""
    made = await world.post("github.create", name="g", apiUrl=api.url, accessToken=TOKEN)
    application_id = await world.application()
    place = {"owner": "team", "repository": "app", "branch": "main", "githubId": made["githubId"]}
    await world.post("application.saveGithubProvider", applicationId=application_id, **place)
    on = {"isPreviewDeploymentsActive": True, **fields}
    await world.post("application.update", applicationId=application_id, **on)
    for number, letter in ((1, "a"), (2, "b"), (3, "c")):
        await told(world, application_id, pull_request(number, letter * 40, fork=number == 3))

    def age(tx: Tx) -> None:
        for each in store.of_service(tx, application_id):
            expires_at = None if each.expires_at is None else each.expires_at - timedelta(hours=1)
            created_at = each.created_at - timedelta(hours=1)
            store.set_fields(tx, each.preview_id, created_at=created_at, expires_at=expires_at)

    await world.services.db.run(age)
    return application_id


async def listed(world: World, application_id: str) -> dict[str, Json]:
    """The previews by their pull requests' numbers."""
    found = await world.get("previewDeployment.all", applicationId=application_id)
    return {each["pullRequestNumber"]: each for each in found}


async def test_what_is_closed_goes_and_what_has_moved_is_deployed_but_no_fork(world: World) -> None:
    with forge_api("github") as api:
        application_id = await previewed(world, api)
        api.facts.pulls.update({1: "d" * 40, 3: "e" * 40})
        await clearing(world).sweep_round()
        now = await listed(world, application_id)
        assert sorted(now) == ["1", "3"]
        assert (now["1"]["head"], len(now["1"]["deployments"])) == ("d" * 40, 2)
        assert (now["3"]["awaitsApproval"], now["3"]["deployments"]) == (True, [])
        await clearing(world).sweep_round()
        assert len((await listed(world, application_id))["1"]["deployments"]) == 2


@pytest.mark.parametrize("failing", [(401, {}, b"{}"), (403, {"x-ratelimit-remaining": "0"}, b"{}"), (500, {}, b"")])
async def test_a_forge_that_gives_no_list_removes_nothing(
    world: World, failing: tuple[int, dict[str, str], bytes]
) -> None:
    with forge_api("github") as api:
        application_id = await previewed(world, api)
        api.facts.failing = failing
        await clearing(world).sweep_round()
        assert sorted(await listed(world, application_id)) == ["1", "2", "3"]


async def test_what_was_opened_just_now_stays_though_the_list_does_not_tell_of_it(world: World) -> None:
    with forge_api("github") as api:
        application_id = await previewed(world, api)
        await told(world, application_id, pull_request(4, "f" * 40))
        await clearing(world).sweep_round()
        assert sorted(await listed(world, application_id)) == ["4"]


async def test_one_whose_time_is_over_goes_and_a_push_opens_another(world: World) -> None:
    with forge_api("github") as api:
        application_id = await previewed(world, api, previewExpireHours=1)
        await clearing(world).clear_round()
        assert await listed(world, application_id) == {}
        again = await told(
            world, application_id, pull_request(1, "9" * 40, action="synchronize", updated_at="2026-01-02T00:00:00Z")
        )
        assert again["outcome"] == "queued"
        assert sorted(await listed(world, application_id)) == ["1"]


async def test_a_forge_that_says_nothing_holds_up_the_sweep_of_no_other_organisation(world: World) -> None:
    others = replace(world, owner=world.stranger)
    await world.services.db.run(let_all_use_the_machine)
    with forge_api("github") as silent, forge_api("github") as api:
        for _ in range(3):
            await previewed(world, silent)
        await previewed(others, api)
        silent.facts.silent = True
        sweep = asyncio.create_task(clearing(world).sweep_round())
        try:
            async with asyncio.timeout(5):
                while not (api.facts.asked and len(silent.facts.asked) == 2):  # noqa: ASYNC110 - the forges tell nobody
                    await asyncio.sleep(0.05)
        finally:
            sweep.cancel()
            await asyncio.gather(sweep, return_exceptions=True)
