"""A server behind SSH: who is let in, and what a link that breaks changes about a run, which is nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from headway.infra.db.engine import DatabaseAway
from headway.infra.hosts import procfs, ssh_login
from headway.infra.hosts.base import AnchorGone, AnchorSpec, Cause, Exit, GoneReason, Host, HostUnreachable, StopMode
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_session import MOST_SESSIONS
from headway.infra.hosts.ssh_target import HostKeyChanged, HostRefused, SshTarget, fingerprint
from headway.kernel.secret import Secret
from headway.kernel.turns import Turns
from tests.contract.host_forms import opened, written
from tests.support.machines.local_hosts import local_host, new_panel_id, shell, until
from tests.support.machines.ssh_servers import SSHD, SshServer, make_key, ssh_host, ssh_server

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "server") as server:
        yield server


@pytest.fixture
async def host(server: SshServer) -> AsyncIterator[SshHost]:
    async with ssh_host(server) as host:
        yield host


async def refusal(target: SshTarget, tmp_path: Path) -> HostUnreachable:
    """What the host says to a first question."""
    host = SshHost("server", target, "refused", root=str(tmp_path / "none"))
    began = time.monotonic()
    try:
        with pytest.raises(HostUnreachable) as said:
            await host.boot_id()
    finally:
        await host.aclose()
    assert time.monotonic() - began < 20
    assert host.standing.away_why is said.value
    return said.value


# --- who is let in


async def test_many_servers_are_connected_to_in_turns(server: SshServer) -> None:
    turns, began, up = Turns(0.25), time.monotonic(), []

    async def meet(number: int, target: SshTarget) -> None:
        root = str(server.folder / "hosts")
        host = SshHost(f"server{number}", target, new_panel_id(), root=root, turns=turns)
        try:
            with suppress(HostUnreachable):
                await host.boot_id()
                up.append(time.monotonic() - began)
        finally:
            await host.aclose()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        hangs = server.target(port=silent.getsockname()[1])
        async with asyncio.TaskGroup() as group:
            hung = group.create_task(meet(0, hangs))
            others = [group.create_task(meet(number, server.target())) for number in (1, 2, 3)]
            await asyncio.wait(others)
            hung.cancel()
    assert [seconds >= turn for seconds, turn in zip(sorted(up), (0.5, 0.75, 1.0), strict=True)] == [True] * 3


async def test_the_cipher_is_the_one_that_costs_least_and_both_sides_compress(host: SshHost) -> None:
    known = (await host.session.connection()).get_extra_info
    assert known("send_cipher") == "aes128-gcm@openssh.com"
    assert (known("send_compression"), known("recv_compression")) == ("zlib@openssh.com", "zlib@openssh.com")


async def test_a_key_is_pinned_at_first_use_and_another_one_is_refused(server: SshServer, tmp_path: Path) -> None:
    pinned: list[str] = []

    async def pin(host_key: str) -> None:
        pinned.append(host_key)

    host = SshHost("server", server.target(), "pinning", pin=pin, root=str(tmp_path / "hosts"))
    await host.boot_id()
    await host.aclose()
    assert pinned == [server.host_key]
    before = fingerprint(server.host_key)
    server.stop()
    server.change_host_key()
    server.start()
    said = await refusal(server.target(host_key=pinned[0]), tmp_path)
    assert isinstance(said, HostKeyChanged)
    assert f"has changed from {before}. It now shows {fingerprint(server.host_key)}." in said.message


async def test_nothing_is_asked_of_a_server_whose_key_cannot_be_kept(server: SshServer, tmp_path: Path) -> None:
    links: list[int | None] = []

    async def pin(_host_key: str) -> None:
        links.append(made.link)
        if len(links) == 1:
            raise DatabaseAway("The database cannot be used now.")

    made = SshHost("server", server.target(), "keeping", pin=pin, root=str(tmp_path / "hosts"))
    with pytest.raises(HostUnreachable, match=r"cannot be kept: The database cannot be used now\."):
        await made.boot_id()
    assert (made.target.host_key, made.link, (tmp_path / "hosts").exists()) == (None, None, False)
    made.retry_at_once()
    await made.boot_id()
    assert (made.target.host_key, links) == (server.host_key, [None, None])
    await made.aclose()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"port": 1}, "refuses the connection. Does sshd run there, and is 1 its port?"),
        ({"username": "nobody-of-that-name"}, "does not let Headway in"),
        ({"address": "no.such.host.invalid"}, "cannot be found"),
        ({"private_key": Secret("-----BEGIN NONSENSE")}, "cannot be read; choose another"),
    ],
)
async def test_what_is_wrong_is_said(
    server: SshServer, tmp_path: Path, changes: dict[str, object], sentence: str
) -> None:
    assert sentence in (await refusal(server.target(**changes), tmp_path)).message


async def test_a_wrong_key_and_a_locked_key_are_told_apart(server: SshServer, tmp_path: Path) -> None:
    wrong = await refusal(server.target(private_key=make_key(tmp_path / "other")), tmp_path)
    assert "it knows no user root with this SSH key" in wrong.message
    locked = await refusal(server.target(private_key=make_key(tmp_path / "locked", "secret")), tmp_path)
    assert "is locked by a passphrase" in locked.message
    assert isinstance(wrong, HostRefused)
    assert isinstance(locked, HostRefused)


@pytest.mark.slow
async def test_one_that_accepts_and_says_nothing_is_given_up(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_login, "CONNECT_SECONDS", 2.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = await refusal(server.target(port=silent.getsockname()[1]), tmp_path)
    assert "silent" not in said.message
    assert any(words in said.message for words in ("does not answer within", "broke off"))


async def test_the_next_question_does_not_wait_for_a_server_that_is_away(server: SshServer, tmp_path: Path) -> None:
    host = SshHost("server", server.target(port=1), "away", root=str(tmp_path / "none"))
    with pytest.raises(HostUnreachable) as first:
        await host.boot_id()
    with pytest.raises(HostUnreachable) as second:
        await host.boot_id()
    assert second.value is first.value
    assert host.standing.away_since is not None


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ("exit 127", "has no perl"),
        ("echo 'sudo: a password is required' >&2; exit 1", "may not become root"),
        ("exit 1", "ended at once"),
    ],
)
async def test_what_keeps_the_porter_from_starting_is_said(
    server: SshServer, tmp_path: Path, reply: str, sentence: str
) -> None:
    config = server.folder / "config"
    config.write_text(f"{config.read_text()}ForceCommand {reply}\n")
    server.stop()
    server.start()
    name = "root"
    if "sudo" in reply:
        name = _account("headway-test-user")
    try:
        assert sentence in (await refusal(server.target(username=name), tmp_path)).message
    finally:
        _no_account("headway-test-user")


async def test_through_a_jump_host(server: SshServer, tmp_path: Path) -> None:
    with ssh_server(tmp_path / "jump") as jump:
        target = replace(server.target(), jump=jump.target(name="jump"))
        host = SshHost("server", target, "jumping", root=str(tmp_path / "hosts"))
        assert await host.boot_id() == server.boot_id.read_text().strip()
        await host.aclose()
        jump.stop()
        away = SshHost("server", target, "jumping", root=str(tmp_path / "hosts"))
        with pytest.raises(HostUnreachable, match=r"jump .* refuses the connection"):
            await away.boot_id()


# --- what a link that breaks changes


async def test_a_run_goes_on_without_the_link_and_no_byte_is_lost(server: SshServer, host: SshHost) -> None:
    anchor = await opened(host)
    await anchor.start("build", shell("for n in $(seq 400); do echo line $n; sleep 0.005; done"))
    await anchor.changed(0)
    server.stop()
    with pytest.raises(HostUnreachable):
        await _ends(host)
    server.start()
    host.retry_at_once()
    again = await host.attach(anchor.handle, 1)
    assert await again.wait("build") == Exit(statuses=(0,))
    assert await written(again) == "".join(f"line {number}\n" for number in range(1, 401))
    assert await anchor.wait("build") == Exit(statuses=(0,))


async def test_hosts_of_one_panel_on_one_machine_do_not_meet_each_others_runs(
    server: SshServer, tmp_path: Path
) -> None:
    same = new_panel_id()
    async with (
        ssh_host(server, "one", panel_id=same) as one,
        ssh_host(server, "two", panel_id=same) as two,
        local_host(tmp_path / "here", panel_id=same) as here,
    ):
        anchor = await opened(one, deployment_id="run-of-one")
        assert [handle.deployment_id for handle in await one.remaining()] == ["run-of-one"]
        assert (await two.remaining(), await here.remaining()) == ([], [])
        await anchor.close()


async def test_whoever_waits_learns_of_the_break(server: SshServer, host: SshHost) -> None:
    anchor = await opened(host)
    await anchor.start("build", shell("exec sleep 1000"))
    asyncio.get_running_loop().call_later(0.1, server.stop)
    async with asyncio.timeout(10):
        with pytest.raises(HostUnreachable):
            await anchor.wait("build")
    server.start()


async def test_a_server_that_was_started_again_before_anybody_missed_it_has_lost_the_run(
    server: SshServer, host: SshHost
) -> None:
    anchor = await opened(host)
    await anchor.start("build", shell("exec sleep 1000"))
    here = server.boot_id.read_text()
    _start_again(server, "another-boot\n")
    async with asyncio.timeout(10):
        with pytest.raises(AnchorGone) as gone:
            await anchor.wait("build")
    assert gone.value.reason is GoneReason.OTHER_BOOT
    _start_again(server, here)  # in truth it was not


async def test_an_anchor_without_a_go_ahead_ends_with_the_link(server: SshServer, host: SshHost) -> None:
    anchor = await host.open_anchor(AnchorSpec(deployment_id="abc", epoch=1, total_seconds=10))
    server.stop()
    server.start()
    deadline = time.monotonic() + 10
    while not (Path(anchor.handle.run_folder) / "never_started").exists():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_fence_falls_with_the_link(server: SshServer, host: SshHost) -> None:
    await host.raise_epoch("abc", 1)
    with suppress(HostUnreachable):
        async with host.fence("abc", 1):
            server.stop()
    server.start()
    host.retry_at_once()
    await host.raise_epoch("abc", 2)


async def test_a_kill_has_a_session_left(server: SshServer, host: SshHost) -> None:
    """Sshd lets ten sessions share a connection: all that may be in use at once leave the porter's own."""
    anchor = await opened(host)
    await anchor.start("build", shell("exec sleep 1000"))
    connection = await host.session.connection()
    async with asyncio.TaskGroup() as group:
        busy = [group.create_task(_busy(host, connection)) for _ in range(12)]
        await until(lambda: sum(procfs.argv(pid) == ("sleep", "30") for pid in server.family()) == MOST_SESSIONS)
        await anchor.stop(StopMode.KILL)
        assert not any(task.done() for task in busy), "it was not waited for until one of them was free"
        for task in busy:
            task.cancel()
    assert (await anchor.wait("build")).cause is Cause.KILLED


