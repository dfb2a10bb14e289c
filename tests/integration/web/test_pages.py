"""Pages over the real panel: what goes with each, and what a form does. Who may open which shows test_page_access."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx
import pytest

from headway.features.backups.pages.files import file_id
from headway.operations import all_pages
from headway.web.answers import POLICY
from tests.integration.http.backup_rows import A_VOLUME_BACKUP
from tests.integration.http.callers import PEOPLE_THINGS
from tests.integration.http.preview_rows import previews_of
from tests.integration.http.schedule_rows import schedule_of
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, browser, fields_of, form_token_of, link_for, send, signed_in
from tests.integration.web.watched import WITH_AN_ENGINE, watched_ids

HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "content-type": "text/html; charset=utf-8",
}


async def _ids(world: World) -> Mapping[str, str]:
    application_id = await world.application()
    deployment_id = await world.ended(application_id)
    release_id = await world.kept(application_id)
    mount = {"type": "volume", "volumeName": "data", "mountPath": "/data"}
    mounted = await world.post("mounts.create", serviceId=application_id, **mount)
    await world.post("port.create", applicationId=application_id, publishedPort=8081, targetPort=80)
    await world.post(
        "redirects.create", applicationId=application_id, regex="^http://a/", replacement="http://b/", permanent=True
    )
    await world.post("security.create", applicationId=application_id, username="ann", password="of nobody")
    row = await world.get("application.one", applicationId=application_id)
    (port,), (redirect,), (login,) = row["ports"], row["redirects"], row["security"]
    of_door = {"{redirectId}": redirect["redirectId"], "{securityId}": login["securityId"]}
    of_container = {"{mountId}": mounted["mountId"], "{portId}": port["portId"], **of_door}
    await world.post("application.saveEnvironment", applicationId=application_id, env="NODE_ENV=test\n")
    user_id = (await world.get("user.get"))["userId"]
    invited = await world.post("organization.inviteMember", email="mia@example.org", role="member")
    key_id = next(each["id"] for each in await world.get("user.apiKeys") if each["userId"] == user_id)
    (group_id,) = await PEOPLE_THINGS["group_rule",](world)
    of_people = {"{userId}": user_id, "{invitationId}": invited["id"], "{apiKeyId}": key_id, "{groupRuleId}": group_id}
    of_service = {"{serviceId}": application_id, "{releaseId}": release_id, "{domainId}": application_id}
    link = await world.post("deployment.createLink", deploymentId=deployment_id)
    of_link = {"{linkId}": link["linkId"], "{token}": link["token"]}
    of_services = {"{deploymentId}": deployment_id, **of_link, **of_service, "{name}": "NODE_ENV", **of_container}
    watched = await watched_ids(world, application_id)
    others = {**await _running(world, application_id), **watched, **await _ids_of_setup(world)}
    return {**of_services, **of_people, **others}


async def _running(world: World, application_id: str) -> Mapping[str, str]:
    """The ids of what runs at its times or by itself."""
    whose = {"serviceType": "application", "applicationId": application_id, "composeId": None}
    volume = {**A_VOLUME_BACKUP, **whose, "volumeName": "data"}
    made = {
        "{serverId}": (await world.post("server.create", **A_SERVER))["serverId"],
        "{scheduleId}": (await schedule_of(world, application_id))["schedule"],
        "{backupId}": (await world.post("volumeBackups.create", **volume))["volumeBackupId"],
        "{previewDeploymentId}": (await previews_of(world, application_id))["preview"],
    }
    things = {"{kind}": "application", "{sourceId}": application_id, "{file}": file_id("a/b")}
    return {**made, **things, "{target}": "application", "{targetId}": application_id}


async def _ids_of_setup(world: World) -> Mapping[str, str]:
    made = await world.post("project.create", name="Shop")
    provider = await world.post("gitea.create", giteaUrl="http://127.0.0.1:1", accessToken="x")
    key = await world.post("sshKey.create", name="key")
    registry = await world.post(
        "registry.create", registryName="ours", registryUrl="registry.example", username="u", password="p"
    )
    destination = await world.post("destination.create", name="here", provider="local")
    return {
        "{projectId}": made["project"]["projectId"],
        "{environmentId}": made["environment"]["environmentId"],
        "{gitProviderId}": provider["gitProviderId"],
        "{owner}": "team",
        "{repository}": "shop",
        "{sshKeyId}": key["sshKeyId"],
        "{registryId}": registry["registryId"],
        "{destinationId}": destination["destinationId"],
    }


async def _with_session(world: World, ids: Mapping[str, str], client: httpx.AsyncClient) -> Mapping[str, str]:
    """The same, with the session of whoever has signed in, and a passkey of the owner's: signing in by a link has taken
    away those of before.
    """
    found = await client.get("/api/account.sessions", headers={"sec-fetch-site": "same-origin"})
    (passkey_id,) = await PEOPLE_THINGS["passkey",](world)
    return {**ids, "{sessionId}": found.json()["sessions"][0]["sessionId"], "{passkeyId}": passkey_id}


def _addresses(ids: Mapping[str, str]) -> dict[str, str]:
    """Every page and each of its parts, by its path as it is registered."""
    found = {}
    for path, make in all_pages().items():
        if path in WITH_AN_ENGINE:
            continue
        address = path
        for name, value in ids.items():
            address = address.replace(name, value)
        found[path] = address
        found |= {f"{path}/-/{part}": f"{address}/-/{part}" for part in make().parts}
    return found


@pytest.mark.slow
async def test_every_answer_says_what_a_page_may_load(world: World) -> None:
    ids = await _ids(world)
    deployment_id = await world.deploy(ids["{serviceId}"])
    async with signed_in(world) as client, browser(world) as nobody:
        asked = {
            **dict.fromkeys(_addresses(await _with_session(world, ids, client)).values(), client),
            f"/deployments/{deployment_id}/kill": client,
            "/deployments/unknown": client,
            "/deployments/unknown/-/state": client,
            "/elsewhere": client,
            "/sign-in": nobody,
            await link_for(world, "member"): nobody,
            "/link/unknown": nobody,
            "/invitation/unknown": nobody,
        }
        for path, who in asked.items():
            if path.startswith("/shared/"):
                continue  # which has others, and tests of its own
            answer = await who.get(path)
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
            kept = answer.headers["cache-control"]
            assert kept == ("private, no-cache" if "etag" in answer.headers else "no-store"), path
            assert "<script>" not in answer.text
            assert " style=" not in answer.text


async def test_what_a_page_loads_is_there_and_kept(world: World) -> None:
    async with browser(world) as client:
        text = (await client.get("/sign-in")).text
        linked = {each.partition('"')[0] for each in text.replace("src=", "href=").split('href="')[1:]}
        files = {each.partition("#")[0] for each in linked if each.startswith("/static/")}
        assert len(files) >= 3
        for each in files:
            answer = await client.get(each)
            assert answer.status_code == 200, each
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        for path in ("/static/0/headway.css", "/static/../app.py", f"{files.pop()}/../../app.py", "/static/"):
            assert (await client.get(path)).status_code == 404, path


async def test_a_page_that_is_known_is_not_sent_again_until_it_is_another(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    async with signed_in(world) as client:
        for path in (f"/deployments/{deployment_id}/-/state", "/deployments"):
            first = await client.get(path)
            again = await client.get(path, headers={"if-none-match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b""), path
        path = f"/deployments/{deployment_id}/-/state"
        known = (await client.get(path)).headers["etag"]
        await world.claim()
        assert (await client.get(path, headers={"if-none-match": known})).status_code == 200


async def test_a_form_does_what_it_says_and_tells_once_what_it_did(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    path = f"/deployments/{deployment_id}"
    async with signed_in(world) as client:
        assert f"{path}/cancel" in (await client.get(path)).text
        done = await send(client, f"{path}/cancel")
        assert (done.status_code, done.headers["location"]) == (303, path)
        part = await client.get(f"{path}/-/state")
        assert "Cancelled: nothing" not in part.text, "a part does not tell it"
        told = await client.get(path)
        assert "Cancelled: nothing of it runs any more." in told.text
        assert "etag" not in told.headers
        assert "Cancelled: nothing of it runs any more." not in (await client.get(path)).text
        assert f"{path}/cancel" not in told.text, "what has ended is not offered to be cancelled"
    row = await world.get("deployment.one", deploymentId=deployment_id)
    assert (row["status"], row["reason"]) == ("error", "cancelled")
    logs = (await world.get("auditLog.all"))["logs"]
    assert [(each["action"], each["credential"]) for each in logs if each["procedure"] == "deployment.cancel"] == [
        ("cancel", "session")
    ]


async def test_a_form_that_can_do_nothing_says_why_and_asks_again(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    path = f"/deployments/{deployment_id}/kill"
    async with signed_in(world) as client:
        answer = await send(client, path)
        assert answer.status_code in {400, 409}
        assert "<form" in answer.text
        assert f'action="{path}"' in answer.text
        assert (await client.get("/deployments/unknown/kill")).status_code == 404


async def test_a_form_that_is_sent_twice_starts_once(world: World) -> None:
    application_id = await world.application()
    path = f"/services/{application_id}/deploy-application"
    async with signed_in(world) as client:
        fields = await fields_of(client, path)
        first = await client.post(path, data=fields, headers=OWN)
        again = await client.post(path, data=fields, headers=OWN)
        assert first.status_code == 303
        assert first.headers["location"] == again.headers["location"]
        assert first.headers["location"].startswith("/deployments/")
        once_more = await send(client, path)
        assert once_more.headers["location"] != first.headers["location"]


async def test_a_member_is_offered_and_let_do_what_their_role_may(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    async with signed_in(world, "member") as client:
        for name in ("cancel", "kill", "remove"):
            assert (await client.get(f"/deployments/{deployment_id}/{name}")).status_code == 404
            fields = {"form_token": await form_token_of(client)}
            answer = await client.post(f"/deployments/{deployment_id}/{name}", data=fields, headers=OWN)
            assert answer.status_code == 404


@pytest.mark.slow
async def test_to_look_changes_nothing(world: World) -> None:
    ids = await _ids(world)
    async with signed_in(world) as client:
        before = await _all_there_is(world)
        for path in (
            *_addresses(await _with_session(world, ids, client)).values(),
            f"/deployments/{ids['{deploymentId}']}/kill",
        ):
            assert (await client.get(path)).status_code == 200
        assert await _all_there_is(world) == before


async def test_text_from_outside_stays_text(world: World) -> None:
    evil = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    application_id = await world.application()
    answer = await world.owner.post(
        "/application.deploy", json={"applicationId": application_id, "title": evil, "description": evil}
    )
    deployment_id = answer.headers["x-deployment-id"]
    world.write_log(deployment_id, f"{evil}\n\x1b[31m{evil}\x1b[0m\n")
    async with signed_in(world) as client:
        for path in ("/deployments", f"/deployments/{deployment_id}", f"/deployments/{deployment_id}/kill"):
            text = (await client.get(path)).text
            assert "&lt;script&gt;" in text, path
            assert "<script>" not in text
            assert "<img" not in text


async def _all_there_is(world: World) -> object:
    rows: dict[str, object] = {}
    for name in ("auditLog.all", "deployment.search", "project.all"):
        rows[name] = await world.get(name)
    return rows


async def test_an_upload_is_no_form(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    async with signed_in(world) as client:
        path = f"/deployments/{deployment_id}/cancel"
        fields = await fields_of(client, path)
        large = await client.post(path, data={**fields, "x": "y" * 300_000}, headers=OWN)
        assert large.status_code == 413
        files: Mapping[str, bytes] = {"zip": b"x"}
        assert (await client.post(path, data=fields, files=files, headers=OWN)).status_code == 415


async def test_the_frame_leads_to_what_may_be_opened_and_marks_where_one_is(world: World) -> None:
    async with signed_in(world) as owner, signed_in(world, "member") as member:
        for client in (owner, member):
            text = (await client.get("/services")).text
            places = set(re.findall(r'<li(?: class="[^"]*")?><a href="(/[^"]*)"', text))
            assert {path for path in places if (await client.get(path)).status_code != 200} == set()
            assert len(places) > 3
            assert set(re.findall(r'href="([^"]+)" aria-current="page"', text)) == {"/services"}
        text = (await owner.get("/members")).text
        assert 'href="/members" aria-current="page"' in text
        assert "<summary class=" in text, "that one is within is seen where it is closed"


async def test_a_method_that_no_page_has_is_not_there(world: World) -> None:
    async with signed_in(world) as client:
        for method in ("PUT", "DELETE", "POST"):
            assert (await client.request(method, "/deployments")).status_code == 404
