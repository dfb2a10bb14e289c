"""Releases and their processes on a real panel: several of a type, on ports of their own, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.panel.panel import Json, Panel, commit, git_repository, panel, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

WEB = """\
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["HEADWAY_PROCESS"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
FILES = {"app.py": WEB, "Procfile": "web: python3 app.py\nworker: exec sleep 1000\nclock: exec sleep 1000\n"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data") as started:
        yield started


def releases(running: Panel, application_id: str) -> list[Json]:
    rows: list[Json] = running.get("release.all", applicationId=application_id)
    return rows


def names(row: Json) -> list[str]:
    return sorted(process["name"] for process in row["running"])


def test_each_process_type_runs_as_often_as_it_is_scaled(running: Panel, tmp_path: Path) -> None:
    url = git_repository(tmp_path / "repo", FILES)
    application_id = running.application(url, "scaled", scale={"web": 3, "worker": 2, "clock": 0})

    running.done(running.deploy(application_id))

    (row,) = releases(running, application_id)
    assert names(row) == ["web", "web.2", "web.3", "worker", "worker.2"]
    assert (row["state"], row["up"], len(set(row["ports"]))) == ("serving", True, 3)
    assert {running.visit("scaled").text for _ in range(12)} == {"web", "web.2", "web.3"}


def test_a_scaled_application_is_replaced_and_its_ports_are_free_again(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", FILES), "again", scale={"web": 2})
    first = running.done(running.deploy(application_id))["deploymentId"]
    running.post("application.update", applicationId=application_id, scale={})
    commit(tmp_path / "repo", {"x": "1"}, "second")

    second = running.done(running.deploy(application_id))["deploymentId"]

    until(lambda: [row["state"] for row in releases(running, application_id)] == ["serving", "kept"])
    serving, kept = releases(running, application_id)
    assert (serving["deploymentId"], kept["deploymentId"]) == (second, first)
    assert (len(serving["ports"]), kept["ports"], kept["running"]) == (1, [], [])
    assert kept["bytes"] > len(WEB)
    assert (kept["commit"]["message"], serving["commit"]["message"]) == ("first commit", "second")


def test_a_scaled_application_comes_back_on_all_its_ports(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", FILES), "stopped", scale={"web": 2})
    running.done(running.deploy(application_id))
    running.post("application.stop", applicationId=application_id)
    assert releases(running, application_id)[0]["running"] == []

    running.post("application.start", applicationId=application_id)

    until(lambda: {running.visit("stopped").text for _ in range(4)} == {"web", "web.2"})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"scale": {"wroker": 2}}, "There is no process 'wroker' to scale. This application has: web, worker, clock."),
        ({"scale": {"web": 2}, "port": 20_500}, "The port 20500 is fixed, and web is to run 2 times"),
    ],
)
def test_a_scale_that_cannot_be_is_told(running: Panel, tmp_path: Path, fields: Json, sentence: str) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", FILES), f"wrong {len(fields)}", **fields)
    row = running.ended(running.deploy(application_id))
    assert row["status"] == "error"
    assert sentence in row["errorMessage"]


def test_the_port_of_the_settings_is_where_it_listens(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", FILES), "ported", port=20_501)
    running.done(running.deploy(application_id))
    assert releases(running, application_id)[0]["ports"] == [20_501]
    assert running.visit("ported").text == "web"
