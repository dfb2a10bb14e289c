"""No address that a user gives leads to the machine or a private network, but for those who may use the machine."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest

from headway.drivers.forges.base import ForgeConnection, ForgeName
from headway.drivers.forges.client import ForgeClient
from headway.drivers.sources.base import SourceError
from headway.drivers.sources.git import _outward
from headway.drivers.sources.git_commands import Call, Git, GitFolders
from headway.drivers.sources.remote import parse_remote
from headway.features.notifications import store as channels
from headway.features.services.application.store import settings_of
from headway.infra import outward_connections
from headway.infra.outward_http import transport
from headway.kernel.addresses import is_near, near_host
from headway.kernel.secret import Secret
from tests.integration.http.world import World, client_with, open_world
from tests.support.notifications.receivers import Receiver, receiver

NEAR = [
    *("127.0.0.1", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1", "017700000001"),  # noqa: S104
    *("0177.0.0.1", "127.0.0.1.", "localhost", "LOCALHOST", "localhost.", "a.localhost", "10.0.0.8", "172.16.0.1"),
    *("172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254", "169.254.170.2", "224.0.0.1"),
    *("255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fd00::1]", "[ff02::1]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]"),
    *("[64:ff9b::10.0.0.1]", "[::ffff:169.254.169.254]", "[2002:a00:1::1]", "[::ffff:0:127.0.0.1]"),
    *("user@127.0.0.1", "example.org@127.0.0.1", "127.0.0.1%2f", "%31%32%37.0.0.1", "１２７.0.0.1", "127。0。0。1"),  # noqa: RUF001
]
FAR = ["example.org", "8.8.8.8", "1.1.1.1", "[2606:4700::1111]", "10.example.org", "127.0.0.1.nip.example", "0x7g.org"]
TRICKS = [
    *("http://example.org\\@127.0.0.1/x", "http://127.0.0.1\\@example.org/x", "http://127.0.0.1#@example.org/"),
    *("http://example.org@127.0.0.1:80/", "http://a@b@127.0.0.1/", "http:///127.0.0.1/", "HTTP://127.0.0.1"),
    *("git@127.0.0.1:team/x.git", "ssh://git@127.0.0.1/x", "127.0.0.1:5000/team", "localhost:5000"),
    *("mailto://u:p@example.org?smtp=127.0.0.1", "json://example.org/?x=[::1]", "jsons://127.1:8443/a"),
]
PLACES: list[tuple[str, dict[str, object], str]] = [
    ("notification.create", {"name": "n", "endpoint": "http://{}/x"}, "endpoint"),
    ("notification.createCustom", {"name": "n", "endpoint": "http://{}/x"}, "endpoint"),
    ("notification.createGotify", {"name": "n", "serverUrl": "http://{}", "appToken": "t", "priority": 5}, "serverUrl"),
    ("notification.createSlack", {"name": "n", "webhookUrl": "http://{}/hooks/x", "channel": ""}, "webhookUrl"),
    ("notification.createDiscord", {"name": "n", "webhookUrl": "http://{}/api/x"}, "webhookUrl"),
    ("registry.create", {"registryName": "r", "registryUrl": "{}", "username": "u", "password": "p"}, "registryUrl"),
    ("registry.testRegistry", {"registryUrl": "{}", "username": "u", "password": "p"}, "registryUrl"),
    ("gitea.create", {"name": "g", "giteaUrl": "http://{}", "accessToken": "t"}, "giteaUrl"),
    ("gitlab.create", {"name": "g", "gitlabUrl": "http://{}", "accessToken": "t"}, "gitlabUrl"),
    ("destination.create", {"name": "d", "type": "webdav", "options": {"url": "http://{}/"}}, "options"),
    ("destination.testConnection", {"name": "d", "type": "webdav", "options": {"url": "http://{}/"}}, "options"),
    ("application.create", {"name": "a", "customGitUrl": "http://{}/x.git"}, "customGitUrl"),
    ("application.create", {"name": "a", "dockerImage": "{}:5000/team/x"}, "dockerImage"),
    ("compose.create", {"name": "c", "customGitUrl": "ssh://git@{}/x.git"}, "customGitUrl"),
]


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


@pytest.mark.parametrize("host", NEAR)
def test_every_spelling_of_what_is_near_is_known(host: str) -> None:
    for address in (f"http://{host}/x", f"https://{host}:8443/", f"json://user:pw@{host}/a"):
        assert near_host(address) is not None, address


@pytest.mark.parametrize("address", TRICKS)
def test_no_trick_hides_a_host(address: str) -> None:
    assert near_host(address) is not None


@pytest.mark.parametrize("host", FAR)
def test_what_is_of_the_internet_is_let_through(host: str) -> None:
    for address in (f"http://{host}/x", f"https://user:pw@{host}:8443/a?b=c#d"):
        assert near_host(address) is None, address


def test_numbers_and_names_in_an_address_of_a_service_are_no_hosts() -> None:
    for address in ("tgram://123456789:abcdef/12345/", "slack://T1/B2/C3/#general", "mailto://u:p@example.org?name=1"):
        assert near_host(address) is None, address


@pytest.mark.parametrize("text", ["10.1.2.3", "fe80::1", "::", "::1", "fec0::1", "2001:0:1:2::1", "240.0.0.1"])
def test_networks_that_are_nobodys_are_near(text: str) -> None:
    assert is_near(ip_address(text))


@pytest.mark.parametrize(("procedure", "given", "field"), PLACES)
async def test_only_who_may_use_the_machine_saves_what_is_near(
    world: World, procedure: str, given: dict[str, object], field: str
) -> None:
    environments = {"stranger": await _environment(world, world.stranger), "owner": await world.environment()}
    for host in ("127.0.0.1", "localhost", "169.254.169.254", "10.1.1.1"):
        sent = json.loads(json.dumps(given).replace("{}", host))
        body = {"environmentId": environments["stranger"], **sent}
        refused = await world.stranger.post(f"/{procedure}", json=body)
        assert refused.status_code == 403, (host, field, refused.text)
        assert "private network" in refused.json()["message"]
        assert "first organisation" in refused.json()["message"], "and how it is granted"
    sent = json.loads(json.dumps(given).replace("{}", "nowhere.invalid"))
    taken = await world.stranger.post(f"/{procedure}", json={"environmentId": environments["stranger"], **sent})
    assert taken.status_code != 403, taken.text
    sent = json.loads(json.dumps(given).replace("{}", "127.0.0.1"))
    own = await world.owner.post(f"/{procedure}", json={"environmentId": environments["owner"], **sent})
    assert own.status_code != 403, "the owner of the first organisation has the machine"


async def _environment(world: World, client: httpx.AsyncClient) -> str:
    made = (await client.post("/project.create", json={"name": "theirs"})).json()
    environment_id: str = made["environment"]["environmentId"]
    return environment_id


async def test_a_key_for_a_project_and_an_update_open_no_way_around(world: World) -> None:
    application_id = await world.application()
    project_id = (await world.get("application.one", applicationId=application_id))["projectId"]
    narrow = await world.post("user.createApiKey", name="narrow", projects=[project_id])
    async with client_with(world.app, narrow["key"]) as client:
        for given in ({"customGitUrl": "http://127.0.0.1/x.git"}, {"dockerImage": "localhost:5000/x"}):
            answer = await client.post("/application.update", json={"applicationId": application_id, **given})
            assert answer.status_code == 403, given
        renamed = await client.post("/application.update", json={"applicationId": application_id, "name": "other"})
        assert renamed.status_code == 200
    given = {"name": "g", "giteaUrl": "https://git.example", "accessToken": "t"}
    made = (await world.stranger.post("/gitea.create", json=given)).json()
    moved = {
        "giteaId": made["giteaId"],
        "gitProviderId": made["gitProviderId"],
        "giteaUrl": "http://127.1",
        "name": "g",
    }
    assert (await world.stranger.post("/gitea.update", json=moved)).status_code == 403


@pytest.fixture
def listening() -> Iterator[Receiver]:
    with receiver() as started:
        yield started


async def test_a_name_that_leads_near_is_not_connected_to(
    world: World, listening: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listening.port
    asked = leading_to(monkeypatch, "127.0.0.1")
    given = {"name": "n", "endpoint": f"http://rebound.example:{port}/x"}
    made = (await world.stranger.post("/notification.create", json=given)).json()
    refused = await world.stranger.post("/notification.test", json={"notificationId": made["notificationId"]})
    assert (refused.status_code, "private network" in refused.json()["message"]) == (400, True)
    assert asked == ["rebound.example"]
    assert listening.posted == []


async def test_a_name_is_looked_up_once_and_what_was_judged_is_connected_to(
    listening: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listening.port
    asked = leading_to(monkeypatch, "203.0.113.7", "127.0.0.1")
    monkeypatch.setattr(
        outward_connections, "leads_near", lambda address: address == "127.0.0.1"
    )  # nobody's is near, too
    connected: list[str] = []
    inner = httpcore.AnyIOBackend.connect_tcp

    async def connect(self: Any, host: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as it takes it
        connected.append(host)
        return await asyncio.wait_for(inner(self, host, *arguments, **named), 0.2)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    async with httpx.AsyncClient(transport=transport(), trust_env=False, timeout=0.5) as client:
        with pytest.raises((httpx.HTTPError, TimeoutError)):
            await client.get(f"http://rebound.example:{port}/")
    assert (asked, connected) == (["rebound.example"], ["203.0.113.7"])
    assert listening.posted == []


def leading_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """What ``rebound.example`` is from now on, each time that it is asked for; the list of who was asked for."""
    asked: list[str] = []
    real, left = socket.getaddrinfo, list(addresses)

    def found(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as it takes it
        if host != "rebound.example":
            return real(host, port, *arguments, **named)
        asked.append(host)
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    return asked


@pytest.mark.slow
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in ("[::ffff:127.0.0.1]", "localhost", "2130706433", "127.1")
        ),
    ],
)
async def test_no_service_of_apprise_connects_to_what_is_near(listening: Receiver, host: str) -> None:
    port = listening.port
    told = await by_apprise(url=f"json://{host}:{port}/x", guarded=True)
    assert told["told"] is False
    assert told["near"] or told["why"] == "Apprise does not know such an address."
    assert listening.posted == []
    if host == "127.0.0.1":
        assert (await by_apprise(url=f"json://{host}:{port}/x", guarded=False))["told"] is True
        assert len(listening.posted) == 1


async def test_no_datagram_goes_to_what_is_near() -> None:
    """Which a service of Apprise's sends to a name, that is looked up once."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taking:
        taking.bind(("127.0.0.1", 0))
        taking.settimeout(0.2)
        url = f"rsyslog://localhost:{taking.getsockname()[1]}/user"
        told = await by_apprise(url=url, guarded=True)
        assert (told["told"], told["near"]) == (False, True)
        with pytest.raises(TimeoutError):
            taking.recv(1 << 16)
        assert (await by_apprise(url=url, guarded=False))["told"] is True
        assert taking.recv(1 << 16).endswith(b"b")


