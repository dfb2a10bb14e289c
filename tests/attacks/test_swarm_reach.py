"""What copies in a swarm reach of the machine that they are on: the same as containers, from their first moment on,
also where the swarm begins them while no panel is there, and after all of it was gone.
"""

from __future__ import annotations

import base64
import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from websockets.sync.client import connect

from headway.drivers.runtimes.gates.panel_gates import gates_of
from headway.drivers.runtimes.gates.table_content import Ports, own_addresses
from headway.infra.hosts import procfs
from tests.attacks import test_native_loopback as native
from tests.attacks.test_containers_reach import CLOUDS, NATIVE, REFUSED, TRIER, listening, said_in
from tests.e2e.boxes import DOCKERFILE, boxed_web
from tests.e2e.swarms import SECONDS, Ground, swarm_ground
from tests.e2e.test_compose_cli import typed
from tests.e2e.test_schedules import living, ran
from tests.support.docker.compose import SLEEPS, Stack, stack
from tests.support.docker.docker_engine import BASE_IMAGE
from tests.support.docker.docker_registry import lacks_registry
from tests.support.docker.swarm_nodes import Node, Nodes
from tests.support.panel.panel import KEY, Panel, free_port, git_repository, until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(lacks_registry() is not None, reason=str(lacks_registry())),
]
# Tries before anything else can happen, and sleeps.
AT_ONCE = f"{TRIER}\nimport time; time.sleep(900)\n"

# A native application that begins a child with a word of its choice, and that child, which tries the ports it is told.
COMES_IN = """\
import subprocess, sys

def begin(word):
    global child
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    child = subprocess.Popen([sys.executable, "child.py"], env=os.environ | {"HEADWAY_INSIDE": word}, **pipes)
    return child.pid

def child_tries(port):
    print(port, file=child.stdin, flush=True)
    return child.stdout.readline().strip()

"""
CHILD = """\
import socket, sys

for line in sys.stdin:
    with socket.socket() as tried:
        try:
            tried.connect(("127.0.0.1", int(line)))
            print("connected", flush=True)
        except OSError as error:
            print(type(error).__name__, error.errno, flush=True)
"""


class Stage:
    """A panel on a swarm's manager that is reached from outside, a native application, and a service of the machine."""

    def __init__(self, ground: Ground, folder: Path, service: int) -> None:
        self.ground, self.panel, self.service = ground, ground.panel, service
        files = {"app.py": NATIVE, "Procfile": "web: python3 app.py\n"}
        victim = self.panel.deploy(self.panel.application(git_repository(folder / "victim", files), name="victim"))
        self.panel.done(victim, 60)
        self.victim: int = self.panel.get("release.one", releaseId=victim)["port"]
        shown = self.manager.docker("network", "inspect", "docker_gwbridge", "--format={{json .IPAM.Config}}")
        self.gateway: str = json.loads(shown)[0]["Gateway"]
        key = self.panel.post("organization.create", name="Others")["apiKey"]
        self.others = httpx.Client(
            base_url=self.panel.client.base_url, headers={"x-api-key": key}, trust_env=False, timeout=60
        )

    @property
    def manager(self) -> Node:
        return self.ground.nodes.manager

    @property
    def theirs(self) -> Panel:
        """The same panel, asked by the owner of another organisation."""
        made = copy.copy(self.panel)
        made.client = self.others
        return made

    @property
    def closed(self) -> list[str]:
        """Ways to what is another's, or the panel's, and to clouds."""
        ports = (self.panel.port, int(self.panel.env["HEADWAY_METRICS_PORT"]), self.victim)
        hosts = {self.gateway, *(each for each in own_addresses() if each.startswith("10."))}
        ways = [f"tcp({host!r}, {port})" for host in hosts for port in ports]
        ways += [f"tcp({self.gateway!r}, {port}, mapped=True)" for port in ports]
        return [*ways, f"udp({self.gateway!r}, {self.victim})", *(f"tcp({host!r}, 80)" for host in CLOUDS)]

    @property
    def services(self) -> list[str]:
        return [f"tcp({self.gateway!r}, {self.service})", f"udp({self.gateway!r}, {self.service})"]

    def within(self, container: str, ways: list[str]) -> dict[str, str]:
        """What came of the ways in a container."""
        return said_in(self.manager.docker("exec", container, "python3", "-c", TRIER, json.dumps(ways)))

    def at_once(self, container: str) -> dict[str, str]:
        """What came of them in its first moment."""
        until(lambda: "SAID " in self.manager.docker("logs", container), 60, what="it has tried")
        return said_in(self.manager.docker("logs", container))

    def stack(self, panel: Panel, name: str, ways: list[str]) -> Stack:
        """A stack of one copy that tries at once; it is deployed."""
        made = stack(panel, self.manager, name)
        made.change(composeType="stack", healthDeadlineSeconds=90)
        made.deploy(web={**SLEEPS, "command": ["python3", "-u", "-c", AT_ONCE, json.dumps(ways)]})
        return made

    def copy_of(self, mark: str, before: str = "") -> str:
        """The container of the one copy, another one than ``before``."""

        def found() -> list[str]:
            task = "--filter=label=com.docker.swarm.task.id"
            shown = self.manager.docker("ps", "--quiet", f"--filter=label={mark}", task)
            return [each for each in shown.split() if each != before]

        return until(found, SECONDS, what="its copy runs")[0]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, nodes: Nodes) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("reach")
    folder.chmod(0o711)
    env = {"HEADWAY_HOST": "0.0.0.0", "HEADWAY_EDGE_HOST": "0.0.0.0", "HEADWAY_METRICS_PORT": str(free_port())}  # noqa: S104 - reached from outside
    with swarm_ground(folder, nodes, **env) as ground, listening() as service:
        made = Stage(ground, folder, service)
        with made.others:
            yield made


