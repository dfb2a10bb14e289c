"""A service's domains as a person adds, changes and removes them."""

from __future__ import annotations

import html
import socket

import pytest

from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, form_token_of, send, signed_in


async def domains(world: World, application_id: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = await world.get("domain.byApplicationId", applicationId=application_id)
    return [each for each in found if not each["generated"]]


async def test_a_domain_is_added_changed_switched_and_removed(world: World) -> None:
    id_ = await world.application("shop")
    path = f"/services/{id_}"
    async with signed_in(world) as client:
        before = (await client.get(f"{path}/domains")).text
        assert "given by the panel" in before
        assert f"{path}/domains/add-application" in before
        done = await send(
            client, f"{path}/domains/add-application", host="www.example.org", path="/api", stripPath="true"
        )
        assert (done.status_code, done.headers["location"]) == (303, f"{path}/domains")
        listed = (await client.get(f"{path}/domains")).text
        assert "Added: http://www.example.org" in listed
        (row,) = await domains(world, id_)
        assert (row["path"], row["stripPath"], row["https"], row["port"]) == ("/api", True, False, None)
        at = f"{path}/domain/{row['domainId']}"
        assert at in listed
        shown = (await client.get(f"{at}/change-application")).text
        assert 'value="www.example.org"' in shown
        done = await send(client, f"{at}/change-application", path="", port="8080")
        assert done.status_code == 422, "a name was there before, and was taken out"
        done = await send(client, f"{at}/change-application", host="www.example.org", path="", port="8080")
        assert done.status_code == 303, done.text
        (row,) = await domains(world, id_)
        assert (row["path"], row["stripPath"], row["port"]) == ("/", False, 8080)
        for _ in range(2):  # as two who look at the same page do, one behind the other
            done = await send(client, f"{at}/switch-off")
            assert done.status_code == 303, done.text
            assert (await domains(world, id_))[0]["enabled"] is False
            assert "Off: it leads nowhere." in (await client.get(at)).text
        assert f"{at}/switch-on" in (await client.get(at)).text
        for _ in range(2):
            await send(client, f"{at}/switch-on")
            assert (await domains(world, id_))[0]["enabled"] is True
        await world.post("domain.toggleEnable", domainId=row["domainId"])
        assert (await domains(world, id_))[0]["enabled"] is False, "who says nothing switches it to what it is not"
        done = await send(client, f"{at}/remove")
        assert (done.status_code, done.headers["location"]) == (303, f"{path}/domains")
    assert await domains(world, id_) == []


@pytest.mark.parametrize(
    ("typed", "status", "told"),
    [
        ({"host": "not a name", "path": "/kept"}, 400, "not a name"),
        ({"host": "", "path": "/kept"}, 422, ""),
        ({"host": "www.example.org", "path": "/kept", "port": "99999"}, 422, "65535"),
    ],
)
async def test_what_cannot_be_a_domain_is_told_and_kept(
    world: World, typed: dict[str, str], status: int, told: str
) -> None:
    id_ = await world.application("shop")
    async with signed_in(world) as client:
        answer = await send(client, f"/services/{id_}/domains/add-application", **typed)
    assert answer.status_code == status
    assert told in html.unescape(answer.text)
    assert 'value="/kept"' in answer.text
    assert await domains(world, id_) == []


async def test_the_name_that_the_panel_gives_stays(world: World) -> None:
    id_, other = await world.application("shop"), await world.application("other")
    async with signed_in(world) as client:
        seen = (await client.get(f"/services/{id_}/domain/{id_}")).text
        assert "The panel gives this name" in seen
        assert "/remove" not in seen
        assert "/look-up" in seen
        assert (await send(client, f"/services/{id_}/domain/{id_}/remove")).status_code == 409
        assert (await client.get(f"/services/{id_}/domain/{other}")).status_code == 404
        assert (await client.get(f"/services/{id_}/domain/{other}/remove")).status_code == 404


async def test_a_name_is_looked_up(world: World) -> None:
    id_ = await world.application("shop")
    await world.post("domain.create", applicationId=id_, host="nobody.invalid")
    (row,) = await domains(world, id_)
    path = f"/services/{id_}/domain/{row['domainId']}"
    async with signed_in(world) as client:
        done = await send(client, f"{path}/look-up")
        assert (done.status_code, done.headers["location"]) == (303, path)
        assert "nobody.invalid" in (await client.get(path)).text


async def test_a_domain_is_asked_and_since_when_that_is_so_is_shown(world: World) -> None:
    id_ = await world.application("shop")
    path = f"/services/{id_}/domain/{id_}"
    async with signed_in(world) as client:
        assert "not asked since the panel was started" in (await client.get(path)).text
        assert f'href="{path}/ask"' in (await client.get(f"/services/{id_}/domains")).text
        done = await send(client, f"{path}/ask")
        assert (done.status_code, done.headers["location"]) == (303, path)
        seen = (await client.get(path)).text
        assert seen.count("Nothing leads there now") == 2, "in the word of what came of it, and beside its age"
        assert "not asked since" not in seen
        assert (await client.get(path)).text.count("Nothing leads there now") == 1
        assert "answered nothing, " in (await client.get(f"/services/{id_}/domains")).text


@pytest.mark.parametrize("told", ["which is the server “far”.", "which is not the server “far”"])
async def test_the_domain_of_a_service_on_a_server_is_to_lead_there(world: World, told: str) -> None:
    found = str(socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)[0][4][0])
    given = {**A_SERVER, "name": "far", "ipAddress": "127.0.0.7" if "not" in told else found}
    server = await world.post("server.create", **given)
    id_ = await world.application("shop", serverId=server["serverId"])
    kept = await world.owner.post("/domain.create", json={"applicationId": id_, "host": "localhost"})
    assert kept.status_code == 503, "it is kept, and the server's edge is not reached"
    (row,) = await domains(world, id_)
    path = f"/services/{id_}/domain/{row['domainId']}"
    async with signed_in(world) as client:
        asked = html.unescape((await client.get(f"/services/{id_}/domains/add-application")).text)
        assert "The DNS of the name has to lead to the server “far”" in asked
        assert "lead to the panel" not in asked
        assert "one of the server “far”" in html.unescape((await client.get(f"{path}/look-up")).text)
        await send(client, f"{path}/look-up")
        assert told in html.unescape((await client.get(path)).text)


