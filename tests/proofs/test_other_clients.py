"""dokli, kctl-dokploy and dokploy-sdk, unchanged, against a real panel, over what of it they can reach."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from script import other_clients as others
from tests.support.panel.panel import KEY, Panel, panel

Json = Any
A_FILE = "services: {web: {image: debian}}"
A_MANIFEST = f"""
apiVersion: v1
connection: here
projects:
- name: by dokli
  services:
  - {{type: compose, name: files, compose_file: "{A_FILE}", env: "A=1"}}
  - {{type: application, name: site, image: "debian:12"}}
  - {{type: postgres, name: db, password: secret-word}}
  environments:
  - name: staging
    services:
    - {{type: redis, name: cache, password: secret-word}}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("others") / "data") as started:
        yield started


def installed(request: pytest.FixtureRequest, name: str, python: str | None, wanted: Sequence[str]) -> Path:
    """The folder that a client lies in, kept from run to run; ``python`` for those that are no packages of npm."""
    assert request.config.cache is not None
    folder = request.config.cache.mkdir(f"client-{name}")
    done = folder / "installed.json"
    if not done.exists() or json.loads(done.read_text()) != [python, *wanted]:
        try:
            others.install_python(folder / "in", python, wanted) if python else others.install_node(folder, wanted)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{name} was not installed within 200 s")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"{name} could not be installed: {error.stderr[-500:]}")
        done.write_text(json.dumps([python, *wanted]))
    return folder


