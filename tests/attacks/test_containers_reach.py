"""What containers and the steps of their builds reach of the machine: no port that is another's or the panel's, no
cloud's secrets, and, of an organisation that was not given the machine, what is open to all and nothing else.
"""

from __future__ import annotations

import base64
import copy
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from headway.drivers.runtimes.gates.table_content import own_addresses
from tests.e2e.boxes import boxed_web
from tests.support.docker.compose import SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, free_port, git_repository, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(180)]

# Tries each place as it may be tried, and prints what came of each.
TRIER = """
import json, socket, sys
def tcp(host, port, mapped=False):
    with socket.socket(socket.AF_INET6 if mapped or ':' in host else socket.AF_INET) as tried:
        tried.settimeout(3)
        tried.connect((f'::ffff:{host}' if mapped else host, port))
        return 'connected'
def udp(host, port):
    with socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM) as tried:
        tried.sendto(b'x', (host, port))
        return 'connected'
def raw(host, port):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3) as tried:
        return 'connected'
said = {}
for way in json.loads(sys.argv[1]):
    try:
        said[way] = eval(way)
    except OSError as error:
        said[way] = type(error).__name__
print('SAID ' + json.dumps(said))
"""
NATIVE = """
import http.server, os
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
REFUSED = "PermissionError"
GONE = "TimeoutError"  # of an address that the machine had for another test's network, which is no more
LOOPBACK = ("127.0.0.1", "0.0.0.0", "::ffff:127.0.0.1")  # noqa: S104 - gone to, not listened on
CLOUDS = ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254", "::ffff:169.254.169.254")


class Stage:
    """A panel that is reached from outside, a native application on all addresses, and a service of the machine."""

    def __init__(self, panel: Panel, engine: Engine, folder: Path, service: int) -> None:
        self.panel, self.engine, self.service = panel, engine, service
        files = {"app.py": NATIVE, "Procfile": "web: python3 app.py\n"}
        victim = panel.deploy(panel.application(git_repository(folder / "victim", files), name="victim"))
        panel.done(victim, 60)
        self.victim: int = panel.get("release.one", releaseId=victim)["port"]
        self.metrics = int(panel.env["HEADWAY_METRICS_PORT"])
        key = panel.post("organization.create", name="Others")["apiKey"]
        self.others = httpx.Client(
            base_url=panel.client.base_url, headers={"x-api-key": key}, trust_env=False, timeout=60
        )

    @property
    def theirs(self) -> Panel:
        """The same panel, asked by the owner of another organisation."""
        made = copy.copy(self.panel)
        made.client = self.others
        return made

    def closed(self, gateway: str) -> list[str]:
        """Ways to what is another's, or the panel's."""
        ports = (self.panel.port, self.metrics, self.victim)
        ways = [f"tcp({gateway!r}, {port})" for port in ports]
        ways += [f"tcp({gateway!r}, {port}, mapped=True)" for port in ports]
        ways += [f"udp({gateway!r}, {port})" for port in ports]
        others = [each for each in own_addresses() if not each.startswith(("127.", "0000:", "fe80"))]
        return [*ways, *(f"tcp({each!r}, {port})" for each in others for port in ports)]

    def within(self, container: str, ways: list[str]) -> dict[str, str]:
        """What came of the ways in a container."""
        return said_in(self.engine.docker("exec", container, "python3", "-c", TRIER, json.dumps(ways)))

    def gateway(self, container: str) -> str:
        """The machine, as a container reaches it."""
        networks = json.loads(self.engine.docker("inspect", "--format={{json .NetworkSettings.Networks}}", container))
        found: str = next(iter(networks.values()))["Gateway"]
        return found


def said_in(text: str) -> dict[str, str]:
    said: dict[str, str] = json.loads(text.rpartition("SAID ")[2].partition("\n")[0])
    return said


@contextmanager
def listening() -> Iterator[int]:
    with (
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64) as server,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind(("::", server.getsockname()[1]))
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("reach")
    env = {"HEADWAY_HOST": "0.0.0.0", "HEADWAY_EDGE_HOST": "0.0.0.0", "HEADWAY_METRICS_PORT": str(free_port())}  # noqa: S104 - reached from outside
    with listening() as service, panel_with_engine(folder / "data", docker_engine, **env) as panel:
        made = Stage(panel, docker_engine, folder, service)
        with made.others:
            yield made
        panel.stop()  # which would bring up again what is removed now


@pytest.fixture(scope="module")
def ours(stage: Stage) -> str:
    """A container of a compose service of the first organisation."""
    return _one(stack(stage.panel, stage.engine, "ours", web=SLEEPS))


@pytest.fixture(scope="module")
def theirs(stage: Stage) -> str:
    """A container of a compose service of another organisation."""
    return _one(stack(stage.theirs, stage.engine, "theirs", web=SLEEPS))


def _one(made: Stack) -> str:
    made.deploy()
    return next(iter(made.containers()["web"]))


@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_no_container_reaches_the_panel_or_a_neighbour(stage: Stage, whose: str, request: Any) -> None:  # noqa: ANN401
    container: str = request.getfixturevalue(whose)
    said = stage.within(container, stage.closed(stage.gateway(container)))
    assert {way: result for way, result in said.items() if result not in {REFUSED, GONE}} == {}


@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_no_container_asks_a_cloud(stage: Stage, whose: str, request: Any) -> None:  # noqa: ANN401 - of pytest
    said = stage.within(request.getfixturevalue(whose), [f"tcp({host!r}, 80)" for host in CLOUDS])
    assert set(said.values()) == {REFUSED}, said


def test_the_first_organisation_goes_on_to_use_services_of_the_machine(stage: Stage, ours: str) -> None:
    gateway = stage.gateway(ours)
    ways = [f"tcp({gateway!r}, {stage.service})", f"udp({gateway!r}, {stage.service})"]
    ways += [f"tcp({gateway!r}, {stage.panel.edge_port})"]
    assert set(stage.within(ours, ways).values()) == {"connected"}


def test_another_organisation_reaches_what_is_open_to_all_only(stage: Stage, theirs: str) -> None:
    gateway = stage.gateway(theirs)
    ways = [f"tcp({gateway!r}, {stage.service})", f"udp({gateway!r}, {stage.service})", "raw('', 0)"]
    assert set(stage.within(theirs, ways).values()) == {REFUSED}
    assert set(stage.within(theirs, [f"tcp({gateway!r}, {stage.panel.edge_port})"]).values()) == {"connected"}
    port = stage.panel.port
    own = [f"(lambda s: tcp({host!r}, {port}))(socket.create_server(('127.0.0.1', {port})))" for host in LOOPBACK]
    own += [f"(lambda s: tcp('::1', {port}))(socket.create_server(('::1', {port}), family=socket.AF_INET6))"]
    assert set(stage.within(theirs, own).values()) == {"connected"}, "its own network is its own"


def test_an_application_in_a_container_and_the_steps_of_its_build_neither(stage: Stage, tmp_path: Path) -> None:
    gateway = stage.engine._bridge()[1] + ".128.1"
    closed = [*stage.closed(gateway), *(f"tcp({host!r}, 80)" for host in CLOUDS)]
    dockerfile = f'FROM {BASE_IMAGE}\nCOPY . /app\nRUN python3 /app/try.py "$(cat /app/ways)"\n'
    dockerfile += "EXPOSE 3000\n"
    dockerfile += 'CMD ["python3", "/app/app.py"]\n'
    files = boxed_web("boxed", dockerfile, **{"try.py": TRIER, "ways": json.dumps(closed)})
    url = git_repository(tmp_path / "boxed", files)
    application_id = stage.panel.application(url, name="boxed", builder="dockerfile")
    deployment_id = stage.panel.deploy(application_id)
    stage.panel.done(deployment_id, 120)
    said = said_in(stage.panel.deployment_log(deployment_id))
    assert {way: result for way, result in said.items() if result not in {REFUSED, GONE}} == {}, "in a step"
    shown = stage.engine.docker("ps", "--quiet", f"--filter=label=headway.release={deployment_id}").split()
    said = stage.within(shown[0], closed)
    assert {way: result for way, result in said.items() if result not in {REFUSED, GONE}} == {}, "in the container"


def test_the_steps_of_another_organisations_builds_reach_what_is_open_to_all_only(stage: Stage) -> None:
    gateway = stage.engine._bridge()[1] + ".128.1"
    ways = [*stage.closed(gateway), f"tcp({gateway!r}, {stage.service})", f"udp({gateway!r}, {stage.service})"]
    script, given = (base64.b64encode(text.encode()).decode() for text in (TRIER, json.dumps(ways)))
    tried = f'echo {script} | base64 -d > /try.py && python3 /try.py "$$(echo {given} | base64 -d)"'
    theirs = stack(stage.theirs, stage.engine, "theirs built")
    web = {**SLEEPS, "build": {"context": ".", "dockerfile_inline": f"FROM {BASE_IMAGE}\nRUN {tried}\n"}}
    del web["image"]
    row = theirs.deploy(web=web)
    said = said_in(stage.theirs.deployment_log(row["deploymentId"]))
    assert {way: result for way, result in said.items() if result not in {REFUSED, GONE}} == {}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.255.255.1", "[::1]", "127.1"])
def test_no_image_of_a_compose_file_is_fetched_from_what_is_near(stage: Stage, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        image = f"{host}:{server.getsockname()[1]}/team/x:1"
        row = stack(stage.theirs, stage.engine, f"near {host}".strip("[]").replace(":", "")).fail(
            web={**SLEEPS, "image": image}
        )
        with pytest.raises(TimeoutError):
            server.accept()
    assert row["reason"] == "refused"
    assert "private network" in row["errorMessage"] or "not a name" in row["errorMessage"]


def test_what_is_running_stays_apart_while_the_panel_is_down(stage: Stage, theirs: str) -> None:
    ways = stage.closed(stage.gateway(theirs))
    # Other tests make and remove addresses: one that is new is known by the panel's next look.
    until(lambda: set(stage.within(theirs, ways).values()) <= {REFUSED, GONE}, 5, what="all is refused")
    stage.panel.stop()
    try:
        said = stage.within(theirs, ways)
    finally:
        stage.panel.start()
    assert set(said.values()) <= {REFUSED, GONE}
    assert REFUSED in said.values()
