"""The examples, as a new user deploys them: through the command line alone, in a terminal of 80 columns."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.support.panel.panel import KEY, Panel, free_port, git, git_repository, panel, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
COLUMNS = 80
needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="this machine has no npm; .ci/run installs it")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_HEALTH_DEADLINE="6") as started:
        yield started


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout") / "examples"
    shutil.copytree(EXAMPLES, folder)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "The examples")
    return folder


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("python-web", "Hello"),
        ("static-site", "<!doctype html>"),
        ("web-and-worker", ""),
        pytest.param("node-web", "Hello, Node!", marks=needs_node),
        pytest.param("node-site", "<h1>Built by a script of package.json</h1>", marks=needs_node),
    ],
)
def test_an_example_is_deployed_and_answers(machine: Panel, checkout: Path, name: str, answer: str) -> None:
    shown, status = typed(machine, "deploy", str(checkout / name), "--wait")

    assert status == 0, shown
    lines = shown.rstrip().splitlines()
    assert lines[-1] == f"http://{name}.localhost:{machine.edge_port}"
    assert re.fullmatch(rf"{name} is deployed \(\d+(\.\d)?m?s\)", lines[-2])
    until(lambda: machine.visit(name).status_code == 200, what=f"{name} answers")
    assert answer.lower() in machine.visit(name).text.lower()


@needs_node
def test_the_page_for_what_is_missing_is_the_sites_own(machine: Panel, checkout: Path) -> None:
    typed(machine, "deploy", str(checkout / "node-site"), "--name", "missing-pages")
    found = machine.visit("missing-pages", "/nowhere")
    assert (found.status_code, "There is no such page" in found.text) == (404, True)


@needs_node
def test_a_port_that_is_in_the_program_is_where_it_is_asked(machine: Panel, tmp_path: Path) -> None:
    port = free_port()
    program = f"require('http').createServer((_, answer) => answer.end('mine')).listen({port})\n"
    files = {"package.json": '{"scripts": {"start": "node server.js"}}', "server.js": program}
    url = git_repository(tmp_path / "own", files)
    first, second = (machine.application(url, name, env="") for name in ("own-port", "other-port"))

    for _ in range(2):  # the second release takes the port over
        machine.done(machine.deploy(first))
        assert machine.visit("own-port").text == "mine"
    assert machine.get("application.detect", applicationId=first)["port"] == port

    row = machine.ended(machine.deploy(second))
    assert f"Port {port} is taken by another application. Its program has that in its source" in row["errorMessage"]
    machine.post("application.update", applicationId=first, scale={"web": 2})
    row = machine.ended(machine.deploy(first))
    assert f"listens on port {port} whatever PORT says, so web cannot run 2 times" in row["errorMessage"]
    assert machine.visit("own-port").text == "mine"


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("build-fails", "install .*payments-client"),
        ("crashes", "ended 3 times while it was starting.* Mend what it reports"),
        ("wrong-port", r"to listen on the port that the variable PORT names \(\d+\).* it listens on 127\.0\.0\.1:\d+"),
        pytest.param("no-start", r"nothing says how it is started\. Add a start script to package", marks=needs_node),
    ],
)
def test_a_failing_example_ends_in_what_mends_it(machine: Panel, checkout: Path, name: str, mend: str) -> None:
    shown, status = typed(machine, "deploy", str(checkout / name), "--wait", "-e", f"LISTEN_ON={free_port()}")

    assert status == 1, shown
    told = " ".join(shown[shown.index(f"headway: {name} was not deployed: ") :].split())
    assert re.search(mend, told), told
    assert "Deployment failed" not in shown, "why it ended is told once"
    assert machine.visit(name).status_code == 404


def typed(machine: Panel, *arguments: str) -> tuple[str, int]:
    """What a terminal of 80 columns shows of a command, without its colours, and the command's exit status."""
    leader, follower = pty.openpty()
    ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    env = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": "/nowhere", "HEADWAY_API_KEY": KEY}
    env["HEADWAY_URL"] = f"http://127.0.0.1:{machine.port}"
    command = [sys.executable, "-m", "headway.cli.main", *arguments]
    with subprocess.Popen(command, env=env, stdin=follower, stdout=follower, stderr=follower) as process:
        os.close(follower)
        written, deadline = b"", time.monotonic() + 90
        with suppress(OSError):  # the terminal's other side is closed
            while select.select([leader], [], [], max(0.0, deadline - time.monotonic()))[0]:
                written += os.read(leader, 65536)
        os.close(leader)
        status = process.wait(10)
    text = written.decode().replace("\r\n", "\n")
    drawn = re.sub(r"[^\n]*\r", "", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))
    return drawn, status