class Command:
    """A command line that is given the panel by its environment."""

    def __init__(self, program: Path, *first: str, cwd: Path, **env: str) -> None:
        self._argv, self._cwd = (str(program), *first), cwd
        self._env = {"PATH": os.environ["PATH"], "HOME": str(cwd), "COLUMNS": "200", "NO_COLOR": "1", **env}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What came of a command."""
        argv = (*self._argv, *arguments)
        return subprocess.run(
            argv, env=self._env, cwd=self._cwd, capture_output=True, text=True, timeout=90, check=False
        )

    def __call__(self, *arguments: str) -> str:
        """What a command says that must succeed."""
        ended = self.run(*arguments)
        assert ended.returncode == 0, (arguments, ended.stdout, ended.stderr)
        return ended.stdout


def test_dokli_applies_a_manifest_and_finds_nothing_to_change_then(
    request: pytest.FixtureRequest, running: Panel, tmp_path: Path
) -> None:
    folder = installed(request, "dokli", sys.executable, others.DOKLI)
    connection = {"name": "here", "url": f"http://127.0.0.1:{running.port}", "api_key": KEY}
    (tmp_path / "config.yaml").write_text(json.dumps({"connections": [connection]}))
    (tmp_path / "dokploy.yaml").write_text(A_MANIFEST)
    dokli = Command(folder / "in/bin/dokli", cwd=tmp_path, DOKLI_CONFIG=str(tmp_path / "config.yaml"))

    assert "api key accepted" in dokli("doctor", "here")
    assert dokli("plan").count("│ create │") == 6
    dokli("apply")
    assert "by dokli" in {each["name"] for each in running.get("project.all")}
    assert "create" not in dokli("plan")
    listed = dokli("ls", "here")
    assert all(f"│ {name} " in listed for name in ("files", "site", "db", "cache")), listed

    (application,) = running.get("application.search", q="site")["items"]
    shown = json.loads(dokli("api", "here", "application", "one", application["applicationId"], "--format", "json"))
    assert (shown["name"], shown["dockerImage"]) == ("site", "debian:12")
    refused = dokli.run("api", "here", "project", "create", "--body", '{"name": "p"}')
    assert (refused.returncode, "415" in refused.stdout + refused.stderr) == (1, True), refused


def test_kctl_keeps_projects_and_compose_services(
    request: pytest.FixtureRequest, running: Panel, tmp_path: Path
) -> None:
    python = others.a_newer_python()
    if python is None:
        pytest.skip("needs Python 3.12 or newer")
    folder = installed(request, "kctl", python, others.KCTL)
    env = {"URL": f"http://127.0.0.1:{running.port}", "API_KEY": KEY, "PROFILE": "none"}
    kctl = Command(
        folder / "in/bin/kctl-dokploy",
        *("--json", "--no-cache"),
        cwd=tmp_path,
        **{f"KCTL_DOKPLOY_{name}": value for name, value in env.items()},
    )

    assert "Project 'by kctl' created" in "".join(_both(kctl.run("projects", "create", "--name", "by kctl")))
    (project,) = (each for each in json.loads(kctl("projects", "list")) if each["name"] == "by kctl")
    (within,) = project["environments"]
    kctl("compose", "create", within["environmentId"], "--name", "made")
    (made,) = (each for each in json.loads(kctl("compose", "list")) if each["project"] == "by kctl")
    assert (made["name"], made["status"]) == ("made", "idle")
    running.post("compose.update", composeId=made["composeId"], composeFile=A_FILE)
    assert json.loads(kctl("compose", "services", made["composeId"])) == ["web"]
    assert json.loads(kctl("compose", "get", made["composeId"]))["composeFile"] == A_FILE
    assert json.loads(kctl("users", "list"))[0]["role"] == "owner"
    assert [json.loads(kctl(each, "list")) for each in ("servers", "registry", "certificates")] == [[]] * 3

    refused = kctl.run("applications", "create", "--name", "a", "--project", project["projectId"])
    assert (refused.returncode != 0, "API error (400)" in "".join(_both(refused))) == (True, True), refused


def test_the_sdk_takes_every_answer_but_those_that_the_page_names(
    request: pytest.FixtureRequest, running: Panel
) -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm on the PATH")
    folder = installed(request, "sdk", None, others.SDK)
    within, application, project = (
        {"environmentId": "@project.is.environment.environmentId"},
        {"applicationId": "@application.is.applicationId"},
        {"projectId": "@project.is.project.projectId"},
    )
    a_database = {"name": "d", "appName": "d", "databaseName": "d", "databaseUser": "u", "databasePassword": "secret"}
    calls: list[Json] = [
        ["project", "project.create", {"name": "by the sdk"}],
        ["projects before", "project.getAll", None],
        ["environment before", "environment.get", within],
        ["application", "application.create", {"name": "a", **within}],
        ["compose", "compose.create", {"name": "c", **within}],
        ["database", "postgres.create", {**a_database, **within}],
        ["changed", "application.update", {"description": "d", **application}],
        ["one", "application.get", application],
        ["domains", "domain.byApplicationId", application],
        ["none yet", "deployment.all", application],
        ["project again", "project.get", project],
        ["projects", "project.getAll", None],
        ["environment", "environment.get", within],
        ["environments", "environment.byProjectId", project],
        ["address", "settings.getIp", None],
        ["version", "settings.getDokployVersion", None],
        ["newer", "settings.getUpdateData", None],
        ["cloud", "settings.isCloud", None],
        ["user", "user.get", None],
        ["servers", "server.count", None],
        ["edge", "settings.reloadTraefik", None],
        ["figures", "application.readAppMonitoring", {"appName": "a"}],
        ["gone", "application.delete", application],
        ["nobody", "application.get", application],
    ]
    told = _of_sdk(folder, running, *calls)
    failed = {name: (each["error"], each["status"]) for name, each in told.items() if "error" in each}
    assert failed == {
        "database": ("ResponseValidationError", 200),
        "environment": ("ResponseValidationError", 200),
        "environments": ("ResponseValidationError", 200),
        "edge": ("DokployDefaultError", 404),
        "figures": ("DokployDefaultError", 400),
        "nobody": ("DokployDefaultError", 404),
    }, told
    different = {procedure for name, procedure, _ in calls if name in failed and name != "nobody"}
    assert different | {"deployment.all"} == set(others.SDK_DIFFERENCES)  # the last one differs while something waits
    assert told["one"]["is"]["description"] == "d"
    assert [each["host"] for each in told["domains"]["is"]] == ["a.localhost"]


def _of_sdk(folder: Path, running: Panel, *calls: Json) -> Json:
    env = {"PATH": os.environ["PATH"], "DOKPLOY_URL": f"http://127.0.0.1:{running.port}", "DOKPLOY_API_KEY": KEY}
    driver = Path(__file__).with_name("drive_sdk.mjs")
    ended = subprocess.run(
        ["node", str(driver), str(folder), json.dumps(calls)],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _both(ended: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    return ended.stdout, ended.stderr
