"""A service's variables as a person changes them: one, many as text, and those that nobody is shown."""

from __future__ import annotations

import asyncio
import html
import re

import httpx
import pytest

from headway.features.services.database.model import DatabaseKind
from headway.features.services.pages.variables import text_of
from headway.kernel.variables import parse_variables
from headway.kernel.veil import unveiled_variables
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, fields_of, form_token_of, send, signed_in

SECRET = "correct-horse-battery"
ENV = f"# ours: {SECRET}\nNODE_ENV=production\nSECRET_KEY={SECRET}\nEMPTY=\n"


async def env_of(world: World, application_id: str) -> str:
    env: str = (await world.get("application.one", applicationId=application_id))["env"]
    return env


async def given(world: World) -> str:
    application_id = await world.application("shop")
    await world.post("application.saveEnvironment", applicationId=application_id, env=ENV)
    return application_id


def text_in(answer: httpx.Response) -> str:
    """What stands in the field of several lines."""
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", answer.text, re.DOTALL)
    assert found is not None, answer.text
    return html.unescape(found[1])


async def test_names_are_shown_and_no_secret(world: World) -> None:
    application_id = await given(world)
    path = f"/services/{application_id}"
    pages = ("variables", "variables/text-application", "variable/SECRET_KEY", "variable/SECRET_KEY/change-application")
    async with signed_in(world) as client:
        listed = (await client.get(f"{path}/variables")).text
        for page in (*pages, "variable/SECRET_KEY/remove-application", "variables/builds-application"):
            answer = await client.get(f"{path}/{page}")
            assert answer.status_code == 200, page
            assert SECRET not in answer.text, page
        assert (await client.get(f"{path}/variable/NOT_THERE")).status_code == 404
    for shown in ("SECRET_KEY", "NODE_ENV", "production", "hidden"):
        assert shown in listed


async def test_one_is_added_changed_and_removed_and_the_rest_stays(world: World) -> None:
    application_id = await given(world)
    path = f"/services/{application_id}"
    async with signed_in(world) as client:
        done = await send(client, f"{path}/variables/add-application", name="GREETING", value="it's\ntwo lines")
        assert (done.status_code, done.headers["location"]) == (303, f"{path}/variables")
        assert "until it is restarted with the settings of now" in (await client.get(f"{path}/variables")).text
        await send(client, f"{path}/variable/NODE_ENV/change-application", value="test")
        done = await send(client, f"{path}/variable/EMPTY/remove-application")
        assert done.status_code == 303
    after = await env_of(world, application_id)
    assert after == f"# ours: {SECRET}\nSECRET_KEY={SECRET}\nGREETING='it\\'s\ntwo lines'\nNODE_ENV='test'\n"


async def test_a_secret_that_is_left_empty_stays_as_it_is(world: World) -> None:
    application_id = await given(world)
    path = f"/services/{application_id}/variable"
    async with signed_in(world) as client:
        await send(client, f"{path}/SECRET_KEY/change-application", value="")
        assert await env_of(world, application_id) == ENV
        await send(client, f"{path}/SECRET_KEY/change-application", value="another")
        await send(client, f"{path}/NODE_ENV/change-application", value="")
    assert "SECRET_KEY='another'\nNODE_ENV=''\n" in await env_of(world, application_id)


async def test_all_of_them_are_text_in_which_marks_stand_for_secrets(world: World) -> None:
    application_id = await given(world)
    path = f"/services/{application_id}/variables/text-application"
    async with signed_in(world) as client:
        shown = text_in(await client.get(path))
        assert "NODE_ENV=production\nSECRET_KEY=(hidden-secret)\n" in shown
        done = await send(client, path, env=shown.replace("EMPTY=", "MORE=1"))
        assert done.status_code == 303
        assert await env_of(world, application_id) == ENV.replace("EMPTY=", "MORE=1").strip()
        await send(client, path, env="")
    assert await env_of(world, application_id) == ""