async def test_a_slow_errand_holds_no_kill_up(host: SshHost, tmp_path: Path) -> None:
    anchor = await opened(host)
    await anchor.start("build", shell("exec sleep 1000"))
    subprocess.run(["sh", "-c", f"mkdir {tmp_path}/many; cd {tmp_path}/many; seq 20000 | xargs touch"], check=True)
    async with asyncio.TaskGroup() as group:
        removing = group.create_task(host.remove_tree(str(tmp_path / "many")))
        await asyncio.sleep(0)
        await anchor.stop(StopMode.KILL)
        assert not removing.done()
    assert not (tmp_path / "many").exists()


async def test_what_answers_is_kept_for_the_next_question(server: SshServer, host: SshHost, tmp_path: Path) -> None:
    assert await asyncio.gather(*(host.read_file(str(tmp_path / "none")) for _ in range(20))) == [None] * 20
    hands = await _hands(server)
    assert 1 <= len(hands) <= 4
    for _ in range(20):
        await host.make_folder(str(tmp_path / "made"))
    assert await _hands(server) == hands
    for pid in hands:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: not any(procfs.argv(pid) for pid in hands))
    assert await host.length_of(str(tmp_path / "none")) == 0
    assert len(await _hands(server)) == 1


async def test_what_answers_keeps_no_connection_up(server: SshServer, host: SshHost, tmp_path: Path) -> None:
    over = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        over.set()
        writer.close()

    listening = await asyncio.start_unix_server(listen, str(tmp_path / "s"))
    _, writer = await host.dial(str(tmp_path / "s"))
    await host.length_of(str(tmp_path / "none"))
    assert await _hands(server)
    writer.close()
    await asyncio.wait_for(over.wait(), 5)
    listening.close()


