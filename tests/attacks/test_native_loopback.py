"""The machine's own addresses, tried by an application: what is another's, the panel's, or nobody has opened to it."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from headway.drivers.runtimes.gates import mirrors
from headway.drivers.runtimes.gates.table_content import own_addresses
from headway.kernel.vault import Vault
from tests.support.panel.panel import Panel, free_port, git_repository, until, web

pytestmark = [pytest.mark.root, pytest.mark.slow]

# Does what it is asked for with the sockets of its own account, and says what came of it.
TRIER = """\
import http.server, json, os, socket, threading, urllib.parse

def tcp(host, port, family=socket.AF_INET, protocol=0, mapped=False):
    with socket.socket(socket.AF_INET6 if mapped or ":" in host else family, socket.SOCK_STREAM, protocol) as tried:
        tried.settimeout(3)
        tried.connect((f"::ffff:{host}" if mapped else host, port))
        return "connected"

def fast_open(host, port):
    with socket.socket() as tried:
        tried.sendto(b"x", socket.MSG_FASTOPEN, (host, port))
        return "connected"

def udp(host, port, connected=False):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as tried:
        if connected:
            tried.connect((host, port))
            tried.send(b"x")
        else:
            tried.sendto(b"x", (host, port))
        return "connected"

def own(host, family=socket.AF_INET, to="127.0.0.1"):
    with socket.create_server((host, 0), family=family, dualstack_ipv6=family == socket.AF_INET6) as server:
        return tcp(to, server.getsockname()[1])

def bound(host, port):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tried.bind((host, port))
        return "bound"

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.unquote(self.path[1:])
        try:
            said = repr(eval(asked)) if asked else "up"
        except OSError as error:
            said = type(error).__name__ + " " + str(error.errno)
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
HERE = "127.0.0.1"
REFUSED = "PermissionError 1"
FILES = {"app.py": TRIER, "Procfile": "web: python3 app.py\n", "requirements.txt": ""}


class Stage:
    """A panel with an application that tries, one that is tried, and two services of the machine."""

    def __init__(self, panel: Panel, folder: Path, service: int, database: int) -> None:
        self.panel = panel
        self.metrics = int(panel.env["HEADWAY_METRICS_PORT"])
        self.service = service
        self.database = database
        url = git_repository(folder / "trier", FILES)
        self.trier = panel.application(url, name="trier", loopback=[database])
        panel.done(panel.deploy(self.trier))
        victim = panel.deploy(panel.application(git_repository(folder / "victim", web("the victim")), name="victim"))
        panel.done(victim)
        self.victim = panel.get("release.one", releaseId=victim)["port"]
        sleeper = panel.application(git_repository(folder / "sleeper", web("asleep")), name="sleeper")
        slept = panel.deploy(sleeper)
        panel.done(slept)
        self.sleeper = panel.get("release.one", releaseId=slept)["port"]
        panel.post("application.stop", applicationId=sleeper)

    @property
    def opening(self) -> str:
        """The command that opens the service to an application to which the database is open."""
        return "apps set APP " + " ".join(f"--loopback {each}" for each in sorted((self.database, self.service)))

    def tries(self, what: str) -> str:
        """What came of it."""
        return self.panel.visit("trier", f"/{quote(what)}").text.strip("'")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("loopback")
    panel = Panel(folder / "data", HEADWAY_METRICS_PORT=str(free_port())).start()
    with listening() as service, listening() as database:
        try:
            yield Stage(panel, folder, service, database)
        finally:
            panel.clean_up()


