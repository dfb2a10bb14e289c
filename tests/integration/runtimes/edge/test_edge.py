"""The edge for real: Traefik, routes that lead, move under load, and stand while Traefik or the panel goes away."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import time
from pathlib import Path

import pytest

from headway.drivers.edge.edge import Edge, HostTaken
from headway.drivers.edge.entrances import EdgeBroken
from headway.drivers.edge.route_file import PROBE_HEADER, RELEASE_HEADER
from headway.drivers.edge.route_probe import RouteNotProven
from headway.drivers.edge.traefik import Https
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.infra.hosts import processes, procfs
from headway.kernel.artifacts import Entrance, Login, Redirect, ReleaseSpec, Route, Upstream, Way
from headway.kernel.errors import InvalidInput
from tests.integration.runtimes.bench import EDGE_ACCOUNTS, Work, fetch, free_port, make_spec

HOST = "shop.localhost"
CONNECTIONS = 20
HASHED = "$apr1$abcdefgh$rK/lObuciIG5ziaV8BdHR/"  # of "pass"


async def test_a_route_leads_moves_and_goes(runtime: NativeRuntime, edge: Edge, work: Work, folder: Path) -> None:
    old, new = await _up(runtime, work, folder), await _up(runtime, work, folder)
    assert fetch(edge._port, host=HOST)[0] == 404
    for spec in (old, new, old):
        begun = time.monotonic()
        await edge.set_route(_route(spec))
        await edge.proven(_route(spec))
        print(f"the route was seen after {time.monotonic() - begun:.3f} s")
        assert _served_by(edge) == spec.release_id
        assert await edge.routes() == {"app-1": _route(spec)}
    await edge.remove_route("app-1")
    assert fetch(edge._port, host=HOST)[0] == 404
    await edge.remove_route("app-1")
    assert await edge.routes() == {}


@pytest.mark.slow
async def test_switching_and_retiring_under_load_fails_no_request(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    serving = await _up(runtime, work, folder)
    await edge.set_route(_route(serving))
    await edge.proven(_route(serving))
    load = _Load(edge._port)
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(load.run())
        for _ in range(6):
            following = await _up(runtime, work, folder)
            await edge.set_route(_route(following))
            await edge.proven(_route(following))
            # A short drain: the requests that were on their way have ended long before.
            await runtime.stop(serving.release_id, drain_seconds=0.5)
            serving = following
        load.over = True
    print(f"{load.answered} requests over {CONNECTIONS} connections and 6 switches; failed: {load.failures}")
    assert load.failures == []
    assert load.answered > 1000


async def test_a_probe_header_that_is_not_ours_tells_nothing_and_ours_reaches_no_application(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    echo = (
        "import http.server, os\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        f"        body = str(self.headers.get('{PROBE_HEADER}')).encode()\n"
        "        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers()\n"
        "        self.wfile.write(body)\n"
        "http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), H).serve_forever()\n"
    )
    spec = await _up(runtime, work, folder, files={"app.py": echo})
    await edge.set_route(_route(spec))
    await edge.proven(_route(spec))
    for secret, told in (("guess", None), (f"{edge._prober.secret}.probe", spec.release_id)):
        head, body = await _raw(edge._port, {PROBE_HEADER: secret})
        assert (RELEASE_HEADER.lower() in head.lower()) == (told is not None)
        assert edge._prober.secret not in body


async def test_a_route_to_a_dead_release_is_not_proven(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    spec = await _up(runtime, work, folder)
    await runtime.stop(spec.release_id)
    await edge.set_route(_route(spec))
    with pytest.raises(RouteNotProven, match=r"status 502"):
        await edge.proven(_route(spec), timeout_seconds=0.5)


async def test_what_a_dead_release_takes_no_connection_of_is_asked_of_the_one_before(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    old, new = await _up(runtime, work, folder), await _up(runtime, work, folder)
    await edge.set_route(dataclasses.replace(_route(new), before=_route(old).upstreams))
    await edge.proven(_route(new))
    assert _served_by(edge) == new.release_id
    await runtime.stop(new.release_id)
    assert _served_by(edge) == old.release_id
    for _ in range(20):
        head, _ = await _raw(edge._port, {"Content-Length": "0"})
        assert "200" in head.partition("\r\n")[0]


async def test_what_a_release_had_and_did_not_answer_is_asked_again_only_if_it_changes_nothing(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    old, heads = await _up(runtime, work, folder), list[bytes]()

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0) as server:
        dying = (Upstream(port=server.sockets[0].getsockname()[1]),)
        route = dataclasses.replace(_route(old), release_id="dying", upstreams=dying, before=_route(old).upstreams)
        await edge.set_route(route)
        await edge.taken_up(route)
        heads.clear()
        _, body = await _raw(edge._port, {})
        assert old.release_id in body
        head, _ = await _raw(edge._port, {"Content-Length": "0"})
        assert "502" in head.partition("\r\n")[0]
    assert len(heads) == 2, "each came there once"


async def test_a_route_that_was_never_set_is_not_proven(edge: Edge) -> None:
    way, upstream = Way(host="a.localhost"), Upstream(port=1)
    route = Route(application_id="a", app_name="a", release_id="r", ways=(way,), upstreams=(upstream,))
    with pytest.raises(RouteNotProven, match="no release"):
        await edge.proven(route, timeout_seconds=0.2)


async def test_a_killed_traefik_is_replaced_and_its_routes_lead_again(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    spec = await _up(runtime, work, folder)
    await edge.set_route(_route(spec))
    await edge.proven(_route(spec))
    killed = edge.pid()
    _kill(killed)
    await edge.watch()
    assert edge.pid() not in {None, killed}
    await edge.proven(_route(spec))


async def test_the_next_panel_adopts_traefik_also_without_its_pidfile(edge: Edge, folder: Path) -> None:
    for lost in (False, True):
        if lost:
            (folder / "edge/daemon.json").unlink()
        following = Edge(folder / "edge", host="127.0.0.1", port=edge._port, accounts=EDGE_ACCOUNTS)
        await following.ensure()
        assert following.pid() == edge.pid()


async def test_a_traefik_with_other_settings_is_replaced(edge: Edge, folder: Path) -> None:
    before = edge.pid()
    moved = Edge(folder / "edge", host="127.0.0.1", port=free_port(), accounts=EDGE_ACCOUNTS)
    await moved.ensure()
    assert moved.pid() not in {None, before}
    assert procfs.start_time(before or 0) is None
    assert fetch(moved._port, host=HOST)[0] == 404


async def test_a_reused_pid_is_not_taken_for_traefik(edge: Edge, folder: Path) -> None:
    pid = edge.pid()
    record = (folder / "edge/daemon.json").read_text()
    await edge.shut_down()
    # The number in the file lives, as another process: this test.
    import os

    (folder / "edge/daemon.json").write_text(record.replace(f'"pid": {pid}', f'"pid": {os.getpid()}'))
    assert edge.pid() is None


async def test_a_port_that_is_held_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        edge = Edge(folder / "edge", host="127.0.0.1", port=port, accounts=EDGE_ACCOUNTS)
        with pytest.raises(EdgeBroken, match=rf"port {port} of 127.0.0.1 is held by .*pid \d+.*HEADWAY_EDGE_PORT"):
            await edge.ensure()


async def test_a_file_that_is_no_route_is_set_aside_and_freezes_nobody(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    spec = await _up(runtime, work, folder)
    await edge.set_route(_route(spec))
    await edge.shut_down()
    (folder / "edge/routes/evil.yml").write_text('{{ env "PATH" }}')
    (folder / "edge/routes/note.txt").write_text("?")
    await edge.ensure()
    await edge.proven(_route(spec))
    assert sorted(path.name for path in (folder / "edge").glob("*.bad")) == ["evil.yml.bad", "note.txt.bad"]


async def test_a_host_of_another_application_is_refused(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    spec = await _up(runtime, work, folder)
    await edge.set_route(_route(spec))
    other = dataclasses.replace(_route(spec), application_id="app-2", app_name="other", ways=_ways("o.localhost", HOST))
    with pytest.raises(HostTaken, match="leads to another service already, shop"):
        await edge.set_route(other)
    assert set(await edge.routes()) == {"app-1"}


async def test_every_host_is_proven(runtime: NativeRuntime, edge: Edge, work: Work, folder: Path) -> None:
    spec = await _up(runtime, work, folder)
    route = dataclasses.replace(_route(spec), ways=_ways(HOST, "www.shop.example"))
    await edge.set_route(route)
    await edge.proven(route)
    assert _served_by(edge, "www.shop.example") == spec.release_id


async def test_a_second_entrance_speaks_https(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    import http.client
    import ssl

    https = Https(port=free_port())
    edge = Edge(folder / "edge", host="127.0.0.1", port=free_port(), https=https, accounts=EDGE_ACCOUNTS)
    spec = await _up(runtime, work, folder)
    try:
        await edge.set_route(_route(spec))
        await edge.proven(_route(spec))
        unverified = ssl._create_unverified_context()  # noqa: S323 - the certificate is the edge's own
        connection = http.client.HTTPSConnection("127.0.0.1", https.port, context=unverified, timeout=10)
        connection.request("GET", "/", headers={"Host": HOST})
        assert spec.release_id.encode() in connection.getresponse().read()
        connection.close()
    finally:
        await edge.shut_down()


async def test_a_path_leads_to_one_application_and_the_rest_of_its_host_to_another(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    whole = await _up(runtime, work, folder)
    part = await _up(runtime, work, folder, application_id="app-2", app_name="api")
    api = Way(host=HOST, path="/api", strip=True)
    beside = dataclasses.replace(_route(part), ways=(api,))
    for route in (_route(whole), beside):
        await edge.set_route(route)
        await edge.proven(route)
    for path, spec in (("/", whole), ("/apis", whole), ("/api", part), ("/api/x", part)):
        seen = json.loads(fetch(edge._port, path, host=HOST)[1])
        assert seen["env"]["HEADWAY_RELEASE_ID"] == spec.release_id, path
    assert fetch(edge._port, "/api/broken", host=HOST)[0] == 500
    await edge.remove_route("app-2")
    assert _served_by(edge, path="/api") == whole.release_id


async def test_a_route_is_proven_behind_redirects_and_passwords(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    spec = await _up(runtime, work, folder)
    redirect = Redirect(regex="^http://[^/]+/old(.*)", replacement="/new${1}", permanent=False)
    route = dataclasses.replace(_route(spec), redirects=(redirect,), logins=(Login(username="me", hash=HASHED),))
    await edge.set_route(route)
    await edge.proven(route)
    assert fetch(edge._port, host=HOST)[0] == 401
    assert fetch(edge._port, "/old/x", host=HOST)[0] == 302
    head, _ = await _raw(edge._port, {"Authorization": "Basic bWU6cGFzcw=="})
    assert " 200 " in head.splitlines()[0]


async def test_what_stands_before_a_release_and_cannot_work_leaves_the_route_unproven(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    spec = await _up(runtime, work, folder)
    broken = dataclasses.replace(_route(spec), redirects=(Redirect(regex="(", replacement="x", permanent=False),))
    await edge.set_route(broken)
    with pytest.raises(RouteNotProven):
        await edge.proven(broken, timeout_seconds=0.5)


async def test_a_change_is_taken_up_also_while_the_release_is_down(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    spec = await _up(runtime, work, folder)
    await runtime.stop(spec.release_id)
    for ways in (_ways(HOST), _ways(HOST, "new.example"), _ways("new.example")):
        route = dataclasses.replace(_route(spec), ways=ways)
        await edge.set_route(route)
        await edge.taken_up(route)
        answers = {host: fetch(edge._port, host=host)[0] for host in (HOST, "new.example")}
        assert answers == {host: 502 if Way(host=host) in ways else 404 for host in answers}


async def test_a_proof_goes_by_the_ways_that_the_route_has_now(
    runtime: NativeRuntime, edge: Edge, work: Work, folder: Path
) -> None:
    spec = await _up(runtime, work, folder)
    before = dataclasses.replace(_route(spec), ways=_ways(HOST, "gone.example"))
    await edge.set_route(before)
    await edge.set_route(_route(spec))
    await edge.proven(before)


async def test_requests_over_http_are_sent_on_where_https_is_asked_for(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    edge = Edge(folder / "edge", host="127.0.0.1", port=free_port(), https=Https(port=free_port()))
    spec = await _up(runtime, work, folder)
    try:
        route = dataclasses.replace(_route(spec), ways=(Way(host=HOST, entrance=Entrance.HTTPS, issued=False),))
        await edge.set_route(route)
        await edge.proven(route)
        assert fetch(edge._port, host=HOST)[0] == 301
    finally:
        await edge.shut_down()


def test_a_folder_that_a_template_could_misread_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Edge(Path("/tmp/{{x}}"), host="127.0.0.1", port=1)


class _Load:
    """Kept-alive connections that ask again as soon as they are answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.over = False
        self.answered = 0
        self.failures: list[str] = []

    async def run(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while not self.over:
            writer.write(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            try:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
                await asyncio.wait_for(reader.readexactly(int(length.split(b":")[1])), 10)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.failures.append(repr(error))
                return
            if b" 200 " not in head.split(b"\r\n")[0]:
                self.failures.append(head.split(b"\r\n")[0].decode())
            self.answered += 1
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _up(runtime: NativeRuntime, work: Work, folder: Path, **options: object) -> ReleaseSpec:
    spec = make_spec(folder, **options)
    await runtime.prepare(work, spec)
    await runtime.start(work, spec)
    await runtime.healthy(work, spec)
    return spec


def _route(spec: ReleaseSpec) -> Route:
    assert spec.port is not None
    return Route(
        application_id=spec.application_id,
        app_name=spec.app_name,
        release_id=spec.release_id,
        ways=_ways(HOST),
        upstreams=(Upstream(port=spec.port),),
    )


def _ways(*hosts: str) -> tuple[Way, ...]:
    return tuple(Way(host=host) for host in hosts)


def _served_by(edge: Edge, host: str = HOST, path: str = "/") -> str:
    return str(json.loads(fetch(edge._port, path, host=host)[1])["env"]["HEADWAY_RELEASE_ID"])


async def _raw(port: int, headers: dict[str, str]) -> tuple[str, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{name}: {value}\r\n" for name, value in {"Host": HOST, "Connection": "close", **headers}.items()]
    writer.write(f"GET / HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head, body


def _kill(pid: int | None) -> None:
    assert pid
    processes.kill_until_gone(lambda: {pid} if procfs.start_time(pid) is not None else set())
