"""A form that puts all that it shows in the place of what is kept: what others changed meanwhile is not taken away."""

from __future__ import annotations

import html

import pytest

from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, fields_of, signed_in

TYPED = "MINE=1\n"
THEIRS = "THEIRS=2\n"
# A form, what is typed into it, and what somebody else changes meanwhile: an operation, and what it is given.
FORMS = {
    "variables": ("/services/{service}/variables/text-application", "env", "application.saveEnvironment", "env"),
    "builds": ("/services/{service}/variables/builds-application", "buildArgs", "application.update", "buildArgs"),
    "previews": (
        "/previews/of/application/{service}/change-application",
        "previewEnv",
        "application.update",
        "previewEnv",
    ),
    "project": ("/projects/{project}/variables", "env", "project.update", "env"),
    "environment": ("/projects/{project}/environments/{environment}/variables", "env", "environment.update", "env"),
}
IDS = {
    "application.saveEnvironment": ("applicationId", "service"),
    "application.update": ("applicationId", "service"),
    "project.update": ("projectId", "project"),
    "environment.update": ("environmentId", "environment"),
}
KEPT = {"project.update": "project.one", "environment.update": "environment.one"}


@pytest.mark.parametrize("form", FORMS)
async def test_who_sends_it_later_is_told_and_loses_nothing(world: World, form: str) -> None:
    path, field, operation, name = FORMS[form]
    application_id = await world.application("shop")
    place = (await world.get("application.one", applicationId=application_id))["environment"]
    ids = {"service": application_id, "project": place["projectId"], "environment": place["environmentId"]}
    path = path.format(**ids)
    id_name, of_it = IDS[operation]
    asked = {id_name: ids[of_it]}

    async def kept() -> str:
        row = await world.get(KEPT.get(operation, "application.one"), **asked)
        return str(row[name] or "")

    async with signed_in(world) as client:
        opened = await fields_of(client, path)
        await world.post(operation, **asked, **{name: THEIRS})
        told = await client.post(path, data={**opened, field: TYPED}, headers=OWN)
        assert told.status_code == 409, told.text
        assert "This was changed since you opened it, and nothing is saved." in told.text
        assert TYPED.strip() in html.unescape(told.text), "what was typed is kept"
        assert "THEIRS=" in html.unescape(told.text), "and what is kept now is shown beside it"
        assert await kept() == THEIRS

        again = await fields_of(client, path)
        sent = await client.post(path, data={**again, field: THEIRS + TYPED}, headers=OWN)
        assert sent.status_code == 303, sent.text
        assert (await kept()).strip() == (THEIRS + TYPED).strip()


async def test_a_topic_of_settings_is_not_put_back_to_what_it_was(world: World) -> None:
    application_id = await world.application("shop")
    path = f"/services/{application_id}/settings/build-application"
    async with signed_in(world) as client:
        opened = await fields_of(client, path)
        await world.post("application.update", applicationId=application_id, buildCommand="make theirs")
        told = await client.post(path, data={**opened, "buildCommand": "make mine"}, headers=OWN)
        assert (told.status_code, "make mine" in told.text) == (409, True)
        assert (await world.get("application.one", applicationId=application_id))["buildCommand"] == "make theirs"
        # What the answer itself holds is of now: sent as it stands, it counts.
        seen = told.text.partition('name="seen" value="')[2].partition('"')[0]
        done = await client.post(path, data={**opened, "seen": seen, "buildCommand": "make mine"}, headers=OWN)
        assert done.status_code == 303, done.text
    assert (await world.get("application.one", applicationId=application_id))["buildCommand"] == "make mine"


async def test_what_is_kept_now_is_shown_without_its_secrets(world: World) -> None:
    application_id = await world.application("shop")
    path = f"/services/{application_id}/variables/text-application"
    async with signed_in(world) as client:
        opened = await fields_of(client, path)
        await world.post(
            "application.saveEnvironment",
            applicationId=application_id,
            env="NODE_ENV=test\nTOKEN=swordfish-of-theirs\n",
        )
        told = await client.post(path, data={**opened, "env": TYPED}, headers=OWN)
    assert ("NODE_ENV=test" in told.text, "TOKEN=(hidden-secret)" in told.text) == (True, True)
    assert "swordfish" not in told.text


async def test_what_is_changed_beside_it_is_no_matter(world: World) -> None:
    application_id = await world.application("shop")
    path = f"/services/{application_id}/settings/build-application"
    async with signed_in(world) as client:
        opened = await fields_of(client, path)
        await world.post("application.update", applicationId=application_id, healthCheckPath="/up")
        done = await client.post(path, data={**opened, "buildCommand": "make"}, headers=OWN)
        assert done.status_code == 303, done.text
