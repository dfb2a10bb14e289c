"""Logging in, profiles, projects and JSON on the command line, against a panel that runs."""

from __future__ import annotations

import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_cli import HEADWAY, environment, headway, succeed
from tests.support.panel.panel import KEY, Panel, git_repository, panel, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_CANCEL_GRACE="0.2") as started:
        yield started


def login(of: Panel, config: Path, key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*HEADWAY, "login", *arguments],
        env=environment(of, HEADWAY_URL="", HEADWAY_API_KEY="", XDG_CONFIG_HOME=str(config)),
        input=f"{key}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_login_is_kept_and_used_and_forgotten(running: Panel, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{running.port}"
    done = login(running, tmp_path, KEY, url, "--profile", "here")

    assert (done.returncode, done.stdout) == (0, f"Logged in to {url} as Owner (owner); profile here.\n")
    kept = tmp_path / "headway" / "profiles.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert known(running, tmp_path, "apps", "list", "--json").returncode == 0
    shown = known(running, tmp_path, "profiles", "list").stdout
    assert KEY not in shown
    assert "here" in shown
    assert known(running, tmp_path, "logout", "--profile", "here").stdout == "Profile here is forgotten.\n"
    assert KEY not in kept.read_text()
    assert known(running, tmp_path, "profiles", "use", "here").returncode == 5


def known(of: Panel, config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return headway(of, *arguments, HEADWAY_URL="", HEADWAY_API_KEY="", XDG_CONFIG_HOME=str(config))


def test_a_key_that_is_refused_is_not_kept(running: Panel, tmp_path: Path) -> None:
    done = login(running, tmp_path, "x" * 64, f"http://127.0.0.1:{running.port}")
    assert done.returncode == 3
    assert "refuses the API key from what you entered" in done.stderr
    assert not (tmp_path / "headway").exists()
    assert login(running, tmp_path, "", f"http://127.0.0.1:{running.port}").returncode == 2
    assert login(running, tmp_path, KEY, "http://127.0.0.1:9").returncode == 4


def test_projects_are_made_shown_and_removed(running: Panel) -> None:
    made = json.loads(succeed(running, "projects", "create", "shop", "--description", "sells", "--json"))
    assert made["project"]["projectId"] in succeed(running, "projects", "list")
    assert "production" in succeed(running, "projects", "show", "shop")
    assert json.loads(succeed(running, "projects", "show", made["project"]["projectId"], "--json"))["name"] == "shop"
    assert succeed(running, "projects", "remove", "shop", "--yes") == "shop is removed\n"
    gone = headway(running, "projects", "show", "shop")
    assert gone.returncode == 5
    assert gone.stderr.startswith("headway: There is no project shop.")


def test_a_project_goes_with_everything_in_it_which_is_named_first(running: Panel) -> None:
    made = running.post("project.create", name="full")
    where = {"environmentId": made["environment"]["environmentId"]}
    running.post("application.create", name="web", **where)
    running.post("compose.create", name="stack", composeFile="services: {web: {image: debian}}", **where)
    given = {"databaseName": "d", "databaseUser": "d", "databasePassword": "d"}
    running.post("postgres.create", name="orders", **where, **given)

    asked = headway(running, "projects", "remove", "full")

    assert asked.returncode == 2
    for named in ("application web (production)", "compose service stack", "postgres database orders"):
        assert named in asked.stderr
    assert asked.stderr.endswith(
        "headway: Nobody said yes to that, so nothing was done. --yes does it without asking.\n"
    )
    assert headway(running, "projects", "show", "full").returncode == 0

    done = headway(running, "projects", "remove", "full", "--volumes", "--yes")

    assert (done.returncode, done.stdout) == (0, "full is removed\n"), done.stderr
    assert headway(running, "projects", "show", "full").returncode == 5


def test_every_command_speaks_json(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "spoken", web("spoken"))

    deployed = headway(running, "deploy", str(tmp_path / "spoken"), "--json")

    row = json.loads(deployed.stdout)
    assert (deployed.returncode, row["status"]) == (0, "done")
    assert row["addresses"] == [f"http://spoken.localhost:{running.edge_port}"]
    assert "==> build" in deployed.stderr
    id_ = json.loads(succeed(running, "apps", "deploy", "spoken", "--json"))["deploymentId"]
    assert "release" in json.loads(succeed(running, "deployments", "logs", id_, "--json"))["log"]
    events = [json.loads(line) for line in succeed(running, "deployments", "logs", "-f", id_, "--json").splitlines()]
    assert {"log", "step", "status", "end"} <= {event["event"] for event in events}
    assert json.loads(succeed(running, "apps", "stop", "spoken", "--json"))["name"] == "spoken"
    assert json.loads(succeed(running, "apps", "start", "spoken", "--json"))["name"] == "spoken"
    assert json.loads(succeed(running, "apps", "logs", "spoken", "--json"))["log"] == ""
    assert json.loads(succeed(running, "deployments", "remove", id_, "--json"))["deploymentId"] == id_
    json.loads(succeed(running, "apps", "delete", "spoken", "--yes", "--json"))
