"""The question of a removal names what uses the thing, and says what becomes of it."""

from __future__ import annotations

import html

import pytest

from tests.integration.http.backup_rows import A_REGISTRY
from tests.integration.http.database_rows import A_DATABASE
from tests.integration.http.provider_rows import NOWHERE
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.test_taken import A_FILE
from tests.integration.http.world import World
from tests.integration.web.browsers import send, signed_in

EVIL = "<script>alert(1)</script>"


async def test_a_git_provider_is_removed_knowing_who_takes_a_repository_from_it(world: World) -> None:
    provider_id = (await world.post("gitea.create", name="Our Gitea", **NOWHERE))["gitProviderId"]
    users = await world.get("gitProvider.usedBy", gitProviderId=provider_id)
    assert users == {"total": 0, "items": []}
    application_id = await world.application(name=EVIL)
    other_id = await world.application()
    taken = {"giteaId": provider_id, "giteaOwner": "team", "giteaRepository": "app"}
    await world.post("application.saveGiteaProvider", applicationId=application_id, **taken)
    await world.post("application.saveGiteaProvider", applicationId=other_id, **taken)
    await world.post("application.saveDockerProvider", applicationId=other_id, dockerImage="nginx:1")
    users = await world.get("gitProvider.usedBy", gitProviderId=provider_id)
    assert [(each["kind"], each["id"], each["name"]) for each in users["items"]] == [
        ("application", application_id, EVIL)
    ], "one whose source is another one now does not use it"
    assert users["items"][0]["environment"]["project"]["name"]
    async with signed_in(world) as client:
        path = f"/git-providers/{provider_id}/remove"
        text = (await client.get(path)).text
        assert "One uses it" in text
        assert "its next deploy fails" in text
        assert f'href="/services/{application_id}"' in text
        assert EVIL not in text
        assert html.escape(EVIL) in text
        assert other_id not in text
        assert (await send(client, path, typed="Our Gitea")).headers["location"] == "/git-providers"


async def test_an_ssh_key_is_removed_knowing_which_servers_it_enters_and_which_services_fetch_with_it(
    world: World,
) -> None:
    key_id = (await world.post("sshKey.create", name="k"))["sshKeyId"]
    async with signed_in(world) as client:
        text = (await client.get(f"/ssh-keys/{key_id}/remove")).text
        assert "Nothing uses it." in text
        assert "Servers that are entered" not in text
        server_id = (await world.post("server.create", **{**A_SERVER, "name": "far", "sshKeyId": key_id}))["serverId"]
        text = (await client.get(f"/ssh-keys/{key_id}/remove")).text
        assert f'href="/servers/{server_id}"' in text
        assert "out of reach from now on" in text
        assert "Services go on serving" not in text
        service_id = await world.application(customGitUrl="git@git.invalid:a/b.git", customGitSSHKeyId=key_id)
        text = (await client.get(f"/ssh-keys/{key_id}/remove")).text
        assert f'href="/services/{service_id}"' in text
        assert "Services go on serving" in text
    users = await world.get("sshKey.usedBy", sshKeyId=key_id)
    assert (users["total"], [each["kind"] for each in users["items"]]) == (2, ["server", "application"])


async def test_a_registry_is_removed_knowing_who_fetches_from_it_and_only_so_many_are_named(world: World) -> None:
    registry_id = (await world.post("registry.create", **A_REGISTRY))["registryId"]
    ids = [await world.application(name=f"a{number}") for number in range(22)]
    for each in ids:
        await world.post("application.update", applicationId=each, registryId=registry_id)
    given = {"name": "stack", "environmentId": await world.environment(), **A_FILE, "registryIds": [registry_id]}
    compose_id = (await world.post("compose.create", **given))["composeId"]
    wanted = {**A_DATABASE, "name": "orders", "environmentId": given["environmentId"]}
    database_id = (await world.post("postgres.create", **wanted))["postgresId"]
    await world.post("postgres.update", postgresId=database_id, registryId=registry_id)
    users = await world.get("registry.usedBy", registryId=registry_id)
    assert (users["total"], len(users["items"])) == (24, 24)
    assert [(each["kind"], each["id"]) for each in users["items"][-2:]] == [
        ("compose", compose_id),
        ("database", database_id),
    ]
    async with signed_in(world) as client:
        text = (await client.get(f"/registries/{registry_id}/remove")).text
    assert "24 use it, of which 20 are named below." in text
    assert sum(f'href="/services/{each}"' in text for each in ids) == 20


