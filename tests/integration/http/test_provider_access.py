"""A service takes a repository from those git providers alone that whoever sets it may see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from headway.drivers.forges.base import ForgeName
from headway.features.services.application.api import settings as application_settings
from headway.features.services.compose.api import settings
from tests.integration.http.provider_rows import NOWHERE
from tests.integration.http.test_access_table import given_to, things_of
from tests.integration.http.test_bad_values import PROCEDURES
from tests.integration.http.test_members import joined
from tests.integration.http.world import World, client_with

Json = Any
SETTINGS = (application_settings.ApplicationChanges, settings.ComposeChanges)
SETTERS = sorted(each.name for each in PROCEDURES if issubclass(each.input, SETTINGS))
SAVERS = {f"application.save{forge.capitalize()}Provider": str(forge) for forge in ForgeName}


def choice(forge: str, provider_id: str, name: str = "app") -> Json:
    """A repository by its provider, in the words of the forge."""
    names = ("owner", "repository") if forge == "github" else (f"{forge}Owner", f"{forge}Repository")
    return {"sourceType": forge, f"{forge}Id": provider_id, **dict(zip(names, ("team", name), strict=True))}


@pytest.fixture
async def admin(world: World) -> AsyncIterator[httpx.AsyncClient]:
    someone = await joined(world, "admin")
    async with client_with(world.app, someone["key"]) as client:
        yield client


def test_every_form_in_which_settings_are_sent_is_among_them() -> None:
    assert {"application.create", "application.update", "compose.create", "compose.update", *SAVERS} <= {*SETTERS}
    ids = {f"{forge}_id" for forge in ForgeName}
    others = {each.name for each in PROCEDURES if ids & each.input.model_fields.keys()} - {*SETTERS}
    assert {name.partition(".")[0] for name in others} <= {*map(str, ForgeName)}


@pytest.mark.parametrize("procedure", SETTERS)
async def test_a_provider_that_the_caller_does_not_see_is_none(
    world: World, admin: httpx.AsyncClient, procedure: str
) -> None:
    forge = SAVERS.get(procedure, "gitea")
    # What saves another source takes no word for this one, and the fields of it all the same.
    no_word = procedure.startswith("application.save") and procedure not in SAVERS

    def chosen_by(provider_id: str) -> Json:
        words = choice(forge, provider_id)
        return {name: value for name, value in words.items() if not (no_word and name == "sourceType")}

    made = await world.post(f"{forge}.create", name="kept back", **NOWHERE)
    provider = {"gitProviderId": made["gitProviderId"]}
    await world.post("gitProvider.toggleShare", **provider, sharedWithOrganization=False)
    foreign = await world.stranger.post(f"/{forge}.create", json={"name": "theirs", **NOWHERE})
    other = "gitlab" if forge == "github" else "github"
    of_another_forge = (await world.post(f"{other}.create", name="other", **NOWHERE))["gitProviderId"]
    things = await things_of(world, procedure=procedure)
    sent = given_to(procedure, things) | {"name": "new"}

    for client, provider_id in (
        (admin, made["gitProviderId"]),
        (admin, foreign.json()["gitProviderId"]),
        (world.owner, foreign.json()["gitProviderId"]),
        (world.owner, of_another_forge),
        (world.owner, "x" * 21),
    ):
        for given in (chosen_by(provider_id), {f"{forge}Id": provider_id}):
            if procedure in SAVERS and len(given) == 1:
                continue  # these name a repository in any case
            answer = await client.post(f"/{procedure}", json=sent | given)
            assert (answer.status_code, answer.json()["message"]) == (404, "Git provider not found"), given
    assert set(await chosen(world, things)) <= {None}

    await world.post("gitProvider.toggleShare", **provider, sharedWithOrganization=True)
    answer = await admin.post(f"/{procedure}", json=sent | chosen_by(made["gitProviderId"]))
    assert answer.status_code in {200, 204}, answer.text


@pytest.mark.parametrize("kind", ["application", "compose"])
async def test_what_a_service_has_it_keeps_and_no_other_repository_is_taken_from_there(
    world: World, admin: httpx.AsyncClient, kind: str
) -> None:
    made = await world.post("gitea.create", name="house", **NOWHERE)
    things = await things_of(world, procedure=f"{kind}.update")
    mine = {f"{kind}Id": things[kind]}
    has = choice("gitea", made["gitProviderId"])
    await world.post(f"{kind}.update", **mine, **has)
    await world.post("gitProvider.toggleShare", gitProviderId=made["gitProviderId"], sharedWithOrganization=False)

    async def changes(**given: Json) -> int:
        return (await admin.post(f"/{kind}.update", json={**mine, **given})).status_code

    assert await changes(description="words", **has, giteaBranch="next") == 200
    assert await changes(giteaRepository="another") == 404
    assert await changes(**choice("gitea", made["gitProviderId"], "another")) == 404
    assert await changes(sourceType="git") == 200
    assert await changes(giteaRepository="another") == 200  # fetched from nowhere as it stands
    assert await changes(sourceType="gitea") == 404
    told = await world.get(f"{kind}.one", **mine)
    assert (told["sourceType"], told["giteaBranch"], told["giteaId"]) == ("git", "next", made["gitProviderId"])


@pytest.mark.parametrize("kind", ["application", "compose"])
async def test_who_does_not_see_the_provider_of_a_service_makes_no_copy_of_it_and_is_told_of_which(
    world: World, admin: httpx.AsyncClient, kind: str
) -> None:
    made = await world.post("gitea.create", name="house", **NOWHERE)
    things = await things_of(world, procedure=f"{kind}.update")
    mine = {f"{kind}Id": things[kind]}
    await world.post(f"{kind}.update", **mine, **choice("gitea", made["gitProviderId"]), name="shop")
    place = {"sourceEnvironmentId": things["environment"], "name": "again"}
    chosen = [{"id": things[kind], "type": kind}]

    async def copies(client: httpx.AsyncClient, **given: Json) -> tuple[int, Json]:
        answer = await client.post("/project.duplicate", json=place | {"selectedServices": chosen} | given)
        return answer.status_code, answer.json()

    share = {"gitProviderId": made["gitProviderId"]}
    await world.post("gitProvider.toggleShare", **share, sharedWithOrganization=False)
    for beside in (True, False):
        status, told = await copies(admin, duplicateInSameProject=beside)
        assert (status, told["message"].partition(" has ")[0]) == (404, "Git provider not found: shop")
    assert {each["name"] for each in await world.get("project.all")} == {"bench"}
    assert (await copies(admin, includeServices=False, name="empty"))[0] == 200
    assert (await copies(world.owner))[0] == 200
    await world.post("gitProvider.toggleShare", **share, sharedWithOrganization=True)
    assert (await copies(admin, duplicateInSameProject=True))[0] == 200
    await world.post("gitProvider.toggleShare", **share, sharedWithOrganization=False)
    await world.post(f"{kind}.update", **mine, sourceType="git", customGitUrl="https://git.example/team/app.git")
    assert (await copies(admin, name="of another source"))[0] == 200


async def chosen(world: World, things: dict[str, str]) -> list[Json]:
    """The providers that those services have that are there."""
    ids = [f"{forge}Id" for forge in ForgeName]
    there = [kind for kind in ("application", "compose") if kind in things]
    told = [await world.get(f"{kind}.one", **{f"{kind}Id": things[kind]}) for kind in there]
    return [next((one[name] for name in ids if one[name]), None) for one in told]
