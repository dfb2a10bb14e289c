"""What reaches the internet only: no name, redirect or spelling of a tenant leads a program of ours to what is near."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.run import RunFailed
from headway.drivers.builders.base import BuildError
from headway.drivers.builders.publication import Destination, publish
from headway.drivers.runtimes.compose import commands
from headway.drivers.runtimes.gates.panel_gates import gates_of
from headway.drivers.runtimes.gates.table_content import Ports
from headway.drivers.sources.base import SourceError
from headway.drivers.sources.image import ImageSource, PulledSpec
from headway.features.backups.database.requests import DATABASE_JOB
from headway.features.destinations import store as destinations_store
from headway.features.destinations.address_check import require_outward_now
from headway.features.registries import store
from headway.features.services.compose.image_distribution import ImageDistribution
from headway.features.services.compose.model import ComposeSettings
from headway.features.services.compose.plan import ComposePlan
from headway.features.services.database import store as databases
from headway.infra.docker.api import DockerApi, unix_socket
from headway.infra.docker.cli import Docker
from headway.infra.docker.outward_registries import log_in_outward
from headway.infra.docker.registries import RegistryRefused
from headway.infra.hosts import cgroups
from headway.kernel.addresses import NEAR_4, is_near
from headway.kernel.artifacts import Image
from headway.kernel.secret import Secret
from tests.attacks.test_addresses import leading_to
from tests.integration.http.world import World, open_world
from tests.integration.worksite import Worksite
from tests.support.machines.outward_world import FAR, PORT, SAYS
from tests.support.notifications.receivers import receiver

pytestmark = pytest.mark.slow

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="networks of their own, and programs in the kernel: root")
NEAR = (
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.1.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),  # noqa: S104
    *("169.254.169.254", "100.64.1.1", "100.100.100.200", "224.0.0.1", "255.255.255.255", "192.0.2.2", "8.8.8.1"),
    *("::1", "::", "::ffff:127.0.0.1", "::ffff:10.1.1.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
    *("fd00:ec2::254", "fe80::1", "ff02::1", "2001:db8::1", "2001:0:1:2::1", "2a00::9"),
)
OUTWARD = (FAR, "172.15.1.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "11.0.0.1", "::ffff:8.8.8.8")
OUTWARD_6 = ("2606:4700::1111", "2001:4860:4860::8888", "64:ff9b::808:808")
URLS = {
    "a name that leads elsewhere the second time": f"http://rebound.example:{PORT}/",
    "a redirect": f"http://{FAR}:{PORT}/redirect",
    "one number": f"http://2130706433:{PORT}/",
    "version 4 within version 6": f"http://[::ffff:127.0.0.1]:{PORT}/",
    "the machine's own address": f"http://8.8.8.1:{PORT}/",
    "any address": f"http://0.0.0.0:{PORT}/",
}


def of_world(*words: str) -> Mapping[str, Any]:
    """What the world of two networks prints."""
    argv = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.support.machines.outward_world", *words]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=90, check=False)
    assert ended.returncode == 0, ended.stderr
    told: Mapping[str, Any] = json.loads(ended.stdout)
    return told


@needs_root
def test_the_kernel_lets_what_is_outward_connect_to_the_internet_only() -> None:
    told = of_world("connections", *NEAR, *OUTWARD, *OUTWARD_6)
    assert {host for host in NEAR if told[host] != "EPERM"} == set()
    assert {host for host in (*OUTWARD, *OUTWARD_6) if told[host] == "EPERM"} == set()


@needs_root
def test_no_storage_of_a_tenant_is_what_is_near(subtests: Any) -> None:  # noqa: ANN401 - of pytest
    told = of_world("guarded", *URLS.values(), f"http://{FAR}:{PORT}/")
    for what, url in URLS.items():
        with subtests.test(what):
            assert told[url]["near"] == 0
            assert "private network" in told[url]["said"]
    assert "it does not do what was asked of it" in told[f"http://{FAR}:{PORT}/"]["said"], "the internet is asked"
    assert SAYS not in json.dumps(told)


@needs_root
def test_no_channel_of_a_tenant_leads_to_what_is_near_though_apprise_would_go_there() -> None:
    """As one of its hundred services might, by a way that nobody has looked at."""
    near = tuple(each.replace("http:", "json:") for each in URLS.values())
    told = of_world("channels", *near, f"json://{FAR}:{PORT}/")
    assert {url: told[url]["near"] for url in near} == dict.fromkeys(near, 0)
    assert told[f"json://{FAR}:{PORT}/"]["said"] == "told", "the internet is told"


@needs_root
def test_an_engine_that_has_systemd_make_its_groups_is_told_of_slices() -> None:
    gates = gates_of("reach-tried", range(1_990_000_000, 1_990_000_010), Ports())
    assert gates is not None
    shown = gates.contain(slices=True)
    assert shown == ("headway-reach_tried-open.slice", "headway-reach_tried-ruled.slice")
    mount = next(each for each in cgroups.hierarchies() if each.is_unified)
    made = mount.folder / "headway.slice/headway-reach_tried.slice"
    assert sorted(each.name for each in made.iterdir() if each.is_dir()) == list(shown)
    cgroups.remove([made])


def test_the_ranges_of_the_kernel_are_those_of_the_guard() -> None:
    edges = {int(edge) for each in NEAR_4 for edge in (each.network_address, each.broadcast_address)}
    beside = {each + step for each in edges for step in (-1, 0, 1)}
    for number in sorted(each for each in beside if 0 <= each < 1 << 32):
        ip = IPv4Address(number)
        assert is_near(ip) is any(ip in each for each in NEAR_4), ip
        assert is_near(ip) or ip.is_global, ip


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "headway.db").write_bytes(sqlite_template.read_bytes())
    async with open_world(folder) as opened:
        yield opened


DATABASE = {"name": "d", "databaseName": "shop", "databaseUser": "u", "databasePassword": "p"}
HOSTS = ["127.0.0.1", "localhost", "127.1", "169.254.169.254", "::1", "8.8.8.8,127.0.0.1"]
SOCKETS = ["/var/run/postgresql", "@abstract", "8.8.8.8/../..", "x@127.0.0.1"]


@pytest.mark.parametrize("host", [*HOSTS, *SOCKETS])
async def test_no_connection_to_a_database_is_saved_that_leads_near(world: World, host: str) -> None:
    environment_id = await _environment(world.stranger)
    where: dict[str, object] = {"host": host, "port": 5432}
    postgres = {**DATABASE, "environmentId": environment_id, "connection": where}
    backup: dict[str, object] = {
        "schedule": "",
        "database": "shop",
        "databaseType": "postgres",
        "environmentId": environment_id,
    }
    backup |= {"prefix": "/", "destinationId": await _destination(world), "connection": {**where, "username": "u"}}
    for procedure, body in (("postgres.create", postgres), ("backup.create", backup)):
        refused = await world.stranger.post(f"/{procedure}", json=body)
        assert refused.status_code == 403, (procedure, refused.text)
        assert "private network" in refused.json()["message"]
    moved = {**postgres, "name": "e", "connection": {"host": "db.example.org", "port": 5432}}
    made = (await world.stranger.post("/postgres.create", json=moved)).json()
    changed = {"postgresId": made["postgresId"], "connection": where, "databasePassword": "p"}
    assert (await world.stranger.post("/postgres.update", json=changed)).status_code == 403


async def _environment(client: httpx.AsyncClient) -> str:
    made = (await client.post("/project.create", json={"name": "theirs"})).json()
    environment_id: str = made["environment"]["environmentId"]
    return environment_id


async def _destination(world: World) -> str:
    given = {"name": "d", "type": "webdav", "options": {"url": "https://dav.example.org/"}}
    made: dict[str, str] = (await world.stranger.post("/destination.create", json=given)).json()
    return made["destinationId"]


async def test_whose_word_an_address_is_stays_with_it(world: World) -> None:
    vault = world.platform.data_dir.vault
    database = {**DATABASE, "environmentId": await _environment(world.stranger), "connection": {"host": "db.example"}}
    made = (await world.stranger.post("/postgres.create", json=database)).json()["postgresId"]
    own = {**database, "environmentId": await world.environment(), "connection": {"host": "127.0.0.1"}}
    ours = (await world.owner.post("/postgres.create", json=own)).json()["postgresId"]
    renamed = {"postgresId": made, "name": "other"}
    assert (await world.stranger.post("/postgres.update", json=renamed)).status_code == 200
    for database_id, guarded in ((made, True), (ours, False)):
        found = await world.services.db.read(lambda tx, id_=database_id: databases.find(tx, id_, vault))  # type: ignore[misc]
        assert found is not None
        assert found.settings.elsewhere is not None
        assert found.settings.elsewhere.guarded is guarded
    registry = {"registryName": "r", "registryUrl": "registry.example", "username": "u", "password": "p"}
    for client, guarded in ((world.stranger, True), (world.owner, False)):
        kept = (await client.post("/registry.create", json=registry)).json()["registryId"]
        assert (
            await world.services.db.read(lambda tx, id_=kept: store.find(tx, id_))  # type: ignore[misc]
        ).guarded is guarded
    destination_id = await _destination(world)
    found_ = await world.services.db.read(lambda tx: destinations_store.find(tx, destination_id, vault))
    assert found_.reach.guarded is True
    account = found_.account_of(1_000, 999)
    assert account is not None
    assert account.gid == 999
    backup: dict[str, object] = {"schedule": "", "database": "shop", "databaseType": "postgres", "prefix": "/"}
    backup |= {"environmentId": database["environmentId"], "destinationId": destination_id}
    backup |= {"connection": {"host": "db.example.org", "port": 5432, "username": "u", "password": "p"}}
    backup_id = (await world.stranger.post("/backup.create", json=backup)).json()["backupId"]
    settings = (await world.services.db.read(lambda tx: DATABASE_JOB.store.find(tx, backup_id, vault))).settings
    assert settings.connection.guarded is True


@pytest.mark.parametrize(
    "given",
    [
        {"region": "x@127.0.0.1:80/"},
        {"additionalFlags": ["--s3-region=x@127.0.0.1:80/"]},
        {"additionalFlags": ["--s3-location-constraint=169.254.169.254"]},
        {"additionalFlags": ["--user-agent=127.0.0.1"]},
    ],
)
async def test_no_flag_or_region_of_a_destination_leads_near(world: World, given: dict[str, object]) -> None:
    sent = {"name": "d", "provider": "Other", "bucket": "b", "accessKey": "k", "secretAccessKey": "s", "region": "eu"}
    refused = await world.stranger.post("/destination.create", json={**sent, "endpoint": "s3.example", **given})
    assert refused.status_code == 403, refused.text
    numbers = {"additionalFlags": ["--retries=3", "--s3-chunk-size=16M", "--timeout=5m"]}
    taken = await world.stranger.post("/destination.create", json={**sent, "endpoint": "s3.example", **numbers})
    assert taken.status_code == 200, taken.text


async def test_a_run_asks_where_a_name_leads_right_before(monkeypatch: pytest.MonkeyPatch) -> None:
    leading_to(monkeypatch, "127.0.0.1")
    with pytest.raises(RunFailed, match="private network"):
        await require_outward_now("rebound.example:5432")
    leading_to(monkeypatch, FAR)
    await require_outward_now("https://user:pw@rebound.example:8443/x")


async def test_no_image_is_fetched_from_what_is_near(site: Worksite, monkeypatch: pytest.MonkeyPatch) -> None:
    leading_to(monkeypatch, "10.0.0.5")
    line = Docker(host="unix:///nowhere.sock", configuration="/nowhere")
    api = DockerApi(unix_socket("/nowhere.sock"))
    for name in ("rebound.example/team/x:1", "127.0.0.1:5000/x:1", "[::1]:5000/x", "127.1:5000/x"):
        spec = PulledSpec(name=name, kept_as="headway-x/x:r-1", guarded=True)
        with pytest.raises(SourceError, match="private network"):
            await ImageSource(spec=spec, api=api, cli=line)._pull(site, name)


async def test_no_image_is_taken_to_what_is_near(site: Worksite, monkeypatch: pytest.MonkeyPatch) -> None:
    leading_to(monkeypatch, "10.0.0.5")
    line = Docker(host="unix:///nowhere.sock", configuration="/nowhere")
    for registry in ("rebound.example", "127.0.0.1:5000", "[::1]:5000", "127.1:5000"):
        to = Destination(
            name=f"{registry}/team/x:1",
            registry=registry,
            login=line.login(registry, "u", Secret("p")),
            cli=line,
            api=DockerApi(unix_socket("/nowhere.sock")),
            guarded=True,
        )
        with pytest.raises(BuildError, match="private network"):
            await publish(site, Image(name="x", reference="sha256:0"), to)


@pytest.mark.parametrize("given", [(), ("rebound.example",)])
async def test_no_credentials_of_a_compose_service_go_to_what_is_near(
    monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...]
) -> None:
    leading_to(monkeypatch, "10.0.0.5")
    line = Docker(host="unix:///nowhere.sock", configuration="/nowhere")
    tools: Any = SimpleNamespace(
        host_id=LOCAL_HOST, engine=SimpleNamespace(docker=commands.Docker(address=line.host, config_folder="/nowhere"))
    )
    plan = ComposePlan(
        compose_id="c",
        app_name="c",
        settings=ComposeSettings(),
        variables={},
        secrets=(),
        ssh_key=None,
        registries=[{"url": "rebound.example/team", "username": "u", "password": "p"}],
        build_uid=None,
        git_uid=None,
        allow_file=False,
        again=False,
        commit=None,
        serving=None,
        was_up=False,
        given=given,
    )
    begun: Any = SimpleNamespace()  # a run that nothing can be asked of: whoever goes on fails in another way
    with pytest.raises(AttributeError if given else RunFailed, match="command" if given else "private network"):
        await ImageDistribution(run=begun, plan=plan, tools=tools)._log_in("/nowhere", "pull", None)


async def test_a_registry_of_a_tenant_is_tried_on_the_internet_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as near:
        leading_to(monkeypatch, "127.0.0.1")
        for host in ("rebound.example", "127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
            with pytest.raises(RegistryRefused) as refused:
                await log_in_outward(f"{host}:{near.port}", "u", Secret("p"))
            assert "private network" in refused.value.message, host
    assert near.posted == []