async def by_apprise(**given: object) -> dict[str, Any]:
    """What the program answers that tells by Apprise."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "headway.features.notifications.apprise_call"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(json.dumps({"title": "t", "body": "b", **given}).encode())
    answer: dict[str, Any] = json.loads(output)
    return answer


async def test_what_was_saved_before_goes_on_and_is_refused_at_its_next_change(
    world: World, listening: Receiver
) -> None:
    given = {"name": "n", "endpoint": "https://example.org/x"}
    made = (await world.stranger.post("/notification.create", json=given)).json()
    vault = world.platform.data_dir.vault

    def as_before(tx: Any) -> None:  # noqa: ANN401 - a transaction
        channel = channels.find(tx, made["notificationId"], vault)
        target = replace(channel.target, url=listening.url, guarded=False)
        channels.replace_with(tx, replace(channel, target=target), vault)

    await world.services.db.run(as_before)
    ids = {"notificationId": made["notificationId"]}
    renamed = await world.stranger.post("/notification.update", json={**ids, "name": "renamed"})
    assert renamed.status_code == 200
    assert (await world.stranger.post("/notification.test", json=ids)).status_code == 200
    assert len(listening.posted) == 1
    changed = await world.stranger.post("/notification.update", json={**ids, "endpoint": f"{listening.url}/other"})
    assert changed.status_code == 403


def test_nothing_that_a_guarded_forge_says_is_told() -> None:
    where = {"url": "https://g.example", "api_url": "https://g.example"}
    plain = ForgeConnection(forge=ForgeName.GITEA, provider_id="p", **where, token=Secret("t0ken-of-it"))  # type: ignore[arg-type]
    for guarded, told in ((False, ": internal words"), (True, "")):
        asking = ForgeClient(connection=replace(plain, guarded=guarded), headers={})
        assert asking._said({"message": "internal words"}) == told


async def test_git_of_a_guarded_repository_is_told_where_its_host_is_and_follows_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = leading_to(monkeypatch, "8.8.8.8", "127.0.0.1")
    folders = GitFolders(mirror="/m", known_hosts="/k", gitconfig="/c", key_folder="/f")
    git = Git(folders=folders)
    over_http = await _outward(parse_remote("https://u:p@rebound.example:8443/x.git", allow_file=False))
    env = git.list_head(Call(remote=over_http)).env
    given = {env[f"GIT_CONFIG_KEY_{at}"]: env[f"GIT_CONFIG_VALUE_{at}"] for at in range(int(env["GIT_CONFIG_COUNT"]))}
    assert given["http.curloptResolve"] == "rebound.example:8443:8.8.8.8"
    assert given["http.followRedirects"] == "false"
    assert asked == ["rebound.example"]
    with pytest.raises(SourceError, match="private network"):
        await _outward(parse_remote("ssh://git@rebound.example/x.git", allow_file=False))
    leading_to(monkeypatch, "8.8.8.8")
    over_ssh = await _outward(parse_remote("ssh://git@rebound.example:2222/x.git", allow_file=False))
    command = str(git.list_head(Call(remote=over_ssh)).env["GIT_SSH_COMMAND"])
    assert "HostName=8.8.8.8" in command
    assert "HostKeyAlias=[rebound.example]:2222" in command.replace("'", "")


def test_git_itself_connects_to_what_it_was_told(tmp_path: Path, listening: Receiver) -> None:
    remote = parse_remote(f"http://rebound.example:{listening.port}/x.git", allow_file=False)
    folders = GitFolders(mirror="/m", known_hosts="/k", gitconfig=str(tmp_path / "config"), key_folder="/f")
    command = Git(folders=folders).list_head(Call(remote=replace(remote, pinned="127.0.0.1")))
    ended = subprocess.run(
        command.stages[0].argv, env=dict(command.env), capture_output=True, text=True, timeout=20, check=False
    )
    assert "HTTP 501" in ended.stdout or "501" in ended.stdout, ended.stdout  # by the receiver, which takes POST alone


async def test_who_saved_an_address_last_is_whose_word_it_is(world: World) -> None:
    environment_id = await _environment(world, world.stranger)
    given = {"name": "a", "environmentId": environment_id, "customGitUrl": "https://git.example/x.git"}
    theirs = (await world.stranger.post("/application.create", json=given)).json()["applicationId"]
    ours = await world.application()
    vault = world.platform.data_dir.vault
    for application_id, guarded in ((theirs, True), (ours, False)):
        settings = await world.services.db.read(lambda tx, id_=application_id: settings_of(tx, id_, vault))  # type: ignore[misc]
        assert settings is not None
        assert settings.git.guarded is guarded