async def test_a_socket_of_the_server_is_reached(host: SshHost, tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(5) + b"!")
        writer.close()

    listening = await asyncio.start_unix_server(answer, str(tmp_path / "s"))
    reader, writer = await host.dial(str(tmp_path / "s"))
    writer.write(b"hello")
    assert await reader.read() == b"hello!"
    writer.close()
    with pytest.raises(OSError, match="No such file"):
        await host.dial(str(tmp_path / "none"))
    listening.close()


async def _hands(server: SshServer) -> set[int]:
    """The children of the porter, once those that it let go of have ended."""
    found: list[set[int]] = []
    while len(found) < 5 or len({*map(frozenset, found[-5:])}) > 1:
        await asyncio.sleep(0.02)
        perls = [pid for pid in server.family() if procfs.argv(pid)[:2] == ("perl", "-we")]
        found.append({*sorted(perls, key=lambda pid: procfs.start_time(pid) or 0)[1:]})
    return found[-1]


async def _ends(host: Host) -> None:
    for _ in range(100):
        await host.boot_id()
        await asyncio.sleep(0.05)


async def _busy(host: SshHost, connection: object) -> None:
    async with host.session.sessions:
        await connection.run("sleep 30", encoding=None)  # type: ignore[attr-defined]


def _account(name: str) -> str:
    if shutil.which("useradd") is None:
        pytest.skip("needs useradd")
    subprocess.run(["useradd", "--no-create-home", "--password", "*", "--shell", "/bin/sh", name], check=False)
    return name


def _no_account(name: str) -> None:
    subprocess.run(["userdel", name], check=False, capture_output=True)


def _start_again(server: SshServer, boot_id: str) -> None:
    server.stop()
    server.boot_id.write_text(boot_id)
    server.start()
