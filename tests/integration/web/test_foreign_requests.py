"""What other pages have a browser send changes nothing: each form, each mutation and each socket, by cookie."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.integration.http.serving import served
from tests.integration.http.test_access_table import things_of
from tests.integration.http.world import World, open_world
from tests.integration.web.browsers import (
    COOKIE,
    OWN,
    PASSWORD,
    browser,
    fields_of,
    form_token_of,
    link_for,
    signed_in,
)
from tests.integration.web.forged import FOREIGN, everything, let_through, of_forms, of_mutations
from tests.integration.web.test_pages import _addresses, _ids, _with_session
from tests.support.panel.today import today, turn

DAYS = 16  # in which all that is forged is sent once; `script/prove dashboard_matrix` sends all of it

# What a page elsewhere has a browser send: a picture, a frame, a script's request, and what is fetched ahead.
IN_PASSING: tuple[dict[str, str], ...] = (
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "empty"},
    {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document", "sec-purpose": "prefetch"},
    {"accept": "image/avif,image/webp,*/*;q=0.8"},
)


async def _paths(world: World) -> tuple[str, list[str]]:
    """A waiting deployment, and the paths of forms that would change something."""
    application_id = await world.application()
    deployment_id = await world.deploy(application_id)
    forms = [f"/deployments/{deployment_id}/{name}" for name in ("cancel", "kill", "remove")]
    forms += [f"/services/{application_id}/{name}-application" for name in ("deploy", "stop", "cancel-waiting")]
    return deployment_id, forms


async def _is_untouched(world: World, deployment_id: str) -> bool:
    found = await world.get("deployment.search")
    return [(each["deploymentId"], each["status"]) for each in found["rows"]] == [(deployment_id, "pending")]


@pytest.mark.slow
async def test_a_form_of_another_page_does_nothing(world: World) -> None:
    deployment_id, forms = await _paths(world)
    async with signed_in(world) as client, signed_in(world, "member") as other:
        theirs = await form_token_of(other)
        found: dict[tuple[str, str], int] = {}
        for path in forms:
            fields = await fields_of(client, path)
            assert len(fields["form_token"]) == 64
            assert fields["form_token"] != theirs
            for why, headers in FOREIGN.items():
                found[path, why] = (await client.post(path, data=fields, headers=dict(headers))).status_code
            for why, token in (("none", ""), ("of another session", theirs), ("of nobody", "0" * 64)):
                sent = {**fields, "form_token": token}
                found[path, f"token: {why}"] = (await client.post(path, data=sent, headers=OWN)).status_code
            as_json = await client.post(path, json=fields, headers=OWN)
            found[path, "as JSON"] = as_json.status_code
        wanted = {key: 415 if key[1] == "as JSON" else 403 for key in found}
        assert found == wanted
    assert len(found) == len(forms) * (len(FOREIGN) + 4)
    assert await _is_untouched(world, deployment_id)


async def test_nobody_is_signed_in_or_out_by_another_page(world: World) -> None:
    path = await link_for(world, "member")
    typed = {"name": "member", "password": PASSWORD, "code": "123456"}
    async with signed_in(world) as client, browser(world) as other:
        form_token = await form_token_of(client)
        for why, headers in FOREIGN.items():
            for where in (path, "/sign-in", "/sign-in/code", "/invitation/some-token"):
                answer = await other.post(where, data=typed, headers=dict(headers))
                assert (answer.status_code, "set-cookie" in answer.headers) == (403, False), (why, where)
            out = await client.post("/sign-out", data={"form_token": form_token}, headers=dict(headers))
            assert out.status_code == 403, why
        assert (await client.get("/deployments")).status_code == 200
        assert (await other.get(path)).status_code == 200, "the link was not used up"


async def test_no_page_uses_up_the_tries_of_who_looks_at_it(tmp_path: Path, sqlite_template: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    shutil.copyfile(sqlite_template, data / "headway.db")
    away = {"HEADWAY_OIDC_ISSUER": "https://127.0.0.1:9", "HEADWAY_OIDC_CLIENT_ID": "panel"}
    async with open_world(data, **away) as world, browser(world) as client:
        for path in ("/sign-in/provider", "/sign-in/provider/callback?state=x&code=y"):
            for headers in IN_PASSING * 8:
                assert (await client.get(path, headers=headers)).status_code == 403, headers
                assert (await client.head(path, headers=headers)).status_code == 403, headers
        opened = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        assert (await client.get("/sign-in/provider", headers=opened)).status_code == 503, "only the provider is away"
        assert (await client.get(await link_for(world, "Owner"))).status_code == 200
        typed = {"name": "Owner", "password": "not the right one"}
        assert (await client.post("/sign-in", data=typed, headers=OWN)).status_code == 401


async def test_the_cookie_opens_the_api_to_pages_of_this_panel_alone(world: World) -> None:
    deployment_id, _ = await _paths(world)
    body = {"deploymentId": deployment_id}
    async with signed_in(world) as client:
        changed = {
            (where, why): (await client.post(where, json=body, headers=dict(headers))).status_code
            for where in ("/api/deployment.removeDeployment", "/api/trpc/deployment.removeDeployment")
            for why, headers in FOREIGN.items()
        }
        assert changed == dict.fromkeys(changed, 401)
        assert await _is_untouched(world, deployment_id)
        read = {
            "nothing": await _read(client),
            "typed": await _read(client, {"sec-fetch-site": "none"}),
            "cross-site": await _read(client, {"sec-fetch-site": "cross-site"}),
            "another origin": await _read(client, {"sec-fetch-site": "same-origin", "origin": "http://evil.example"}),
            "own": await _read(client, {"sec-fetch-site": "same-origin"}),
            "own, without fetch metadata": await _read(client, {"x-headway-page": "1"}),
            "a wrong key beside it": await _read(client, {"sec-fetch-site": "same-origin", "x-api-key": "nope"}),
        }
        assert {why for why, status in read.items() if status == 200} == {"own", "own, without fetch metadata"}
        assert {status for status in read.values() if status != 200} == {401}
        done = await client.post("/api/deployment.removeDeployment", json=body, headers=OWN)
        assert done.status_code == 200
        rows = (await world.get("auditLog.all"))["logs"]
        assert rows[0]["credential"] == "session"


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_nothing_that_is_forged_is_done(world: World) -> None:
    await nothing_forged_is_done(world, DAYS)


async def nothing_forged_is_done(world: World, days: int) -> None:
    """Sends what has its turn today of all that can be forged, of every form and of every mutation: it is refused, and
    nothing is another than before.
    """
    things = await things_of(world)
    ids = await _ids(world)
    async with signed_in(world) as client, signed_in(world, "member") as other:
        own, theirs = await form_token_of(client), await form_token_of(other)
        addresses = _addresses(await _with_session(world, ids, client))
        forged = [*of_forms(addresses, own, theirs, ids), *of_mutations(things)]
        assert len(forged) > len(FOREIGN) * 600
        turns = set(turn([each.why for each in forged], days))
        before = everything(world)
        found, sent = await let_through(client, (each for each in forged if each.why in turns))
        print(f"{today()}: {sent} requests of {len(forged)} were forged")
        assert found == {}
        assert sent >= len(forged) // days
        changed = [name for name, rows in everything(world).items() if rows != before[name]]
        assert changed == []
        assert (await client.get("/deployments")).status_code == 200, "the session is as it was"


async def test_a_socket_is_open_to_pages_of_this_panel_alone(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    world.write_log(deployment_id, "one\n")
    log_path = (await world.get("deployment.one", deploymentId=deployment_id))["logPath"]
    async with signed_in(world) as client, served(world) as server:
        address = f"ws://127.0.0.1:{server.port}/listen-deployment?logPath={log_path}"
        cookie = {"cookie": f"headway-{server.port}={client.cookies[COOKIE]}"}
        own = f"http://127.0.0.1:{server.port}"
        refused = []
        for origin in (
            None,
            "null",
            "http://evil.example",
            f"http://127.0.0.1:{server.port + 1}",
            own.replace("http", "https"),
        ):
            headers = cookie if origin is None else {**cookie, "origin": origin}
            try:
                async with connect(address, additional_headers=headers, proxy=None):
                    pass
            except InvalidStatus as refusal:
                refused.append(refusal.response.status_code)
        assert refused == [401] * 5
        async with connect(address, additional_headers={**cookie, "origin": own}, proxy=None) as connection:
            assert await connection.recv() == "one\n"


async def _read(client: httpx.AsyncClient, headers: Mapping[str, str] | None = None) -> int:
    return (await client.get("/api/user.get", headers=dict(headers or {}))).status_code
