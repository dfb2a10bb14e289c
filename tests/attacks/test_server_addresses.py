"""SSH is aimed at the internet only by whoever may not use the machine: at the save, and at every connection."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from headway.features.servers import store
from headway.infra import outward_connections
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.ssh_client import Way, client_files
from headway.infra.hosts.ssh_login import log_in
from headway.infra.hosts.ssh_target import HostRefused, SshTarget, judged
from headway.kernel.secret import Secret
from headway.surveys import lines
from tests.attacks.test_addresses import leading_to
from tests.integration.http.world import World, open_world

HOSTS = [
    *("127.0.0.1", "localhost", "::1", "127.1", "2130706433", "0x7f000001", "::ffff:10.0.0.1", "a.localhost"),
    *("169.254.169.254", "10.1.1.1", "192.168.7.1", "100.64.0.1", "fd00::1", "fe80::1", "0.0.0.0", "LOCALHOST."),  # noqa: S104
]


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


def target(address: str, port: int, *, jump: SshTarget | None = None, guarded: bool = True) -> SshTarget:
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    given = {"name": "eu", "username": "root", "private_key": Secret(key)}
    return SshTarget(address=address, port=port, jump=jump, guarded=guarded, **given)  # type: ignore[arg-type]


@asynccontextmanager
async def listening(host: str, port: int = 0) -> AsyncIterator[tuple[int, list[str]]]:
    """A port that hangs up on everybody, and who has come."""
    came: list[str] = []

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(host)
        writer.close()

    async with await asyncio.start_server(hang_up, host, port) as server:
        yield server.sockets[0].getsockname()[1], came


async def test_no_server_is_saved_that_is_near(world: World) -> None:
    given: dict[str, object] = {"name": "s", "port": 22, "username": "root"}
    for host in HOSTS:
        refused = await world.stranger.post("/server.create", json={**given, "ipAddress": host})
        assert (refused.status_code, "private network" in refused.text) == (403, True), (host, refused.text)
    assert (await world.owner.post("/server.create", json={**given, "ipAddress": "10.1.1.1"})).status_code == 200
    made = (await world.stranger.post("/server.create", json={**given, "ipAddress": "eu.example.org"})).json()
    for change in ({"ipAddress": "127.0.0.1"}, {"ipAddress": "10.1.1.1", "name": "t"}):
        moved = await world.stranger.post("/server.update", json={"serverId": made["serverId"], **change})
        assert moved.status_code == 403, moved.text
    renamed = await world.stranger.post("/server.update", json={"serverId": made["serverId"], "name": "t"})
    assert renamed.status_code == 200
    kept = await world.services.db.read(lambda tx: store.find(tx, made["serverId"]))
    assert (kept.access.guarded, kept.access.address) == (True, "eu.example.org")


async def test_one_of_before_goes_on_and_is_listed_and_is_refused_when_it_is_aimed_anew(world: World) -> None:
    given: dict[str, object] = {"name": "old", "port": 22, "username": "root", "ipAddress": "eu.example.org"}
    made = (await world.stranger.post("/server.create", json=given)).json()["serverId"]

    def age(tx: Tx) -> None:
        store.set_fields(tx, made, address="10.1.1.1", guarded=False)

    await world.services.db.run(age)
    platform = world.platform
    told = await world.services.db.read(lambda tx: list(lines(tx, platform.data_dir.vault, platform.base.settings)))
    assert [each.refused for each in told if each.what == f"server old ({made})" and "10.1.1.1" in each.why] == [True]
    for change, status in (({"name": "new"}, 200), ({"username": "deploy"}, 200), ({"port": 2222}, 403)):
        answer = await world.stranger.post("/server.update", json={"serverId": made, **change})
        assert answer.status_code == status, (change, answer.text)
    kept = await world.services.db.read(lambda tx: store.find(tx, made))
    assert (kept.access.guarded, kept.access.port) == (False, 22)


async def test_a_name_that_leads_near_later_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    leading_to(monkeypatch, "127.0.0.1")
    async with listening("127.0.0.1") as (port, came):
        with pytest.raises(HostRefused, match="private network"):
            await log_in(target("rebound.example", port))
        assert came == []
        with pytest.raises(HostUnreachable):
            await log_in(target("rebound.example", port, guarded=False))
        assert came == ["127.0.0.1"], "what may lead there does"


async def test_what_was_judged_is_connected_to_by_both_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outward_connections, "leads_near", lambda address: address == "127.0.0.1")
    leading_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    async with listening("127.0.0.2") as (port, far), listening("127.0.0.1", port) as (_, near):
        with pytest.raises(HostUnreachable):
            await log_in(target("rebound.example", port))
        assert (far, near) == (["127.0.0.2"], [])
    leading_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    known = replace(target("rebound.example", 22), host_key="ssh-ed25519 A")
    files = client_files("/files", {"build": Way(target=await judged(known))})
    assert b'HostName "127.0.0.2"' in files["config"]
    assert b"rebound" not in b"".join(files.values())


async def test_what_is_behind_another_server_is_that_ones_to_find(monkeypatch: pytest.MonkeyPatch) -> None:
    leading_to(monkeypatch, "10.0.0.5")
    with pytest.raises(HostRefused, match="private network"):
        await judged(target("10.9.9.9", 22, jump=target("rebound.example", 22)))
    way = target("10.9.9.9", 22, jump=target("rebound.example", 22, guarded=False))
    assert await judged(way) == way
