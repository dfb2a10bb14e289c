"""What leads into a swarm, before processes of this machine in the place of tasks: whom a request goes to that could be
brought to no task of the release.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headway.drivers.runtimes.compose import stacks
from headway.drivers.runtimes.swarm import forwarder
from headway.drivers.runtimes.swarm.forwarder import configuration
from headway.infra.hosts.wheel_programs import beside_python
from headway.kernel.artifacts import Upstream
from tests.support.applications.answering import TALKS_OF_ITSELF
from tests.support.panel.panel import free_port, until

LARGE = b"x" * 5_000_000
# It says its name and how much of a body it has read. Asked to die it does so amid that, or before it says anything.
PROGRAM = """\
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        got = len(self.rfile.read(int(self.headers.get("content-length", 0))))
        if self.path == "/die":
            os._exit(3)
        text = f"{sys.argv[1]} {got}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_POST = do_GET
    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""
pytestmark = pytest.mark.slow


@contextlib.contextmanager
def task(name: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the place of a task."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM, name, str(port)]) as process:
        try:
            until(lambda: _listens(port), 10, what=f"{name} listens")
            yield process
        finally:
            process.kill()


class Forwarding:
    """A forwarder to a release on a port, and to the one before it on another."""

    def __init__(self, folder: Path) -> None:
        self.port, self.new, self.old = free_port(), free_port(), free_port()
        wanted = configuration()
        wanted["apps"]["http"]["servers"]["forwarder"]["listen"] = [f"127.0.0.1:{self.port}"]
        self.file = folder / "forwarder.json"
        self.file.write_text(json.dumps(wanted))

    @contextlib.contextmanager
    def runs(self, *, other: int | None = None) -> Iterator[None]:
        """``other`` is the port of the release before (None: there is none)."""
        env = {"TASKS": "localhost", "TASK_PORT": str(self.new), "TASK_KEY": "k", "HOME": str(self.file.parent)}
        env |= {"OTHER_TASKS": "localhost", "OTHER_TASK_PORT": str(other or self.new)}
        argv = [str(beside_python("caddy")), "run", "--config", str(self.file)]
        with subprocess.Popen(argv, env={**os.environ, **env}, stderr=subprocess.DEVNULL) as process:
            try:
                until(lambda: _listens(self.port), 10, what="the forwarder listens")
                yield
            finally:
                process.kill()

    def ask(
        self, method: str = "POST", path: str = "/", body: bytes | None = b"an order", agent: str = "visitor"
    ) -> tuple[int, str, float]:
        """The status, the text, and how long it took."""
        began = time.monotonic()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, body, {"User-Agent": agent})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), time.monotonic() - began


@pytest.fixture
def forwarding(tmp_path: Path) -> Forwarding:
    return Forwarding(tmp_path)


def test_who_comes_after_the_death_is_served_by_the_release_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = {**forwarder._PATIENT, "retries": 100 * forwarder._PATIENT["retries"]}
    monkeypatch.setattr(forwarder, "_PATIENT", patient)  # for as long as who waits for what is dead would wait
    forwarding = Forwarding(tmp_path)
    with task("old", forwarding.old), task("new", forwarding.new) as dying, forwarding.runs(other=forwarding.old):
        assert forwarding.ask()[:2] == (200, "new 8")
        assert forwarding.ask(path="/die")[:2] == (502, ""), "it had that one, so nobody else is asked"
        assert dying.wait(10) == 3
        for body, text in ((b"an order", "old 8"), (LARGE, f"old {len(LARGE)}"), (b"", "old 0")):
            status, said, took = forwarding.ask(body=body)
            assert (status, said) == (200, text)
            assert took < 15, "nobody waits for what is dead"
        assert forwarding.ask("GET", body=None)[:2] == (200, "old 0")


def test_headways_own_questions_are_answered_by_the_release_alone(forwarding: Forwarding) -> None:
    with task("old", forwarding.old), forwarding.runs(other=forwarding.old), ThreadPoolExecutor() as at_once:
        asked = [at_once.submit(forwarding.ask, "GET", body=None, agent="Headway-Probe") for _ in range(3)]
        assert [each.result()[:2] for each in asked] == [(502, "")] * 3, "as the edge says it: no answer of a release"


def test_where_nobody_comes_back_it_is_told_while_people_still_wait(forwarding: Forwarding) -> None:
    with forwarding.runs():
        status, said, took = forwarding.ask()
    assert (status, said) == (502, "")
    assert took > 3.5


def test_whoever_waits_is_brought_to_a_task_that_takes_requests_again(forwarding: Forwarding) -> None:
    with forwarding.runs(), ThreadPoolExecutor() as at_once:
        asked = [at_once.submit(forwarding.ask) for _ in range(5)]
        time.sleep(0.5)
        with task("new", forwarding.new):
            assert [each.result()[:2] for each in asked] == [(200, "new 8")] * 5


@pytest.mark.parametrize(
    ("program", "answers"),
    [("", False), (TALKS_OF_ITSELF, False), (PROGRAM, True), (PROGRAM.replace("(200)", "(502)"), True)],
    ids=["nobody", "no HTTP", "HTTP", "HTTP that says the same"],
)
async def test_what_it_says_itself_is_no_answer_of_what_it_leads_to(
    forwarding: Forwarding, program: str, *, answers: bool
) -> None:
    with contextlib.ExitStack() as stack:
        if program:
            argv, env = [sys.executable, "-c", program, "new", str(forwarding.new)], {"PORT": str(forwarding.new)}
            process = stack.enter_context(subprocess.Popen(argv, env={**os.environ, **env}))
            stack.callback(process.kill)
            until(lambda: _listens(forwarding.new), 10, what="it listens")
        stack.enter_context(forwarding.runs())
        asked = await stacks.ask(Upstream(address="127.0.0.1", port=forwarding.port), 3000, 0.0)
    assert asked.answers == answers
    assert asked.lacking.startswith("GET / on port 3000 got no answer: ") != answers


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