@pytest.fixture(scope="module")
def ours(stage: Stage) -> str:
    return f"headway.compose={stage.stack(stage.panel, 'ours', stage.closed).compose_id}"


@pytest.fixture(scope="module")
def theirs(stage: Stage) -> str:
    made = stage.stack(stage.theirs, "theirs", [*stage.closed, *stage.services, "raw('', 0)"])
    return f"headway.compose={made.compose_id}"


def test_no_copy_of_a_stack_reaches_the_panel_a_neighbour_or_a_cloud(stage: Stage, ours: str, theirs: str) -> None:
    for mark in (ours, theirs):
        before = stage.copy_of(mark)  # which may have begun where a test had made the kernel forget what it knew
        stage.manager.docker("kill", before)
        container = stage.copy_of(mark, before)
        assert refused(stage.at_once(container)) == {}, "in its first moment"
        assert refused(stage.within(container, stage.closed)) == {}
    open_to_all = [f"tcp({stage.gateway!r}, {stage.panel.edge_port})"]
    assert set(stage.within(stage.copy_of(ours), [*stage.services, *open_to_all]).values()) == {"connected"}
    assert set(stage.within(stage.copy_of(theirs), open_to_all).values()) == {"connected"}


@pytest.fixture(scope="module")
def copied(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An application of one copy that tries at once; its id."""
    dockerfile = DOCKERFILE.partition("CMD")[0] + 'COPY . /\nCMD ["/bin/sh", "/run.sh"]\n'
    files = boxed_web("1", dockerfile)
    files |= {"try.py": TRIER, "ways": json.dumps(stage.closed)}
    files["run.sh"] = 'python3 /try.py "$(cat /ways)"; exec python3 -u /app.py\n'
    url = git_repository(tmp_path_factory.mktemp("copied") / "app", files)
    application_id = stage.panel.application(url, name="copied", builder="dockerfile", runtime="swarm")
    stage.panel.done(stage.panel.deploy(application_id), SECONDS)
    return application_id


def test_no_copy_of_an_application_does_either(stage: Stage, copied: str) -> None:
    container = stage.copy_of(f"headway.application={copied}")
    assert refused(stage.at_once(container)) == {}
    assert refused(stage.within(container, stage.closed)) == {}


@pytest.mark.parametrize("how", ["exec", "run"])
def test_what_is_entered_in_a_copy_is_kept_apart_as_it_is(stage: Stage, copied: str, how: str) -> None:
    """It is in a group of its own, within that of the copy."""
    assert stage.copy_of(f"headway.application={copied}")
    command = ("python3", "/try.py", json.dumps(stage.closed))
    status, out, err = typed(stage.panel, "apps", how, "copied", "--", *command)
    assert (status, refused(said_in(out))) == (0, {}), err


def test_a_schedule_in_a_stack_is_too(stage: Stage, theirs: str) -> None:
    assert stage.copy_of(theirs)
    inside = {"scheduleType": "compose", "composeId": theirs.partition("=")[2], "serviceName": "web"}
    script, ways = (encoded(each) for each in (TRIER, json.dumps([*stage.closed, *stage.services])))
    line = f'python3 -c "$(echo {script} | base64 -d)" "$(echo {ways} | base64 -d)"'
    row, log = ran(stage.theirs, line, **inside)
    assert (row["status"], refused(said_in(log))) == ("done", {}), log


def test_no_native_application_comes_in_by_a_word_in_its_environment(stage: Stage, copied: str, tmp_path: Path) -> None:
    """What the panel starts in a copy is moved to a group that lies beside those in which native applications are
    judged.
    """
    panel = stage.panel
    files = {**native.FILES, "app.py": native.TRIER.replace("class Handler", f"{COMES_IN}class Handler")}
    sly = panel.application(git_repository(tmp_path / "sly", files | {"child.py": CHILD}), name="sly", loopback=[])
    panel.done(panel.deploy(sly))
    console_id = panel.post("application.exec", applicationId=copied, command=["sleep", "8871"])["consoleId"]
    pid = int(panel.visit("sly", f"/{quote(f'begin({console_id!r})')}").text)
    groups = procfs.groups(procfs.folder_of(pid))
    address = f"ws://127.0.0.1:{panel.port}/application-console?consoleId={console_id}"
    with connect(address, additional_headers={"x-api-key": KEY}, proxy=None):
        until(lambda: living("8871"), 20, what="what was to come in has")
        assert procfs.groups(procfs.folder_of(pid)) == groups
        said = panel.visit("sly", f"/{quote(f'child_tries({stage.service})')}").text
        assert said.strip("'") == native.REFUSED
    until(lambda: living("8871") == [], 20, what="it has ended")
    assert procfs.start_time(pid) is not None, "nor is it ended with what came in"


def test_a_copy_that_the_swarm_begins_while_the_panel_is_down_is_kept_apart(stage: Stage, theirs: str) -> None:
    before = stage.copy_of(theirs)
    stage.panel.stop()
    try:
        stage.manager.docker("kill", before)
        assert refused(stage.at_once(stage.copy_of(theirs, before))) == {}
    finally:
        stage.panel.start()


def test_after_engine_and_panel_were_killed_and_the_kernel_knew_nothing_copies_are_found_again(
    stage: Stage, ours: str, theirs: str
) -> None:
    stage.panel.kill()
    stage.manager.stop()
    forget(stage)
    stage.manager.start()
    containers = {mark: stage.copy_of(mark) for mark in (ours, theirs)}
    assert "connected" in stage.within(containers[ours], stage.closed).values(), "as after a reboot"
    stage.panel.start()
    for container in containers.values():
        until(lambda: refused(stage.within(container, stage.closed)) == {}, 60, what="it is kept apart")  # noqa: B023
    assert refused(stage.within(containers[theirs], stage.services)) == {}
    container = containers[theirs]
    stage.manager.docker("kill", container)
    assert refused(stage.at_once(stage.copy_of(theirs, container))) == {}


def test_where_systemd_begins_what_keeps_applications_up_no_moment_is_left_after_a_start_of_the_machine(
    stage: Stage, theirs: str
) -> None:
    stage.panel.kill()
    stage.manager.stop()
    forget(stage)
    panel = stage.panel
    ports = {"HEADWAY_PORT": str(panel.port), "HEADWAY_EDGE_PORT": str(panel.edge_port)}
    env = {"PATH": os.environ["PATH"], **panel.env, **ports, "HEADWAY_DATA_DIR": str(panel.data_dir)}
    before = [sys.executable, "-m", "headway.cli.main", "keep", "supervisor", "--prepare"]
    subprocess.run(before, env=env, check=True, stdin=subprocess.DEVNULL, timeout=60)
    stage.manager.start()
    container = stage.copy_of(theirs)
    try:
        assert refused(stage.at_once(container)) == {}
    finally:
        panel.start()


def test_other_containers_of_the_machine_go_where_they_like(stage: Stage, ours: str) -> None:
    assert stage.copy_of(ours)
    here = ("--no-resolve-image", "--constraint=node.role==manager")
    stage.manager.docker("service", "create", "--detach", "--name=foreign", *here, BASE_IMAGE, "sleep", "900")
    try:
        shown = until(lambda: stage.manager.docker("ps", "--quiet", "--filter=name=foreign"), SECONDS, what="it runs")
        said = stage.within(shown.split()[0], [f"tcp({stage.gateway!r}, {stage.panel.port})", *stage.services])
    finally:
        stage.manager.docker("service", "rm", "foreign")
    assert set(said.values()) == {"connected"}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def refused(said: dict[str, str]) -> dict[str, str]:
    """The ways that were not."""
    return {way: result for way, result in said.items() if result != REFUSED}


def forget(stage: Stage) -> None:
    """As a reboot leaves the kernel."""
    panel_id = (stage.panel.data_dir / "panel.id").read_text()
    gates = gates_of(panel_id, range(1, 2), Ports())
    assert gates is not None
    gates.clear()
