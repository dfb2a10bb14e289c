"""The pages of servers: what is known of each, how one is added and entered, and what goes when one is removed."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, cast

import pytest

from headway.features.servers.pages.server_list import lines_of
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.world import World
from tests.integration.web.browsers import send, signed_in

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import SearchPage

EVIL = "<script>alert(1)</script>\u202e"


async def _server(world: World, **fields: object) -> str:
    key = await world.post("sshKey.create", name="the key")
    made = await world.post("server.create", **{**A_SERVER, "sshKeyId": key["sshKeyId"], **fields})
    server_id: str = made["serverId"]
    return server_id


async def test_a_server_is_added_changed_and_removed_by_forms_alone(world: World) -> None:
    key = await world.post("sshKey.create", name="the key")
    async with signed_in(world) as client:
        assert "There is no server yet." in (await client.get("/servers")).text
        asked = (await client.get("/servers/add")).text
        assert f'<option value="{key["sshKeyId"]}"' in asked
        assert "authorized_keys" in asked
        bad = await send(client, "/servers/add", name="far", ipAddress="", sshKeyId=key["sshKeyId"], port="70000")
        assert bad.status_code == 422
        assert "field-bad" in bad.text
        assert 'value="far"' in bad.text
        typed = {"name": "far", "ipAddress": "127.0.0.1", "port": "1", "username": "root", "serverType": "build"}
        made = await send(client, "/servers/add", **typed, sshKeyId=key["sshKeyId"], concurrency="3")
        path = made.headers["location"]
        assert (made.status_code, path.rpartition("/")[0]) == (303, "/servers")
        page = (await client.get(path)).text
        assert "root@127.0.0.1:1" in page
        assert "builds only" in page
        assert "Added." in page
        assert 'value="127.0.0.1"' in (await client.get(f"{path}/change")).text
        changed = await send(client, f"{path}/change", name="near", jumpServerId="", serverType="deploy")
        assert changed.headers["location"] == path
        row = await world.get("server.one", serverId=path.rpartition("/")[2])
        assert (row["name"], row["serverType"], row["ipAddress"], row["concurrency"]) == (
            "near",
            "deploy",
            "127.0.0.1",
            3,
        )
        wrong = await send(client, f"{path}/remove", typed="far")
        assert wrong.status_code == 422
        gone = await send(client, f"{path}/remove", typed="near")
        assert (gone.status_code, gone.headers["location"]) == (303, "/servers")
        assert "The machine itself was not touched." in (await client.get("/servers")).text
        assert (await client.get(path)).status_code == 404
    assert await world.get("server.all") == []


async def test_the_connection_says_what_helps(world: World) -> None:
    server_id, keyless = await _server(world), (await world.post("server.create", **A_SERVER))["serverId"]
    async with signed_in(world) as client:
        away = await client.get(f"/servers/{server_id}/connection")
        assert away.status_code == 200
        assert "it cannot be entered" in away.text
        assert "Does sshd run there, and is 1 its port?" in away.text
        bare = await client.get(f"/servers/{keyless}/connection")
        assert (bare.status_code, "it cannot be entered" in bare.text) == (200, True)
        assert "has no SSH key" in (await client.get("/servers")).text
        assert "change it, and choose one" in (await client.get(f"/servers/{keyless}")).text


async def test_a_set_up_is_a_deployment_and_what_waits_is_told(world: World) -> None:
    server_id = await _server(world)
    async with signed_in(world) as client:
        begun = await send(client, f"/servers/{server_id}/set-up", docker="true", dryRun="true")
        assert begun.status_code == 303
        deployment_id = begun.headers["location"].removeprefix("/deployments/")
        row = await world.get("deployment.one", deploymentId=deployment_id)
        assert (row["kind"], row["serverId"]) == ("server.setup", server_id)
        assert "1 under way" in (await client.get("/servers")).text
        assert f"/deployments/{deployment_id}" in (await client.get(f"/servers/{server_id}")).text
        stays = await send(client, f"/servers/{server_id}/remove", typed="s")
        assert stays.status_code == 409
        assert "1 deployment waits or runs on this server" in stays.text
        neither = await send(client, f"/servers/{server_id}/set-up")
        assert neither.status_code == 400
        assert "There is nothing to set up" in neither.text


async def test_what_is_on_a_server_stands_on_its_page_and_keeps_it(world: World) -> None:
    server_id = await _server(world)
    environment_id = await world.environment()
    made = await world.post("application.create", name="shop", environmentId=environment_id, serverId=server_id)
    async with signed_in(world) as client:
        page = (await client.get(f"/servers/{server_id}")).text
        assert f"/services/{made['applicationId']}" in page
        asked = (await client.get(f"/servers/{server_id}/remove")).text
        assert "1 service is on it: remove these first, or it stays." in asked
        refused = await send(client, f"/servers/{server_id}/remove", typed="s")
        assert (refused.status_code, "shop is on this server" in refused.text) == (409, True)


async def test_another_host_key_is_accepted_by_a_form(world: World) -> None:
    server_id = await _server(world)
    async with signed_in(world) as client:
        asked = (await client.get(f"/servers/{server_id}/accept-key")).text
        assert "compare the fingerprint on the machine first" in asked
        done = await send(client, f"/servers/{server_id}/accept-key")
        assert (done.status_code, done.headers["location"]) == (303, f"/servers/{server_id}")


@pytest.mark.parametrize("path", ["", "/add", "/{}", "/{}/connection", "/{}/set-up", "/{}/change", "/{}/remove"])
async def test_servers_are_for_admins(world: World, path: str) -> None:
    address = f"/servers{path.format(await _server(world))}"
    async with signed_in(world, "member") as member, signed_in(world, "stranger") as other:
        assert (await member.get(address)).status_code == 403
        assert (await other.get(address)).status_code == (404 if "{}" in path else 200)
        posted = await member.post(address, data={}, headers={"origin": "http://127.0.0.1:3000"})
        assert posted.status_code in {403, 404}


async def test_text_from_outside_stays_text(world: World) -> None:
    server_id = await _server(world, name=EVIL, description=EVIL)
    async with signed_in(world) as client:
        for path in ("/servers", f"/servers/{server_id}", f"/servers/{server_id}/remove"):
            text = (await client.get(path)).text
            assert html.escape("<script>alert(1)</script>") in text
            assert "<script>alert" not in text


async def test_work_of_which_not_all_was_looked_at_is_so_much_at_least(world: World) -> None:
    made = await world.post("server.create", **A_SERVER)
    servers = await world.get("server.all")
    row = {"serverId": made["serverId"], "buildServerId": None}
    for cursor, is_more in ((None, False), ("further", True)):
        found = cast("SearchPage", {"rows": [row], "nextCursor": cursor})
        (line,) = lines_of(servers, found)
        assert (line["work"], line["more"]) == (1, is_more)
        (none,) = lines_of(servers, cast("SearchPage", {"rows": [], "nextCursor": cursor}))
        assert (none["work"], none["more"]) == (0, is_more)
