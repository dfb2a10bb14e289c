"""Forms that do nothing: they say so, say what is not right, and lose nothing of what was typed."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from headway.web.retry import with_when
from tests.integration.http.world import World, open_world
from tests.integration.web.browsers import OWN, PASSWORD, browser, fields_of, form_token_of, send, signed_in
from tests.integration.web.forged import everything

ANEW = "You have signed in anew since this page was opened. Look it over and send it again."
SECRET = "correct-horse-battery"


def hidden_in(text: str, path: str) -> Mapping[str, str]:
    """What the form at a path holds without being seen."""
    _, found, form = text.partition(f'action="{path}"')
    assert found, text
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {html.unescape(name): html.unescape(value) for name, value in pairs}


async def test_what_is_not_right_is_said_on_top_with_the_way_there(world: World) -> None:
    async with signed_in(world) as client:
        bad = await send(client, "/servers/add", name="far", ipAddress="", port="70000")
        assert bad.status_code == 422
        top, _, fields = bad.text.partition("<main")[2].partition('name="form_token"')
        assert 'role="alert" tabindex="-1" data-focus' in top
        assert "Nothing was done: 2 fields are not right." in top
        assert re.findall(r'<a href="#field-(\w+)">([^<]+)</a>', top) == [("ipAddress", "Address"), ("port", "Port")]
        assert {'id="field-ipAddress"', 'id="field-port"'} <= set(re.findall(r'id="field-\w+"', fields))
        assert "<title>Not done: " in bad.text
        wrong = await send(client, f"{(await _server(world))}/remove", typed="another")
        assert re.findall(r'<a href="#field-typed">([^<]+)</a>', wrong.text) == ["What has to be typed"]
        several = (await client.get("/keys/create")).text
        assert 'id="field-scopes"' in several, "where several can be ticked, too"
        assert 'role="alert"' not in several


async def test_a_name_or_password_that_is_wrong_is_heard_and_the_field_keeps_the_focus(world: World) -> None:
    async with browser(world) as client:
        answer = await client.post("/sign-in", data={"name": "Owner", "password": "no"}, headers=OWN)
        assert answer.status_code == 401
        assert re.search(r'<div class="problem tone-bad" role="alert">', answer.text)
        assert re.search(r'<input id="field-password"[^>]* autofocus', answer.text)


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/servers/add", {"name", "ipAddress"}),
        ("/schedules/in/dokploy-server/here/create", {"name", "cronExpression"}),
        ("/services/{}/domains/add-application", {"host"}),
    ],
)
async def test_what_is_needed_is_marked_before_it_is_sent(world: World, path: str, needed: set[str]) -> None:
    address = path.format(await world.application())
    async with signed_in(world) as client:
        text = (await client.get(address)).text
    assert set(re.findall(r'<(?:input|textarea|select) id="field-(\w+)"[^>]* required', text)) >= needed
    assert not re.search(r'id="field-description"[^>]* required', text)


async def test_what_was_typed_in_a_session_before_is_shown_again_and_nothing_is_done(world: World) -> None:
    async with signed_in(world) as client:
        old = await form_token_of(client)
        await client.post("/sign-out", data={"form_token": old}, headers=OWN)
        back = await client.post("/sign-in", data={"name": "Owner", "password": PASSWORD}, headers=OWN)
        assert back.status_code == 303
        unchanged = everything(world)
        typed = {"registryName": "ours", "registryUrl": "registry.example", "username": "ann", "password": SECRET}
        sent = await client.post("/registries/create", data={**typed, "form_token": old}, headers=OWN)
        assert sent.status_code == 403
        assert ANEW in sent.text
        assert 'value="registry.example"' in sent.text
        assert SECRET not in sent.text
        assert everything(world) == unchanged
        now = hidden_in(sent.text, "/registries/create")
        done = await client.post("/registries/create", data={**typed, **now}, headers=OWN)
        assert done.status_code == 303
    assert [each["registryName"] for each in await world.get("registry.all")] == ["ours"]


async def test_what_was_typed_is_kept_while_one_signs_in(world: World) -> None:
    path = "/servers/add"
    typed = {"name": "far", "ipAddress": '"><b>\ntwo', "form_token": "0" * 64, "confirm": SECRET, "other": SECRET}
    async with signed_in(world) as client, browser(world) as nobody:
        unchanged = everything(world)
        out = await nobody.post(path, data=typed, headers=OWN)
        assert out.status_code == 401
        assert 'href="/sign-in?next=/servers" target="_blank"' in out.text
        assert SECRET not in out.text
        kept = hidden_in(out.text, path)
        assert kept == {"name": "far", "ipAddress": '"><b>\ntwo'}
        again = await client.post(path, data=dict(kept), headers=OWN)
        assert (again.status_code, ANEW in again.text, 'value="far"' in again.text) == (403, True, True)
        assert everything(world) == unchanged
        empty = await nobody.post(path, data={"form_token": "0" * 64, "name": ""}, headers=OWN)
        assert (empty.status_code, empty.headers["location"]) == (303, "/sign-in?next=/servers/add")


async def test_what_others_changed_while_one_signs_in_is_not_taken_away(world: World) -> None:
    """What tells what was shown is kept with what was typed."""
    application_id = await world.application()
    path = f"/services/{application_id}/variables/text-application"
    async with signed_in(world) as client, browser(world) as nobody:
        opened = await fields_of(client, path)
        out = await nobody.post(path, data={**opened, "form_token": "0" * 64, "env": "MINE=1"}, headers=OWN)
        assert out.status_code == 401
        await world.post("application.saveEnvironment", applicationId=application_id, env="THEIRS=2")
        again = await client.post(path, data=dict(hidden_in(out.text, path)), headers=OWN)
        assert (again.status_code, ANEW in again.text) == (403, True)
        sent = {**hidden_in(again.text, path), "env": "MINE=1"}
        told = await client.post(path, data=sent, headers=OWN)
        assert (told.status_code, "changed since you opened" in told.text) == (409, True)
    assert (await world.get("application.one", applicationId=application_id))["env"] == "THEIRS=2"


async def test_what_another_organisation_has_no_form_for_is_kept(world: World) -> None:
    path = f"/services/{await world.application()}/variables/add-application"
    async with signed_in(world, "stranger") as client:
        typed = {"name": "GREETING", "value": "hello\nthere", "form_token": "0" * 64}
        answer = await client.post(path, data=typed, headers=OWN)
        assert (answer.status_code, "looks at another organisation" in answer.text) == (403, True)
        assert hidden_in(answer.text, path) == {"name": "GREETING", "value": "hello\nthere"}
        bare = await client.post(path, data={"form_token": "0" * 64}, headers=OWN)
        assert (bare.status_code, "Open it again" in bare.text) == (403, True)


async def test_an_open_page_is_told_whose_an_answer_is_and_for_which_files(world: World) -> None:
    application_id = await world.application()
    async with signed_in(world) as client, signed_in(world, "stranger") as other, browser(world) as nobody:
        page = (await client.get("/home")).text
        me, files = re.search(r'<body[^>]* data-me="([^"]+)"', page), re.search(r"/static/(\w+)/live.js", page)
        assert me is not None
        assert files is not None
        for path in ("/home/-/under-way", "/services/gone/-/standing", "/live/-/here", "/palette/-/found"):
            assert _marks(await client.get(path)) == (me[1], files[1]), path
        known = await client.get("/home/-/under-way")
        again = await client.get("/home/-/under-way", headers={"if-none-match": known.headers["etag"]})
        assert (again.status_code, _marks(again)) == (304, (me[1], files[1]))
        gone = await other.get(f"/services/{application_id}/-/standing")
        theirs, _ = _marks(gone)
        assert gone.status_code == 404
        assert all(one != another for one, another in zip(theirs.split("."), me[1].split("."), strict=True))
        assert (await nobody.get("/live/-/here")).status_code == 401
        assert 'data-pull="/live/-/here"' in (await client.get("/servers/add")).text


async def test_a_variable_is_shown_whole_on_its_page(world: World) -> None:
    application_id, value = await world.application(), "x" * 2_000 + "the-end"
    await world.post("application.saveEnvironment", applicationId=application_id, env=f"NODE_ENV={value}\n")
    async with signed_in(world) as client:
        assert f">{value}</pre>" in (await client.get(f"/services/{application_id}/variable/NODE_ENV")).text


async def test_no_page_that_is_filled_in_loads_itself_anew(world: World) -> None:
    """Without scripts what was typed would go with it."""
    application_id = await world.application()
    deployment_id = await world.deploy(application_id)
    found: dict[str, tuple[bool, bool]] = {}
    async with signed_in(world) as client:
        for path in (
            "/home",
            "/deployments",
            "/services",
            f"/deployments/{deployment_id}",
            f"/services/{application_id}",
        ):
            text = (await client.get(path)).text
            main = text[text.index("<main") : text.index("</main>")]
            is_filled = re.search(r"<(?:input(?! type=\"hidden\")|select|textarea)[ >]", main) is not None
            found[path] = ('http-equiv="refresh" content="60"' in text, is_filled)
            assert ("This page does not load anew by itself" in text) == is_filled, path
        assert {path: refreshes == is_filled for path, (refreshes, is_filled) in found.items()} == dict.fromkeys(
            found, False
        )
        assert found["/home"] == (True, False)


async def test_how_large_a_file_may_be_is_said_before_it_is_sent(world: World) -> None:
    application_id = await world.application()
    async with signed_in(world) as client:
        text = (await client.get(f"/new/services/{application_id}/upload")).text
    most = world.platform.base.settings.upload_limit_bytes
    assert f'data-most-bytes="{most}"' in text
    assert re.search(r"of at most [\d,]+ [KMG]iB\.", text)


async def _server(world: World) -> str:
    made = await world.post(
        "server.create",
        name="far",
        ipAddress="127.0.0.1",
        port=1,
        username="root",
        serverType="deploy",
        sshKeyId=None,
        description="",
    )
    return f"/servers/{made['serverId']}"


def _marks(answer: httpx.Response) -> tuple[str, str]:
    return answer.headers["x-headway-me"], answer.headers["x-headway-files"]


async def test_what_may_be_tried_again_later_says_when(tmp_path: Path, sqlite_template: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder, HEADWAY_PENDING_DEPLOYMENTS="1") as world:
        ended = await world.ended(await world.application("blog"))
        shop = await world.application("shop")
        await world.deploy(shop)
        async with signed_in(world) as client:
            path = f"/services/{shop}/deploy-application"
            full = await send(client, path)
            assert (full.status_code, full.headers.get("retry-after")) == (429, "60"), full.text
            assert "(HEADWAY_PENDING_DEPLOYMENTS). Try again in 60 seconds." in html.unescape(full.text)
            assert "Not done: " in full.text
            await world.deploy((await world.get("deployment.one", deploymentId=ended))["applicationId"])
            several = f"/deployments/several/redeploy?row-{ended}=on"
            told = await client.post(several, data=await fields_of(client, several), headers=OWN)
            assert "Try again in 60 seconds." in told.text


@pytest.mark.parametrize(
    ("message", "headers", "told"),
    [
        ("No.", {}, "No."),
        ("No.", {"retry-after": "2"}, "No. Try again in 2 seconds."),
        ("No.", {"retry-after": "1"}, "No. Try again in 1 second."),
        ("No.", {"retry-after": "Sun, 29 Nov 2026 12:00:00 GMT"}, "No."),
        ("Too many tries. Try again in 7 seconds.", {"retry-after": "7"}, "Too many tries. Try again in 7 seconds."),
        ("", {"retry-after": "2"}, ""),
    ],
)
def test_it_is_said_once_and_where_it_is_known(message: str, headers: Mapping[str, str], told: str) -> None:
    assert with_when(message, headers) == told