@contextmanager
def listening() -> Iterator[int]:
    """A service of the machine on every address, TCP and UDP: its port."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64) as server:
        port = server.getsockname()[1]
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(("::", port))
            yield port


WAYS = (
    "tcp('127.0.0.1', {port})",
    "tcp('127.8.9.1', {port})",
    "tcp('0.0.0.0', {port})",
    "tcp('::1', {port})",
    "tcp('::', {port})",
    "tcp('127.0.0.1', {port}, mapped=True)",
    "tcp('0.0.0.0', {port}, mapped=True)",
    "tcp('127.0.0.1', {port}, protocol=262)",
    "fast_open('127.0.0.1', {port})",
    "udp('127.0.0.1', {port})",
    "udp('::1', {port})",
    "udp('127.0.0.1', {port}, connected=True)",
    "udp('::ffff:127.0.0.1', {port})",
)


def test_an_application_reaches_nothing_of_the_loopback_that_is_not_open_to_it(stage: Stage) -> None:
    said = {way: stage.tries(way.format(port=stage.service)) for way in WAYS}
    print(json.dumps(said, indent=1))
    assert {way for way, result in said.items() if result == "connected"} == set()


def test_what_a_setting_of_the_application_names_is_open_to_it(stage: Stage) -> None:
    ways = [way for way in WAYS if "262" not in way]
    assert {stage.tries(way.format(port=stage.database)) for way in ways} == {"connected"}


def is_gone(host: str) -> bool:
    """Whether this is no address of the machine any more."""
    return host != "0.0.0.0" and host not in own_addresses()  # noqa: S104 - gone to, not listened on


@pytest.mark.parametrize("address", ["127.0.0.1", "own", "0.0.0.0"])  # noqa: S104 - gone to, not listened on
def test_neither_the_panel_nor_a_neighbour_is_reached_by_any_address_of_the_machine(stage: Stage, address: str) -> None:
    addresses = [each for each in own_addresses() if not each.startswith(("127.", "0000:"))]
    for host in [address] if address != "own" else addresses:
        for port in (stage.panel.port, stage.metrics, stage.victim):
            way = f"tcp({host!r}, {port})"
            # Other tests make and remove addresses: one that is new is known by the panel's next look.
            until(lambda: stage.tries(way) == REFUSED or is_gone(host), 5, what=f"{way} is refused")  # noqa: B023


def test_no_setting_opens_what_is_a_neighbours_or_the_panels(stage: Stage, tmp_path: Path) -> None:
    ports = [stage.panel.port, stage.metrics, stage.victim]
    application_id = stage.panel.application(git_repository(tmp_path / "sly", FILES), name="sly", loopback=ports)
    stage.panel.done(stage.panel.deploy(application_id))
    tries = [quote(f"tcp({host!r}, {port})") for host in ("127.0.0.1", "::1") for port in ports]
    assert {stage.panel.visit("sly", f"/{each}").text for each in tries} == {REFUSED}


@pytest.mark.parametrize(
    "own",
    [
        "own('127.0.0.1')",
        "own('0.0.0.0')",
        "own('::', socket.AF_INET6)",
        "own('::', socket.AF_INET6, '::1')",
        "tcp('127.0.0.1', int(os.environ['PORT']))",
    ],
)
def test_what_the_application_listens_on_itself_is_its_own(stage: Stage, own: str) -> None:
    assert stage.tries(own) == "connected"


def test_where_nobody_listens_the_kernel_says_so(stage: Stage) -> None:
    assert stage.tries("tcp('127.0.0.1', 1)").startswith("ConnectionRefusedError")


def test_the_edge_is_open_to_everybody(stage: Stage) -> None:
    assert stage.tries(f"tcp('127.0.0.1', {stage.panel.edge_port})") == "connected"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "127.0.0.2"])  # noqa: S104
def test_nobody_takes_the_port_of_a_neighbour_that_is_down(stage: Stage, host: str) -> None:
    assert stage.tries(f"bound({host!r}, {stage.sleeper})") == REFUSED


@pytest.mark.parametrize("host", ["169.254.169.254", "169.254.1.1", "100.100.100.200", "fd00:ec2::254"])
def test_no_secrets_of_the_machine_are_asked_of_a_cloud(stage: Stage, host: str) -> None:
    assert stage.tries(f"tcp({host!r}, 80)") == REFUSED


BUILD = """\
import json, socket, sys

said = {}
for host in ("127.0.0.1", "127.8.9.1", "0.0.0.0", "::1", "::ffff:127.0.0.1"):
    for port in map(int, sys.argv[1:]):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
            try:
                tried.connect((host, port))
                said[f"{host} {port}"] = "connected"
            except OSError as error:
                said[f"{host} {port}"] = f"{type(error).__name__} {error.errno}"
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
    said["own"] = "connected"
