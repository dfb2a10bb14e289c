"""What handles strangers' requests runs as nobody: reads what it is given, writes one file, has no capability."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import http.server
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from headway.drivers.edge.edge import Edge
from headway.drivers.edge.entrances import Held
from headway.drivers.panel_machine import PanelMachine
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.infra.hosts import procfs
from headway.infra.http_request import certificate
from headway.infra.panel.data_dir import DataDir
from headway.kernel.artifacts import HealthCheck, HealthKind, KeyPair, Route, Upstream, Way
from headway.kernel.secret import Secret
from headway.kernel.settings import Facts, Settings
from tests.integration.runtimes.bench import Work, free_port, make_runtime, make_spec, open_folder, until
from tests.support.applications.visitors import Visitors
from tests.support.certificates.certificates import certificate_for

pytestmark = [pytest.mark.root, pytest.mark.slow]
MAIL = "somebody@mail.example"
NONE = "0000000000000000"


def edge_of(settings: Settings, data_dir: DataDir) -> Edge:
    """The edge of a panel."""
    return PanelMachine(settings=settings, data_dir=data_dir).edge


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """A data folder as a panel makes it, below a folder that lets nobody else pass; and what serves behind its edge."""

    data_dir: DataDir
    settings: Settings
    upstream: int

    @property
    def edge(self) -> Edge:
        """The edge as a panel makes it: one that has just started."""
        return edge_of(self.settings, self.data_dir)

    @property
    def root(self) -> Path:
        """All that the edge has."""
        return self.data_dir.path / "edge"

    def made(self, *, alone: bool, as_root: bool) -> Edge:
        """The edge where a panel is, or ``alone`` as on a server; as root it is as panels made it before."""
        wired = self.edge
        accounts = None if as_root else wired._accounts
        return Edge(self.root, host="127.0.0.1", port=wired._port, https=wired._https, alone=alone, accounts=accounts)

    @property
    def before(self) -> Edge:
        """The edge as panels made it before: as root."""
        return self.made(alone=False, as_root=True)

    def route(self, **more: object) -> Route:
        """A route to what serves."""
        ways = (Way(host="shop.localhost", issued=False),)
        upstreams = (Upstream(port=self.upstream),)
        made = Route(application_id="a1", app_name="shop", release_id="r1", ways=ways, upstreams=upstreams)
        return dataclasses.replace(made, **more)  # type: ignore[arg-type]


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="headway-edge-") as folder, serving() as upstream:  # 0700
        path = Path(folder) / "data"
        path.mkdir()
        facts = Facts(is_root=True, home=path, cwd=path, cores=2, memory_bytes=8 << 30)
        ports = {"HEADWAY_EDGE_PORT": str(free_port()), "HEADWAY_HTTPS_PORT": str(free_port())}
        settings = Settings.from_env({**ports, "HEADWAY_CERTIFICATE_MAIL": MAIL}, facts, data_dir=path)
        data_dir = DataDir.open(path)
        (path / "owner.key").write_text("OWNER-KEY\n")
        (path / "owner.key").chmod(0o600)
        made = Place(data_dir=data_dir, settings=settings, upstream=upstream)
        try:
            yield made
        finally:
            asyncio.run(made.edge.shut_down())
            data_dir.close()
            shutil.rmtree(data_dir.work, ignore_errors=True)


@pytest.fixture
async def up(place: Place) -> Edge:
    edge = place.edge
    await edge.set_route(place.route())
    await edge.proven(place.route())
    return edge


async def test_the_edge_is_nobody_with_no_capability(place: Place, up: Edge) -> None:
    seen = status(up.pid())
    assert 0 not in {int(seen["Uid"].split()[0]), int(seen["Gid"].split()[0])}
    assert len({*seen["Uid"].split(), *seen["Gid"].split()}) == 1
    assert seen["Groups"].split() in ([], [seen["Uid"].split()[0]])
    assert {seen[each] for each in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {NONE}
    assert seen["NoNewPrivs"] == "1"
    cwd = Path(f"/proc/{up.pid()}/cwd").readlink()
    assert list(cwd.iterdir()) == []
    named = {each.partition(b"=")[0] for each in procfs.initial_environment(up.pid() or 0).split(b"\0") if each}
    assert named <= {b"PATH", b"HOME", b"HEADWAY_DAEMON", b"LISTEN_PID", b"LISTEN_FDS", b"LISTEN_FDNAMES"}


async def test_the_account_of_the_edge_reads_what_it_is_given_and_writes_one_file(place: Place, up: Edge) -> None:
    other = place.data_dir.path.parent / "another"
    with contextlib.closing(DataDir.open(other)) as second:
        another = edge_of(dataclasses.replace(place.settings, edge_port=free_port(), https_port=free_port()), second)
        another._lay_out()
        opened = reaches(up.pid(), place.root / "home", [
            *("../../vault.key", "../../owner.key", "../../panel.id", "../../logs", "../../run", "/etc/shadow"),
            *("../probe.secret", "../daemon.json", "../traefik.log", "../scratch", ".."),
            *("../../../another/edge/default.key", "../../../another/vault.key", "../../../another/edge/routes"),
            *(str(place.data_dir.vault_key), f"/proc/{os.getpid()}/environ", f"/proc/{os.getpid()}/root/etc/shadow"),
        ])  # fmt: skip
        assert opened == {}
    assert sorted(reaches(up.pid(), place.root / "home", ["../routes", "../default.key", "../acme.json"])) == [
        "../acme.json",
        "../default.key",
        "../routes",
    ]
    assert writes(up.pid(), place.root) == ["acme.json"]


async def test_the_trial_has_an_account_of_its_own_that_reads_less(place: Place, up: Edge) -> None:
    trial = asyncio.create_task(place.edge.try_out(place.route()))
    await until(lambda: trial.done() or any(map(procfs.owner, tried(place.root))))
    found = [pid for pid in tried(place.root) if procfs.owner(pid)]
    assert found, "it runs as root"
    seen = status(found[0])
    assert {seen[each] for each in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {NONE}
    assert procfs.owner(found[0]) not in {0, procfs.owner(up.pid() or 0)}
    own = "../../../default.key", "../../../routes", "../../../acme.json", "../../../../vault.key", "/etc/shadow"
    assert reaches(found[0], Path(f"/proc/{found[0]}/cwd").readlink(), own) == {}
    await trial


async def test_ports_below_1024_and_certificates_need_no_right(place: Place) -> None:
    low, safe = (port for port in (843, 844))
    edge = edge_of(dataclasses.replace(place.settings, edge_port=low, https_port=safe), place.data_dir)
    try:
        await edge.set_route(place.route())
        await edge.proven(place.route())
        pem, key = certificate_for("shop.localhost")
        await edge.set_certificates([KeyPair(name="c1", certificate=pem, key=Secret(key))])
        await shows(safe, pem)
        assert status(edge.pid())["CapEff"] == NONE
        modes = {path.stat().st_mode & 0o777 for path in (place.root / "certificates").iterdir()}
        assert (modes, (place.root / "acme.json").stat().st_mode & 0o777) == ({0o640}, 0o600)
    finally:
        await edge.shut_down()


@pytest.mark.parametrize("alone", [False, True], ids=["where a panel is", "on a server"])
async def test_an_edge_that_runs_as_root_is_replaced_and_no_request_is_lost(place: Place, *, alone: bool) -> None:
    old, new = (place.made(alone=alone, as_root=each) for each in (True, False))
    await old.set_route(place.route())
    await old.proven(place.route())
    (place.root / "acme.json").write_text("{}")
    (place.root / "acme.json").chmod(0o600)
    (before,) = running_below(place.root)
    assert procfs.owner(before) == 0
    try:
        with Visitors(new._port, ["shop"], kept=4) as visitors:
            slow = asyncio.create_task(asyncio.to_thread(slowly, new._port))
            await asyncio.sleep(0.5)
            began = time.monotonic()
            await new.ensure()
            took = time.monotonic() - began
            await new.proven(place.route())
            assert await slow == "slow"
        print(
            f"{visitors.count} requests, {len(visitors.failures)} failed; replaced within {took:.2f} s, the longest "
            f"took {visitors.longest_seconds:.2f} s"
        )
        assert visitors.failures == []
        assert visitors.count > 30
        assert [procfs.owner(pid) for pid in running_below(place.root)] == [new._reader]
        state = (place.root / "acme.json").stat()
        assert (state.st_uid, state.st_mode & 0o777) == (new._reader, 0o600)
        assert not (place.root / "entrances.json").exists()
    finally:
        await new.shut_down()


@pytest.mark.parametrize("cut", ["files", "holding", "between"])
async def test_an_upgrade_that_was_killed_is_finished_by_the_next_start(place: Place, cut: str) -> None:
    old = place.before
    await old.set_route(place.route())
    await old.proven(place.route())
    if cut == "files":  # some have changed their owners, and others have not
        os.chown(place.root / "default.key", 0, 12345)
        (place.root / "routes").chmod(0o000)
        (place.root / "acme.json").write_text("{}")
        os.chown(place.root / "acme.json", 12345, 12345)
    if cut == "holding":  # whoever held the sockets is no more, and its pid is somebody else's
        (place.root / "entrances.json").write_text(
            json.dumps({"pid": os.getpid(), "start_time": 1, "sockets": {"web": 9}})
        )
    if cut == "between":  # the old one was told to go, and no other was started
        old._daemon.dismiss()
    new = place.edge
    await new.ensure()
    await new.proven(place.route())
    assert procfs.owner(new.pid() or 0) == new._reader
    assert place.edge.pid() == new.pid(), "the next panel finds it"


async def test_doors_that_were_shut_by_a_panel_that_was_killed_are_opened_by_the_next(place: Place, up: Edge) -> None:
    sockets = up._entrances._taken(up.pid() or 0)
    assert sorted(sockets) == ["secure", "web"]
    Held(sockets=sockets).shut()
    up._entrances.file.write_text("{}")
    with pytest.raises(httpx.ConnectTimeout):
        httpx.get(f"http://127.0.0.1:{up._port}", timeout=0.5, trust_env=False)
    following = place.edge
    await following.ensure()
    assert httpx.get(f"http://127.0.0.1:{up._port}", timeout=2, trust_env=False).status_code == 404
    assert (following.pid(), up._entrances.file.exists()) == (up.pid(), False)
    for descriptor in sockets.values():
        os.close(descriptor)


async def test_where_no_panel_is_it_comes_back_under_its_account(place: Place) -> None:
    alone, state = place.made(alone=True, as_root=False), place.root / "acme.json"
    try:
        await alone.set_route(place.route())
        await alone.proven(place.route())
        for cut in ("", '{"acme": {"Acc'):
            state.write_text(cut)
            (running,) = running_below(place.root)
            assert (status(running)["CapEff"], procfs.owner(running)) == (NONE, alone._reader)
            os.kill(running, signal.SIGKILL)
            await until(lambda gone=running: running_below(place.root) not in ([], [gone]))  # type: ignore[misc]
            await alone.proven(place.route())
        await alone.watch()  # a state that was cut off is set aside at the next look, and it begins anew
        await alone.proven(place.route())
        assert (state.read_text(), state.with_name("acme.json.bad").read_text()) == ("", cut)
        os.kill(alone.pid() or 0, signal.SIGKILL)
        await until(lambda: not running_below(place.root))
    finally:
        await alone.shut_down()


async def test_a_site_is_served_by_its_applications_account_with_no_capability() -> None:
    with open_folder() as folder:
        runtime: NativeRuntime = make_runtime(folder)
        await runtime.ensure()
        try:
            health = HealthCheck(kind=HealthKind.HTTP, deadline_seconds=20)
            spec = make_spec(
                folder, files={"public/index.html": "x"}, processes={}, static_root="public", health=health
            )
            await runtime.prepare(Work(), spec)
            await runtime.start(Work(), spec)
            await runtime.healthy(Work(), spec)
            (running,) = [each.pid for each in (await runtime.status(spec.release_id)).processes]
            seen = status(running)
            assert procfs.name(running or 0) == "caddy" or "caddy" in procfs.argv(running or 0)[0]
            assert (seen["CapEff"], seen["CapPrm"], seen["NoNewPrivs"]) == (NONE, NONE, "1")
            assert procfs.owner(running or 0) == spec.uid
        finally:
            await runtime.remove(spec.release_id)
            await runtime.shut_down()


def status(pid: int | None) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def reaches(pid: int | None, folder: Path, paths: object) -> dict[str, str]:
    """Which of these the account of a process can read or list, from the folder where it works."""
    code = (
        "import json, os, sys\nfound = {}\n"
        "for path in json.loads(sys.argv[1]):\n"
        "    try:\n"
        "        found[path] = str(os.listdir(path)) if os.path.isdir(path) else open(path, 'rb').read(40).hex()\n"
        "    except OSError:\n        pass\n"
        "print(json.dumps(found))"
    )
    found: dict[str, str] = json.loads(as_account(pid, folder, code, json.dumps(list(paths))))  # type: ignore[call-overload]
    return found


def writes(pid: int | None, root: Path) -> list[str]:
    """What below the edge's folder the account of a process can write, or make a file in."""
    code = (
        "import json, os, sys\n"
        "print(json.dumps([path for path in json.loads(sys.argv[1]) if os.access('../' + path, os.W_OK)]))"
    )
    paths = [str(path.relative_to(root)) for path in (root, *root.rglob("*"))]
    found: list[str] = json.loads(as_account(pid, root / "home", code, json.dumps(paths)))
    return found