async def test_a_destination_names_its_backups_and_cannot_be_removed_before_they_go_elsewhere(world: World) -> None:
    destination_id = (await world.post("destination.create", name="here", provider="local"))["destinationId"]
    wanted = {"schedule": "0 3 * * *", "prefix": "/", "destinationId": destination_id, "databaseType": "web-server"}
    async with signed_in(world) as client:
        path = f"/destinations/{destination_id}/remove"
        assert "Nothing uses it." in (await client.get(path)).text
        backup_id = (await world.post("backup.create", name="panel", database="", **wanted))["backupId"]
        text = (await client.get(path)).text
        assert f'href="/backups/{backup_id}"' in text
        assert "it cannot be removed: give each another destination first" in text
        assert 'name="typed"' not in text
        assert "Remove it" not in text, "no button for what would be refused"
        assert (await send(client, path)).status_code == 409, "and asked all the same it is"
        await world.post("backup.remove", backupId=backup_id)
        assert (await send(client, path, typed="here")).headers["location"] == "/destinations"


async def test_a_channel_is_removed_knowing_what_it_tells_and_who_tells_it_then(world: World) -> None:
    hook = {"url": "http://127.0.0.1:1/hook", "medium": "webhook"}
    first = (await world.post("notification.create", name="ops", **hook, events=["*.error"]))["notificationId"]
    async with signed_in(world) as client:
        text = html.unescape((await client.get(f"/notifications/{first}/remove")).text)
        assert "It tells *.error in all projects." in text
        assert "nobody is told of anything from then on" in text
        other = (await world.post("notification.create", name="other", **hook))["notificationId"]
        text = (await client.get(f"/notifications/{first}/remove")).text
        assert f'href="/notifications/{other}"' in text
        assert "1 other channel" in text
        await world.post("notification.update", notificationId=other, enabled=False)
        text = (await client.get(f"/notifications/{first}/remove")).text
        assert "nobody is told of anything from then on" in text
        assert (await send(client, f"/notifications/{first}/remove")).headers["location"] == "/notifications"


async def test_a_member_is_told_nothing_of_who_uses_what(world: World) -> None:
    key_id = (await world.post("sshKey.create", name="k"))["sshKeyId"]
    async with signed_in(world, "member") as client:
        assert (await client.get(f"/ssh-keys/{key_id}/remove")).status_code == 403
    async with signed_in(world, "stranger") as client:
        assert (await client.get(f"/ssh-keys/{key_id}/remove")).status_code == 404


@pytest.mark.parametrize("shown", [True, False])
async def test_a_name_that_cannot_be_seen_is_typed_as_it_is_shown(world: World, shown: bool) -> None:  # noqa: FBT001
    name = f"{'long' * 40}\u202egnp.exe"
    service_id = await world.application(name=name)
    async with signed_in(world) as client:
        path = f"/services/{service_id}/danger/remove-application"
        text = html.unescape((await client.get(path)).text)
        assert f">{name.replace(chr(0x202E), '⟨U+202E⟩')}</pre>" in text
        assert (await send(client, path, typed=name.replace("\u202e", ""))).status_code == 422
        typed = name.replace("\u202e", "⟨U+202E⟩") if shown else name
        assert (await send(client, path, typed=typed)).status_code == 303