print("SAID " + json.dumps(said))
"""


def test_a_build_reaches_of_the_loopback_what_is_open_to_its_application_only(stage: Stage, tmp_path: Path) -> None:
    panel, ports = stage.panel, (stage.service, stage.database, stage.panel.port, stage.victim)
    url = git_repository(tmp_path / "built", web("built") | {"try.py": BUILD})
    line = f"python3 try.py {' '.join(map(str, ports))}"
    application_id = panel.application(url, name="built", loopback=[stage.database], buildCommand=line)
    deployment_id = panel.deploy(application_id)
    panel.done(deployment_id)
    log = panel.deployment_log(deployment_id)
    said = json.loads(log.rpartition("SAID ")[2].partition("\n")[0])
    assert said.pop("own") == "connected"
    opened = {way: result for way, result in said.items() if way.endswith(f" {stage.database}")}
    assert set(opened.values()) == {"connected"}
    assert {result for way, result in said.items() if way not in opened} == {REFUSED}
    assert stage.opening in log, "and it says how that is opened"


def test_mirrors_that_the_machine_names_are_open_to_builds(tmp_path: Path) -> None:
    pip, npm = tmp_path / "pip.conf", tmp_path / "npmrc"
    pip.write_text("[global]\nindex-url = http://user:pw@localhost:3141/root/pypi\nproxy = http://10.0.0.1:3128\n")
    npm.write_text("registry=http://127.0.0.1:4873/\nhttps-proxy=http://[::1]/\n# https://localhost.example:99/\n")
    assert mirrors.ports((str(pip), str(npm), "/nowhere")) == (80, 3141, 4873)


def test_a_member_opens_no_port(stage: Stage) -> None:
    token = stage.panel.post("user.createApiKey", name="one project", scopes=["admin"], projects=[project_of(stage)])
    answer = stage.panel.client.post(
        "/application.update",
        json={"applicationId": stage.trier, "loopback": [stage.database, stage.service]},
        headers={"x-api-key": token["key"] if isinstance(token, dict) else token},
    )
    assert answer.status_code == 403
    assert f"Port {stage.service} of the loopback reaches the machine itself" in answer.text


def test_the_log_names_the_setting_that_would_open_a_port(stage: Stage) -> None:
    assert stage.tries(f"tcp('127.0.0.1', {stage.service})") == REFUSED

    def said() -> bool:
        return stage.opening in stage.panel.get("application.readLogs", applicationId=stage.trier, tail=1000)

    until(said, 10, what=f"{stage.opening} in the log")


def test_what_an_application_of_an_earlier_version_used_stays_open_and_nothing_else(
    stage: Stage, tmp_path: Path
) -> None:
    """Its process goes on as it is; what it is connected to, and what its variables name, is open to the next one."""
    panel = stage.panel
    files = {**FILES, "app.py": TRIER.replace("class Handler", "HELD = []\n\nclass Handler")}
    application_id = panel.application(git_repository(tmp_path / "old", files), name="old", loopback=[])
    named = f"DATABASE_URL=postgres://shop@localhost:{stage.database}/shop"
    release_id = panel.deploy(application_id)
    panel.done(release_id)
    panel.stop()
    forget_the_question(panel, application_id, release_id, named)
    with listening() as other:
        panel.start()
        hold = f"HELD.append(socket.create_connection(('127.0.0.1', {other})))"
        until(lambda: panel.visit("old", f"/{quote(hold)}").text == "None", 10, what="the old release goes on as it is")
        assert panel.visit("old", f"/{quote(f'tcp({HERE!r}, {stage.service})')}").text == "'connected'"
        panel.stop()
        forget_the_question(panel, application_id, release_id, named)
        panel.start()
        found = sorted([stage.database, other])

        def is_noted() -> bool:
            noted = panel.get("application.one", applicationId=application_id)["loopback"]
            return noted is not None and sorted(noted) == found

        until(is_noted, 10, what="what it uses is noted")
        panel.done(panel.deploy(application_id))
        said = {
            port: panel.visit("old", f"/{quote(f'tcp({HERE!r}, {port})')}").text for port in (*found, stage.service)
        }
    assert said == {**dict.fromkeys(found, "'connected'"), stage.service: REFUSED}


def forget_the_question(panel: Panel, application_id: str, release_id: str, env: str) -> None:
    """As an earlier version leaves it: neither the settings nor the release's record say anything of the loopback."""
    vault = Vault((panel.data_dir / "vault.key").read_bytes())
    with closing(sqlite3.connect(panel.data_dir / "headway.db")) as database, database:
        (text,) = database.execute("SELECT settings FROM services WHERE service_id = ?", [application_id]).fetchone()
        settings = vault.open(json.loads(text)["sealed"])
        settings["run"]["loopback"] = None
        database.execute(
            "UPDATE services SET settings = ?, env = ? WHERE service_id = ?",
            [json.dumps({"sealed": vault.seal(settings)}), vault.seal(env), application_id],
        )
    record = panel.work / "native" / "releases" / release_id / "release.json"
    kept = json.loads(record.read_text())
    kept.pop("loopback", None)
    record.write_text(json.dumps(kept))


def project_of(stage: Stage) -> Any:  # noqa: ANN401 - JSON
    return stage.panel.get("application.one", applicationId=stage.trier)["environment"]["projectId"]