def as_account(pid: int | None, folder: Path, code: str, argument: str) -> str:
    """What a program prints that runs as a process does."""
    account = procfs.owner(pid or 0)
    assert account

    def become() -> None:
        os.chdir(folder)
        os.setgroups([])
        os.setresgid(account, account, account)
        os.setresuid(account, account, account)

    argv = ["/usr/bin/python3", "-I", "-S", "-c", code, argument]
    return subprocess.run(argv, preexec_fn=become, capture_output=True, check=True, text=True).stdout


def running_below(root: Path) -> list[int]:
    """The Traefiks of an edge."""
    mark = f"HEADWAY_DAEMON={root}/daemon.json".encode()
    return [
        pid
        for pid in procfs.pids()
        if mark in procfs.initial_environment(pid).split(b"\0") and "".join(procfs.argv(pid)[:1]).endswith("/traefik")
    ]


def tried(root: Path) -> list[int]:
    """The Traefiks that are tried now."""
    found = []
    for pid in procfs.pids():
        with contextlib.suppress(OSError, IndexError):
            here = Path(f"/proc/{pid}/cwd").readlink().is_relative_to(root / "scratch")
            if here and "".join(procfs.argv(pid)[:1]).endswith("/traefik"):
                found.append(pid)
    return found


async def shows(port: int, pem: str) -> None:
    """Returns once the edge shows this certificate."""
    wanted, shown = ssl.PEM_cert_to_DER_cert(pem), b""
    async with asyncio.timeout(10):
        while shown != wanted:
            shown = await certificate("127.0.0.1", port, tls_name="shop.localhost", timeout_seconds=2) or b""


def slowly(port: int) -> str:
    """A request that takes longer than the whole replacement."""
    headers = {"host": "shop.localhost"}
    return httpx.get(f"http://127.0.0.1:{port}/slow", headers=headers, timeout=20, trust_env=False).text


@contextlib.contextmanager
def serving() -> Iterator[int]:
    """An application; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/slow":
                time.sleep(3)
            body = b"slow" if self.path == "/slow" else b"shop"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
