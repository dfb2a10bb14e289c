"""``gitProvider.*`` and the routers of the forges: kept sealed, asked for real, never given back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from headway.drivers.forges.base import ForgeName
from headway.infra.db.tables.git_providers import git_providers
from tests.integration.http.test_members import joined
from tests.integration.http.world import World, client_with
from tests.support.forges.forge_apis import APP_ID, INSTALLATION_ID, TOKEN, Api, app_key, forge_api

FORGES = [str(each) for each in ForgeName]


@pytest.fixture(params=FORGES)
def api(request: pytest.FixtureRequest) -> Iterator[tuple[str, Api]]:
    with forge_api(request.param) as opened:
        yield request.param, opened


def given(forge: str, api: Api) -> dict[str, Any]:
    """What connects this forge."""
    if forge == "bitbucket":
        who = {"bitbucketEmail": "me@example.org", "bitbucketWorkspaceName": "team"}
        return {"name": "ours", "apiUrl": api.url, "apiToken": TOKEN, **who}
    return {"name": "ours", "apiUrl": api.url, "accessToken": TOKEN, f"{forge}Url": "https://git.example"}


async def test_a_forge_is_connected_and_shows_what_it_has(world: World, api: tuple[str, Api]) -> None:
    forge, there = api
    made = await world.post(f"{forge}.create", **given(forge, there))
    one = {f"{forge}Id": made[f"{forge}Id"]}
    word = forge.capitalize()
    assert await world.post(f"{forge}.testConnection", **one) == "Found 3 repositories"
    repositories = await world.get(f"{forge}.get{word}Repositories", **one)
    assert [each["full_name"] for each in repositories] == ["team/app", "team/other", "team/third"]
    place = {"owner": "team", "repositoryName" if forge == "gitea" else "repo": "app"}
    branches = await world.get(f"{forge}.get{word}Branches", **one, **place)
    assert {each["name"] for each in branches} == {"main", "next", "old"}
    (listed,) = await world.get("gitProvider.getAll")
    assert (listed["providerType"], listed[forge][f"{forge}Id"]) == (forge, made[f"{forge}Id"])
    assert await world.get(f"{forge}.{forge}Providers") == [listed]


async def test_its_secrets_are_sealed_and_never_given_back(world: World, api: tuple[str, Api]) -> None:
    forge, there = api
    made = await world.post(f"{forge}.create", **given(forge, there))
    one = {f"{forge}Id": made[f"{forge}Id"]}
    assert made["has"] == ["token"]
    assert TOKEN not in str([made, await world.get(f"{forge}.one", **one), await world.get("gitProvider.getAll")])
    kept = await world.services.db.read(lambda tx: tx.execute(select(git_providers)).one())
    assert TOKEN not in str(kept)


async def test_what_is_not_sent_stays_and_a_token_does_not_go_to_another_address(
    world: World, api: tuple[str, Api]
) -> None:
    forge, there = api
    made = await world.post(f"{forge}.create", **given(forge, there))
    one = {f"{forge}Id": made[f"{forge}Id"], "gitProviderId": made["gitProviderId"]}
    changed = await world.post(f"{forge}.update", **one, name="theirs")
    assert (changed["gitProvider"]["name"], changed["has"]) == ("theirs", ["token"])
    moved = await world.post(f"{forge}.update", **one, apiUrl=f"{there.url}/elsewhere")
    assert moved["has"] == []
    answer = await world.owner.post(f"/{forge}.testConnection", json=one)
    assert (answer.status_code, "has no access token yet" in answer.text) == (400, True)
    assert there.facts.asked == []
    again = {name: value for name, value in given(forge, there).items() if name != "name"}
    await world.post(f"{forge}.update", **one, **again)
    assert await world.post(f"{forge}.testConnection", **one) == "Found 3 repositories"


async def test_a_forge_that_refuses_or_is_away_is_told_and_loses_nothing(world: World, api: tuple[str, Api]) -> None:
    forge, there = api
    made = await world.post(f"{forge}.create", **given(forge, there))
    one = {f"{forge}Id": made[f"{forge}Id"]}
    for failing, status in ((401, 400), (404, 400), (500, 503)):
        there.facts.failing = (failing, {}, b"{}")
        answer = await world.owner.post(f"/{forge}.testConnection", json=one)
        assert answer.status_code == status, answer.text
        assert str(failing) in answer.json()["message"]
    there.facts.failing = None
    assert await world.post(f"{forge}.testConnection", **one) == "Found 3 repositories"


async def test_an_app_is_connected_by_its_key(world: World) -> None:
    with forge_api("github") as there:
        key = app_key(there.facts)
        app = {"githubAppId": int(APP_ID), "githubInstallationId": INSTALLATION_ID, "githubAppName": "deployer"}
        made = await world.post("github.create", name="app", apiUrl=there.url, githubPrivateKey=key, **app)
        assert (made["githubAppId"], made["has"], made["githubPrivateKey"]) == (int(APP_ID), ["private_key"], None)
        assert await world.post("github.testConnection", githubId=made["githubId"]) == "Found 3 repositories"
        kept = await world.services.db.read(lambda tx: tx.execute(select(git_providers)).one())
        assert key[40:80] not in str(kept)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"accessToken": "two words"}, "without spaces"),
        ({"githubAppId": "1", "githubInstallationId": "2"}, "give all three"),
        ({"githubAppId": "1", "githubInstallationId": "2", "githubPrivateKey": "x"}, "RSA key in PEM"),
        ({"githubAppId": "1", "githubInstallationId": "../..", "githubPrivateKey": "x"}, "are numbers"),
        ({"accessToken": "t", "githubUrl": "file:///etc"}, "begins with https://"),
        ({"accessToken": "t", "apiUrl": "https://u:p@git.example"}, "neither credentials"),
    ],
)
async def test_what_opens_no_forge_is_refused(world: World, sent: dict[str, str], says: str) -> None:
    answer = await world.owner.post("/github.create", json={"name": "g", **sent})
    assert (answer.status_code, says in answer.text) == (400, True), answer.text


async def test_an_application_is_given_its_repository_by_a_provider(world: World, api: tuple[str, Api]) -> None:
    forge, there = api
    made = await world.post(f"{forge}.create", **given(forge, there))
    application_id = await world.application()
    names = (
        ("owner", "repository", "branch")
        if forge == "github"
        else tuple(f"{forge}{each}" for each in ("Owner", "Repository", "Branch"))
    )
    saved = {f"{forge}Id": made[f"{forge}Id"], **dict(zip(names, ("team", "app", "main"), strict=True))}
    sent = {"applicationId": application_id, **saved}
    assert await world.post(f"application.save{forge.capitalize()}Provider", **sent) is True
    told = await world.get("application.one", applicationId=application_id)
    assert told["sourceType"] == forge
    assert {name: told[name] for name in saved} == saved
    foreign = {**sent, f"{forge}Id": "x" * 21}
    answer = await world.owner.post(f"/application.save{forge.capitalize()}Provider", json=foreign)
    assert (answer.status_code, answer.json()["message"]) == (404, "Git provider not found")
    await world.post("application.disconnectGitProvider", applicationId=application_id)
    assert (await world.get("application.one", applicationId=application_id))[names[1]] is None


async def test_another_organisation_learns_of_nothing(world: World) -> None:
    made = await world.post("gitea.create", name="ours", accessToken="t")
    for call in (
        world.stranger.get("/gitea.one", params={"giteaId": made["giteaId"]}),
        world.stranger.post("/gitProvider.remove", json={"gitProviderId": made["giteaId"]}),
        world.owner.get("/github.one", params={"githubId": made["giteaId"]}),
    ):
        answer = await call
        assert (answer.status_code, answer.json()["message"]) == (404, "Git provider not found")


async def test_one_that_is_not_shared_is_there_for_its_maker_and_the_owners_alone(world: World) -> None:
    admin = await joined(world, "admin")
    made = await world.post("gitea.create", name="house", apiUrl="http://127.0.0.1:1", accessToken=TOKEN)
    one = {"gitProviderId": made["gitProviderId"]}
    row = await world.post("gitProvider.toggleShare", **one, sharedWithOrganization=False)
    assert row["sharedWithOrganization"] is False
    application_id = await world.application()
    choice = {"applicationId": application_id, "giteaId": one["gitProviderId"]}
    place = {"giteaOwner": "team", "giteaRepository": "app", "giteaBranch": "main", "giteaBuildPath": "/"}
    async with client_with(world.app, admin["key"]) as client:
        assert (await client.get("/gitProvider.getAll")).json() == []
        assert (await client.get("/gitea.one", params=one)).status_code == 404
        assert (await client.post("/gitProvider.remove", json=one)).status_code == 404
        assert (await client.post("/application.saveGiteaProvider", json=choice | place)).status_code == 404
        await world.post("gitProvider.toggleShare", **one, sharedWithOrganization=True)
        assert (await client.get("/gitea.one", params=one)).status_code == 200