@pytest.mark.parametrize(
    ("page", "typed", "told"),
    [
        ("add-application", {"name": "two words", "value": "kept"}, "letters, digits and _ only"),
        ("add-application", {"name": "", "value": "kept"}, "letters, digits and _ only"),
        ("add-application", {"name": "NODE_ENV", "value": "kept"}, "There is a variable NODE_ENV already"),
        ("text-application", {"env": "NEW=(hidden-secret) # kept"}, "there is none"),
        ("text-application", {"env": "kept\n= what is this"}, "cannot be read"),
    ],
)
async def test_a_form_that_cannot_be_done_keeps_what_was_typed(
    world: World, page: str, typed: dict[str, str], told: str
) -> None:
    application_id = await given(world)
    async with signed_in(world) as client:
        answer = await send(client, f"/services/{application_id}/variables/{page}", **typed)
    assert answer.status_code in {400, 422}, answer.text
    assert told in html.unescape(answer.text)
    assert "kept" in text_in(answer)
    assert await env_of(world, application_id) == ENV


async def test_who_may_not_change_them_is_not_offered_to(world: World) -> None:
    application_id = await given(world)
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[application_id])
    path = f"/services/{application_id}/variables"
    async with signed_in(world, "member") as client:
        listed = (await client.get(path)).text
        assert "SECRET_KEY" in listed
        assert SECRET not in listed
        for offered in ("add-application", "text-application", "/variable/"):
            assert offered not in listed
        token = await form_token_of(client)
        own = {"origin": "http://127.0.0.1:3000", "sec-fetch-site": "same-origin"}
        sent = await client.post(f"{path}/add-application", data={"form_token": token, "name": "A"}, headers=own)
        assert sent.status_code == 403
    assert await env_of(world, application_id) == ENV


@pytest.mark.parametrize("kind", ["compose", DatabaseKind.POSTGRES.value])
async def test_other_kinds_have_variables_too(world: World, kind: str) -> None:
    given = {"databaseName": "shop", "databaseUser": "shop"} if kind != "compose" else {}
    made = await world.post(f"{kind}.create", name="other", environmentId=await world.environment(), **given)
    id_ = made[f"{kind}Id"]
    async with signed_in(world) as client:
        assert "It has no variables of its own." in (await client.get(f"/services/{id_}/variables")).text
        done = await send(client, f"/services/{id_}/variables/add-{kind}", name="A", value="1")
        assert done.status_code == 303
        listed = (await client.get(f"/services/{id_}/variables")).text
        assert f"/services/{id_}/variable/A" in listed
        wrong = await send(client, f"/services/{id_}/variables/add-application", name="B", value="1")
        assert wrong.status_code == 404
        assert (await client.get(f"/services/{id_}/variables/builds-application")).status_code == 404
    assert (await world.get(f"{kind}.one", **{f"{kind}Id": id_}))["env"] == "A='1'\n"


def test_what_may_be_shown_stands_in_the_text_and_touches_no_other_line() -> None:
    env = f"KEY\nSECRET_KEY={SECRET}\nNODE_ENV=a b\nCI='two\nlines'\n"
    row = {"env": env, "openVariables": ["KEY"], "secretVariables": []}
    shown = text_of(row)
    assert shown == "KEY\nSECRET_KEY=(hidden-secret)\nNODE_ENV=a b\nCI=(hidden-secret)\n"
    assert unveiled_variables(shown, env) == env


async def test_of_those_that_are_added_and_changed_at_the_same_time_none_is_lost(world: World) -> None:
    application_id = await given(world)
    path = f"/services/{application_id}"
    forms = [(f"{path}/variables/add-application", {"name": f"V{number}", "value": "1"}) for number in range(3)]
    forms += [(f"{path}/variable/NODE_ENV/change-application", {"value": "staging"})]
    forms += [(f"{path}/variable/EMPTY/remove-application", {})]
    async with signed_in(world) as client:
        opened = [(form, await fields_of(client, form) | typed) for form, typed in forms]
        answers: list[httpx.Response] = []

        async def save(form: str, data: dict[str, str]) -> None:
            for _ in range(len(forms)):
                answer = await client.post(form, data=data, headers=OWN)
                answers.append(answer)
                if answer.status_code == 303:
                    return
                assert (answer.status_code, "changed meanwhile" in answer.text) == (409, True), answer.text

        await asyncio.gather(*(save(*each) for each in opened))
    variables = parse_variables(await env_of(world, application_id))
    assert {f"V{number}" for number in range(3)} <= variables.keys()
    assert (variables["NODE_ENV"], "EMPTY" in variables, variables["SECRET_KEY"]) == ("staging", False, SECRET)