async def test_a_compose_service_says_which_of_its_services_is_meant(world: World) -> None:
    made = await world.post("compose.create", name="stack", environmentId=await world.environment())
    id_ = made["composeId"]
    async with signed_in(world) as client:
        assert "Nothing leads to it." in (await client.get(f"/services/{id_}/domains")).text
        given = {"host": "stack.example.org", "serviceName": "web", "port": "80"}
        done = await send(client, f"/services/{id_}/domains/add-compose", **given)
        assert done.status_code == 303, done.text
    (row,) = await world.get("domain.byComposeId", composeId=id_)
    assert (row["serviceName"], row["port"]) == ("web", 80)


async def test_a_database_has_none(world: World) -> None:
    given = {"databaseName": "shop", "databaseUser": "shop"}
    made = await world.post("postgres.create", name="db", environmentId=await world.environment(), **given)
    async with signed_in(world) as client:
        overview = (await client.get(f"/services/{made['postgresId']}")).text
        assert f"/services/{made['postgresId']}/variables" in overview
        assert f"/services/{made['postgresId']}/domains" not in overview
        assert "A database has no domains." in (await client.get(f"/services/{made['postgresId']}/domains")).text


async def test_who_may_not_change_them_is_shown_where_it_answers_and_no_more(world: World) -> None:
    id_ = await world.application("shop")
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[id_])
    async with signed_in(world, "member") as client:
        listed = (await client.get(f"/services/{id_}/domains")).text
        assert f"/services/{id_}/domain/{id_}" in listed
        assert "add-application" not in listed
        path, fields = f"/services/{id_}/domains/add-application", {"form_token": await form_token_of(client)}
        assert (await client.get(path)).status_code == 403
        assert (await client.post(path, data={**fields, "host": "a.example.org"}, headers=OWN)).status_code == 403


async def test_a_name_that_is_taken_is_told_with_whose_it_is_to_who_may_see_that(world: World) -> None:
    other, mine = await world.application("shop <b>"), await world.application("mine")
    await world.post("domain.create", applicationId=other, host="www.example.org", path="/api")
    own = (await world.post("domain.create", applicationId=mine, host="mine.example.org"))["domainId"]
    said = "www.example.org/api is taken already by “shop <b>”; choose another name or path."
    async with signed_in(world) as client:
        typed = {"host": "WWW.example.org", "path": "/api"}
        for form in ("domains/add-application", f"domain/{own}/change-application"):
            answer = await send(client, f"/services/{mine}/{form}", **typed)
            assert answer.status_code == 409, form
            assert said in html.unescape(answer.text), form
            assert "shop <b>" not in answer.text
            assert 'value="WWW.example.org"' in answer.text, "what was typed is there to be changed"
        given = (await world.get("application.one", applicationId=other))["domains"][0]["host"]
        answer = await send(client, f"/services/{mine}/domains/add-application", host=given, path="/x")
        assert "is taken already by “shop <b>”" in html.unescape(answer.text), "by the name that the panel gave it"
    assert [each["host"] for each in await domains(world, mine)] == ["mine.example.org"]
    made = (await world.stranger.post("/project.create", json={"name": "theirs"})).json()
    where = {"environmentId": made["environment"]["environmentId"], "name": "theirs"}
    theirs = (await world.stranger.post("/application.create", json=where)).json()["applicationId"]
    async with signed_in(world, "stranger") as client:
        for host in ("www.example.org", given):
            answer = await send(client, f"/services/{theirs}/domains/add-application", host=host, path="/api")
            told = html.unescape(answer.text)
            assert f"{host}/api is taken already; choose another name or path." in told
            assert "shop" not in told.replace(given, ""), "whose it is nobody tells another organisation"
