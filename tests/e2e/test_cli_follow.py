"""Following by the command line what an application writes, over a killed panel and from release to release, and what a
deployment does.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.test_cli import HEADWAY, environment, headway, succeed
from tests.support.applications.kept import open_folder
from tests.support.panel.panel import Panel, commit, git_repository, panel, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

TALKS = """\
import http.server, os, signal, sys, time

def bye(*_):
    print("bye from VERSION", flush=True)
    os._exit(0)

class Talks(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/say-"):
            print("said " + self.path, flush=True)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, bye)
print("VERSION begins with", os.environ["API_TOKEN"], flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Talks).serve_forever()
"""

# What a deploy says, and the headings between: how each of the lines begins.
HAPPENS = (
    *("==> source\n", "Fetched main of ", "==> check out\n", "==> builder\n", "Builder native: "),
    *("==> build\n", "provider: ", "building\n", "built\n", "==> port\n", "==> release command\n", "it is released\n"),
    *("==> start\n", "==> health check\n", "Healthy: ", "The new release is healthy.\n"),
    *("==> route\n", "Deployment done: "),
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_CANCEL_GRACE="0.2") as started:
        yield started


@contextmanager
def following(of: Panel, folder: Path, *arguments: str) -> Iterator[tuple[Path, Path]]:
    """The files of what ``apps logs -f`` writes, which is broken off at the end."""
    told, said = folder / "told", folder / "said"
    with told.open("wb") as out, said.open("wb") as err:
        # Whoever runs the tests in the background of a script has Ctrl-C ignored, and so would the command.
        command = ["env", "--default-signal=INT", *HEADWAY, "apps", "logs", *arguments]
        process = subprocess.Popen(command, env=environment(of), stdout=out, stderr=err)
        try:
            yield told, said
        finally:
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(20) == 130
            finally:  # or a test that comes later fails for a process that it did not start
                process.kill()
                process.wait()


def talks(version: str) -> dict[str, str]:
    return {**web(version), "app.py": TALKS.replace("VERSION", version)}


def test_output_is_followed_over_a_killed_panel_and_a_deploy_with_nothing_lost_or_told_twice(
    running: Panel, tmp_path: Path
) -> None:
    git_repository(tmp_path / "talks", talks("one"))
    succeed(running, "deploy", str(tmp_path / "talks"), "-e", "API_TOKEN=s3cr3t-s3cr3t")

    with following(running, tmp_path, "talks", "-f", "-n", "1") as (told, said):
        until(lambda: told.read_text() == "one begins with ******\n", what="the last line is told")
        assert running.visit("talks", "/say-a").status_code == 200
        until(lambda: "said /say-a" in told.read_text(), what="what it writes is told")
        running.kill()
        assert running.visit("talks", "/say-b").status_code == 200
        running.start()
        until(lambda: "said /say-b" in told.read_text(), 40, what="what it wrote meanwhile is told")
        commit(tmp_path / "talks", talks("two"), "Second version")
        succeed(running, "apps", "deploy", "talks")
        until(lambda: "has ended" in said.read_text(), what="the end of the first release is told")

    deployments = [
        each["deploymentId"] for each in json.loads(succeed(running, "apps", "show", "talks", "--json"))["deployments"]
    ]
    lines = told.read_text().splitlines()
    assert sorted(lines) == sorted(
        ["one begins with ******", "said /say-a", "said /say-b", "bye from one", "two begins with ******"]
    )
    news = [line for line in said.read_text().splitlines() if line.startswith("==> ")]
    assert sorted(news) == sorted(
        [
            f"==> The release of deployment {deployments[0]} serves",
            f"==> The release of deployment {deployments[1]} has ended",
        ]
    )


def test_a_program_is_told_in_objects_and_an_unknown_name_at_once(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "tells", talks("it"))
    succeed(running, "deploy", str(tmp_path / "tells"), "-e", "API_TOKEN=s3cr3t-s3cr3t")
    with following(running, tmp_path, "tells", "-f", "--json") as (told, _):
        (item,) = until(lambda: [json.loads(line) for line in told.read_text().splitlines()])
    assert (item["kind"], item["process"], item["text"]) == ("output", None, "it begins with ******\n")
    assert headway(running, "apps", "logs", "walks", "-f").returncode == 5
    assert succeed(running, "apps", "logs", "tells", "--since", "1h") == "it begins with ******\n"
    until(lambda: succeed(running, "apps", "logs", "tells", "--since", "1s") == "", what="it is older than that")
    with following(running, tmp_path, "tells", "-f", "--since", "1s") as (told, said):
        until(lambda: "has written nothing yet" in said.read_text())
        assert running.visit("tells", "/say-new").status_code == 200
        until(lambda: told.read_text() == "said /say-new\n", what="what it writes from then on is told")
    wrong = headway(running, "apps", "logs", "tells", "--since", "yesterday")
    assert (wrong.returncode != 0, "it takes how long ago (90s, 10m, 2h, 3d)" in wrong.stderr) == (True, True)
    assert "has not come yet" in headway(running, "apps", "logs", "tells", "-f", "--since", "2999-01-01").stderr
    refused = running.client.get(
        "/application.readOutput",
        params={
            "applicationId": running.get("application.search", name="tells")["items"][0]["applicationId"],
            "cursor": "x",
        },
    )
    assert (refused.status_code, "leave it out to begin anew" in refused.json()["message"]) == (400, True)


def test_a_running_deployment_is_followed_in_the_order_in_which_it_happened(running: Panel, tmp_path: Path) -> None:
    git_repository(
        tmp_path / "ordered", {**web("it"), "Procfile": "web: python3 app.py\nrelease: echo it is released\n"}
    )
    told = tmp_path / "told"
    with open_folder() as folder:
        build = f"NIXPACKS_BUILD_CMD=echo building; until [ -e {folder}/go ]; do sleep 0.05; done; echo built"
        deployment_id = succeed(running, "deploy", str(tmp_path / "ordered"), "-e", build, "--no-wait").strip()
        with told.open("wb") as out:
            command = [*HEADWAY, "deployments", "logs", "-f", deployment_id]
            process = subprocess.Popen(command, env=environment(running), stdout=out)
        try:
            until(lambda: told.read_text().endswith("\nbuilding\n"), what="what it has said so far is told")
            (folder / "go").touch()
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()
    lines = told.read_text().splitlines(keepends=True)
    assert "".join(line for line in lines if not line.startswith("==> ")) == running.deployment_log(deployment_id)
    known = [each for line in lines for each in HAPPENS if line.startswith(each)]
    headings = {line for line in lines if line.startswith("==> ")}
    assert (known, headings - set(HAPPENS)) == (list(HAPPENS), set()), lines
