"""What containers, the steps of their builds and native builds reach of the server that they are on, and what native
applications there reach of containers.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.attacks.test_containers_reach import CLOUDS, NATIVE, REFUSED, TRIER, said_in
from tests.attacks.test_native_loopback import BUILD, FILES
from tests.attacks.test_native_loopback import REFUSED as KEPT_FROM
from tests.e2e.boxes import boxed_web
from tests.e2e.test_applications_servers import Site, connected
from tests.e2e.test_composes_servers import FarStack, far_stack
from tests.support.docker.compose import SLEEPS
from tests.support.docker.docker_engine import BASE_IMAGE, lacks_docker
from tests.support.machines.server_roots import MISSING, FarEngine, RootedServer, engine_on
from tests.support.panel.panel import free_port, git_repository, host_of, until, web

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(MISSING or lacks_docker()), reason=f"needs {', '.join(MISSING)} {lacks_docker()}"),
]
SERVICE = """
import socket
server = socket.create_server(("::", {port}), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
print(flush=True)
while True:
    server.accept()
"""


# Does with the engine what the real one does: containers of its own, their output, an image of what is in one.
PACK = f"""\
#!/bin/sh
set -e
made=$(docker create {BASE_IMAGE} python3 /app/try.py "$(cat "$4/ways")")
docker cp "$4/." "$made:/app" >/dev/null
docker start --attach "$made"
docker commit --change 'CMD ["python3", "-u", "/app/app.py"]' --change 'EXPOSE 3000' "$made" "$2" >/dev/null
docker rm "$made" >/dev/null
"""


class Stage:
    """A server with an engine, a native application on all addresses, and a service of the machine itself."""

    def __init__(self, site: Site, engine: FarEngine, folder: Path, service: int) -> None:
        self.site, self.engine, self.panel, self.service = site, engine, site.panel, service
        files = {"app.py": NATIVE, "Procfile": "web: python3 app.py\n"}
        victim = self.panel.deploy(site.application(git_repository(folder / "victim", files), "victim"))
        self.panel.done(victim, 90)
        self.victim: int = self.panel.get("release.one", releaseId=victim)["port"]

    @property
    def closed(self) -> list[str]:
        """Ways to the native application, by the server's address and its engine's, and to clouds."""
        hosts = (self.site.server.address, "172.29.255.1")
        ways = [f"tcp({host!r}, {self.victim})" for host in hosts]
        ways += [f"tcp({hosts[0]!r}, {self.victim}, mapped=True)", f"udp({hosts[0]!r}, {self.victim})"]
        return [*ways, *(f"tcp({host!r}, 80)" for host in CLOUDS)]

    @property
    def services(self) -> list[str]:
        return [f"tcp({self.site.server.address!r}, {self.service})"]

    def within(self, container: str, ways: list[str]) -> dict[str, str]:
        """What came of the ways in a container."""
        return said_in(self.engine.docker("exec", container, "python3", "-c", TRIER, json.dumps(ways)))

    def stack(self, name: str) -> FarStack:
        return far_stack((self.site, self.engine), name)


@contextmanager
def serving_on(server: RootedServer) -> Iterator[int]:
    """A service of the server on all its addresses."""
    port = free_port()
    argv = [*(server.cable.within if server.cable else ()), "python3", "-c", SERVICE.format(port=port)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield port
        finally:
            process.kill()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("far")
    with (
        connected(folder, with_edge=True) as site,
        engine_on(site.server) as engine,
        serving_on(site.server) as service,
    ):
        yield Stage(site, engine, folder, service)


def refused(said: dict[str, str]) -> dict[str, str]:
    """The ways that were not."""
    return {way: result for way, result in said.items() if result != REFUSED}


def test_a_compose_service_and_the_steps_of_its_build_reach_no_native_application_and_no_cloud(stage: Stage) -> None:
    script, given = (base64.b64encode(text.encode()).decode() for text in (TRIER, json.dumps(stage.closed)))
    tried = f'echo {script} | base64 -d > /try.py && python3 /try.py "$$(echo {given} | base64 -d)"'
    build = {"context": ".", "dockerfile_inline": f"FROM {BASE_IMAGE}\nRUN {tried}\n"}
    made = stage.stack("kept apart")
    row = made.deploy(web={key: value for key, value in SLEEPS.items() if key != "image"} | {"build": build})
    assert refused(said_in(stage.panel.deployment_log(row["deploymentId"]))) == {}, "in a step"
    (container,) = made.containers()["web"]
    assert refused(stage.within(container, stage.closed)) == {}
    assert set(stage.within(container, stage.services).values()) == {"connected"}, "a server is its organisation's own"

    stage.panel.post("compose.stop", composeId=made.compose_id)
    stage.panel.post("compose.start", composeId=made.compose_id)
    until(lambda: made.containers().get("web"), 30, what="it runs again")
    (container,) = made.containers()["web"]
    assert refused(stage.within(container, stage.closed)) == {}, "started again"


def test_an_application_in_a_container_and_the_steps_of_its_build_neither(stage: Stage, tmp_path: Path) -> None:
    dockerfile = f'FROM {BASE_IMAGE}\nCOPY . /app\nRUN python3 /app/try.py "$(cat /app/ways)"\nEXPOSE 3000\n'
    dockerfile += 'CMD ["python3", "/app/app.py"]\n'
    files = boxed_web("boxed", dockerfile, **{"try.py": TRIER, "ways": json.dumps(stage.closed)})
    application_id = stage.site.application(git_repository(tmp_path / "boxed", files), "boxed", builder="dockerfile")
    deployment_id = stage.panel.deploy(application_id)
    stage.panel.done(deployment_id, 120)
    assert refused(said_in(stage.panel.deployment_log(deployment_id))) == {}, "in a step"
    (container,) = stage.engine.docker("ps", "--quiet", f"--filter=label=headway.release={deployment_id}").split()
    assert refused(stage.within(container, stage.closed)) == {}

    port = stage.panel.get("release.one", releaseId=deployment_id)["port"]
    trier = stage.site.application(git_repository(tmp_path / "trier", FILES), "trier")
    stage.panel.done(stage.panel.deploy(trier), 90)
    until(lambda: asked(stage, trier, f"tcp('127.0.0.1', {port})") == KEPT_FROM, 10, what="it is closed")
    stage.panel.post("application.stop", applicationId=application_id)
    assert asked(stage, trier, f"bound('127.0.0.1', {port})") == KEPT_FROM, "while nothing listens there either"


def test_a_native_build_reaches_of_the_loopback_what_its_application_names_only(stage: Stage, tmp_path: Path) -> None:
    files = web("built") | {"try.py": BUILD}
    line = f"python3 try.py {stage.service} {stage.victim}"
    application_id = stage.site.application(git_repository(tmp_path / "built", files), "built", buildCommand=line)
    log, said = built(stage, application_id)
    assert said.pop("own") == "connected"
    assert set(said.values()) == {KEPT_FROM}
    assert f"'headway apps set APP --loopback {stage.service}'" in log, "and it says how that is opened"
    stage.panel.post("application.update", applicationId=application_id, loopback=[stage.service])
    said = built(stage, application_id)[1]
    assert {result for way, result in said.items() if way.endswith(f" {stage.victim}")} == {KEPT_FROM}
    assert {result for way, result in said.items() if not way.endswith(f" {stage.victim}")} == {"connected"}


def test_the_containers_that_pack_builds_in_reach_none_either(stage: Stage, tmp_path: Path) -> None:
    pack = stage.site.server.root / "usr/local/bin/pack"
    pack.write_text(PACK)
    pack.chmod(0o755)
    files = boxed_web("packed") | {"try.py": TRIER, "ways": json.dumps(stage.closed)}
    url = git_repository(tmp_path / "packed", files)
    application_id = stage.site.application(url, "packed", builder="heroku_buildpacks")
    deployment_id = stage.panel.deploy(application_id)
    stage.panel.done(deployment_id, 120)
    assert refused(said_in(stage.panel.deployment_log(deployment_id))) == {}
    assert stage.site.visit(application_id).text.startswith("packed")


def built(stage: Stage, application_id: str) -> tuple[str, dict[str, str]]:
    deployment_id = stage.panel.deploy(application_id)
    stage.panel.done(deployment_id, 90)
    log = stage.panel.deployment_log(deployment_id)
    return log, said_in(log)


def asked(stage: Stage, application_id: str, what: str) -> str:
    """What came of a try of a native application's."""
    name = host_of(stage.panel.get("application.one", applicationId=application_id))
    url = f"http://{stage.site.server.address}:{stage.panel.edge_port}/{quote(what)}"
    return httpx.get(url, headers={"host": name}, timeout=10, trust_env=False).text.strip("'")
