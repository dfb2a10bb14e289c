"""The plan of a repository as an image, from its files to a container that answers, on a real engine."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.boxes import BUILD_SECONDS, boxing_panel, containers, sleepers
from tests.integration.builders.workspaces import wheel
from tests.support.docker.docker_engine import Engine
from tests.support.docker.plan_bases import PLAN_BASE, build_images, make_plan_base
from tests.support.panel.panel import Panel, commit, git_repository, until
from tests.support.storages.backups import Volumes
from tests.support.toolchains.toolchain_registry import packed, toolchain_registry

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

PYTHON = """\
import http.server, json, os, pathlib, hello

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/write":
            pathlib.Path(os.environ["DATA_DIR"], "kept").write_text("kept")
            pathlib.Path("written").write_text("in the layer")
        told = {name: os.environ.get(name) for name in NAMES}
        told["kept"] = sorted(each.name for each in pathlib.Path(os.environ["DATA_DIR"]).iterdir())
        told["uid"] = os.getuid()
        told["version"] = "VERSION"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

NAMES = ("PORT", "DATA_DIR", "HOME", "VIRTUAL_ENV", "SOURCE_COMMIT", "TOKEN", "PUBLIC_URL")
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
WORKER = "worker: touch $DATA_DIR/worker; exec sleep 600"
RELEASE = "echo VERSION of $TOKEN at $HOME >> $DATA_DIR/released; cat $DATA_DIR/released"
NODES = f"node-linux-{'x64' if platform.machine() == 'x86_64' else 'arm64'}"
NODE = """\
require("http").createServer((_, answer) => answer.end(`node ${process.env.NODE_ENV} ${process.env.HEADWAY_PROCESS}`))
  .listen(process.env.PORT)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    make_plan_base(docker_engine)
    images = build_images().replace(f"bun={PLAN_BASE}", "bun=unreachable.invalid/bun:{version}")
    folder = tmp_path_factory.mktemp("panel") / "data"
    with toolchain_registry() as registry:
        registry.publish(NODES, "98.1.0", packed({"node": ""}))
        told = {"HEADWAY_BUILD_IMAGES": images, "HEADWAY_NPM_REGISTRY": registry.url}
        with boxing_panel(folder, docker_engine, **told) as started:
            yield started


def python_files(folder: Path, version: str) -> dict[str, str]:
    wheel(folder / "wheels", "hello")
    return {
        "requirements.txt": "--no-index\n--find-links wheels\nhello\n",
        "Procfile": f"web: python app.py\n{WORKER}\nrelease: {RELEASE.replace('VERSION', version)}\n",
        "app.py": PYTHON.replace("VERSION", version),
    }


def test_a_python_repository_is_an_image_whose_second_build_installs_nothing(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    repository = tmp_path / "repo"
    url = git_repository(repository, python_files(repository, "one"))
    application_id = running.application(url, name="planned", buildType="railpack")
    running.post("application.saveEnvironment", applicationId=application_id, env="TOKEN=s3cret-of-the-build")

    row = running.done(running.deploy(application_id), BUILD_SECONDS)

    running.visit("planned", "/write")
    until(lambda: "worker" in running.visit("planned").json()["kept"], what="the other process runs")
    told = running.visit("planned").json()
    assert told.pop("SOURCE_COMMIT") in running.one(row["deploymentId"])["description"]
    assert told.pop("PUBLIC_URL").startswith("http://planned.")
    assert told == {
        "PORT": "3000",
        "DATA_DIR": "/data",
        "HOME": "/data",
        "VIRTUAL_ENV": "/app/.venv",
        "TOKEN": "s3cret-of-the-build",
        "kept": ["kept", "released", "worker"],
        "uid": 1000,
        "version": "one",
    }
    log = running.deployment_log(row["deploymentId"])
    assert "railpack is not installed on this host: the image is built by Headway's own plan." in log
    assert "one of ****** at /data\n" in log
    assert f"Python of the image {PLAN_BASE}" in log
    assert containers(docker_engine, application_id) == ["running"]
    (image,) = docker_engine.docker(
        "image", "ls", "--quiet", "--filter", f"label=headway.application={application_id}"
    ).split()
    history = docker_engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    assert "s3cret" not in history + docker_engine.docker("image", "inspect", image)

    commit(repository, python_files(repository, "two"), "second")
    row = running.done(running.deploy(application_id), BUILD_SECONDS)
    told = running.visit("planned").json()
    assert (told["version"], told["kept"]) == ("two", ["kept", "released", "worker"]), "the volume stays"
    log = running.deployment_log(row["deploymentId"])
    assert "install: nothing to do, requirements.txt is unchanged since the build of " in log
    assert "one of ****** at /data\ntwo of ****** at /data\n" in log, "once for each release"
    assert "one release at a time" not in log, "both may write to it, as processes do"


def test_a_release_command_that_fails_or_is_killed_ends_with_the_deployment(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    files = {"Procfile": "web: sleep 600\nrelease: echo no such table >&2; exit 3\n"}
    application_id = running.application(
        git_repository(tmp_path / "repo", files), name="unmigrated", builder="railpack"
    )
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)
    assert (row["status"], row["errorMessage"]) == ("error", "release command ended with exit status 3: no such table")
    assert containers(docker_engine, application_id) == []

    commit(tmp_path / "repo", {"Procfile": "web: sleep 600\nrelease: sleep 677 & sleep 676\n"}, "slow")
    deployment_id = running.deploy(application_id)
    until(lambda: sleepers(676), BUILD_SECONDS, what="the release command runs")
    running.post("deployment.killProcess", deploymentId=deployment_id)
    assert sleepers(676) + sleepers(677) == []
    assert containers(docker_engine, application_id) == []


def test_a_release_command_that_is_cancelled_is_asked_to_end(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    program = "trap 'echo let go; exit 1' TERM; echo up; while :; do sleep 0.1; done\n"
    files = {"Procfile": "web: sleep 600\nrelease: true; sh program; true\n", "program": program}
    application_id = running.application(git_repository(tmp_path / "repo", files), name="asked", builder="railpack")
    deployment_id = running.deploy(application_id)
    running.running(deployment_id, "up\n", BUILD_SECONDS)
    running.post("deployment.cancel", deploymentId=deployment_id)
    assert running.ended(deployment_id)["reason"] == "cancelled"
    assert "let go\n" in running.deployment_log(deployment_id)
    assert containers(docker_engine, application_id) == []


@pytest.mark.parametrize(
    "dies",
    ["command release command started", "command release command ended", "step release command worked", "asked to end"],
)
def test_a_release_command_runs_once_whenever_the_panel_ends_beside_it(
    running: Panel, docker_engine: Engine, tmp_path: Path, dies: str
) -> None:
    release = "echo begun >>$DATA_DIR/begun; for i in 1 2 3 4 5 6; do echo line $i; sleep 0.5; done; echo over"
    files = {"Procfile": f"worker: sleep 600\nrelease: {release}\n"}
    name = f"once-{dies.replace(' ', '-')}"
    application_id = running.application(git_repository(tmp_path / "repo", files), name=name, builder="railpack")
    running.stop()
    points = str(tmp_path / "points")
    running.start(module="tests.support.panel.crashing_panel", CRASH_AT="0", CRASH_POINTS=points, CRASH_NAMED=dies)
    deployment_id = running.deploy(application_id)
    if dies == "asked to end":
        running.running(deployment_id, "line 2", BUILD_SECONDS)
        running.stop()
    else:
        running.wait(BUILD_SECONDS)
    running.start()
    running.done(deployment_id, BUILD_SECONDS)
    said = running.deployment_log(deployment_id).splitlines()
    assert [line for line in said if line.startswith(("line", "over"))] == [*map("line {}".format, range(1, 7)), "over"]
    mine = f"label=headway.application={application_id}"
    (container,) = docker_engine.docker("container", "ls", "--all", "--quiet", "--filter", mine).split()
    assert docker_engine.docker("exec", container, "cat", "/data/begun") == "begun\n"
    running.post("application.delete", applicationId=application_id)


def test_a_volume_backup_of_its_data_is_of_what_its_container_has(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    files = {"Procfile": "worker: [ -e $DATA_DIR/word ] || echo kept >$DATA_DIR/word; exec sleep 600\n"}
    application_id = running.application(git_repository(tmp_path / "repo", files), name="backed-up", builder="railpack")
    running.done(running.deploy(application_id), BUILD_SECONDS)

    def said(line: str) -> str:
        mine = f"label=headway.application={application_id}"
        (container,) = docker_engine.docker("container", "ls", "--quiet", "--filter", mine).split()
        return docker_engine.docker("exec", container, "sh", "-c", line)

    volumes = Volumes(running)
    volume_backup_id = volumes.make(applicationId=application_id, volumeName="data")
    file = volumes.run(volume_backup_id)
    said("echo changed >/data/word; echo since >/data/since")
    row = volumes.restore(volume_backup_id, file["path"])
    assert row["status"] == "done", running.deployment_log(row["deploymentId"])
    until(lambda: containers(docker_engine, application_id) == ["running"], what="it is up again")
    assert said("cat /data/word; ls /data") == "kept\nword\n"
    running.post("application.delete", applicationId=application_id)


def test_a_base_that_cannot_be_fetched_is_named_with_the_setting(running: Panel, tmp_path: Path) -> None:
    files = {"package.json": '{"scripts": {"start": "node server.js"}}', "server.js": NODE}
    application_id = running.application(git_repository(tmp_path / "repo", files), name="far", builder="railpack")
    running.post(
        "application.update", applicationId=application_id, build={"versions": {"bun": "1.2.3"}, "start": "bun x"}
    )
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)
    assert row["status"] == "error"
    assert "The image unreachable.invalid/bun:1.2.3 cannot be fetched from its registry" in row["errorMessage"]
    assert "HEADWAY_BUILD_IMAGES" in row["errorMessage"]


def test_a_language_that_the_machine_cannot_have_makes_it_an_image_by_itself(running: Panel, tmp_path: Path) -> None:
    files = {"package.json": '{"scripts": {"start": "node server.js"}}', "server.js": NODE, ".nvmrc": "99\n"}
    application_id = running.application(git_repository(tmp_path / "repo", files), name="lacking")
    row = running.done(running.deploy(application_id), BUILD_SECONDS)
    assert running.visit("lacking").text == "node production web"
    line = builder_line(running, row)
    assert line.startswith("Builder railpack: Node 99 was asked for by .nvmrc; this machine has ")
    assert line.endswith("which a native build needs; there is a container engine, so it becomes an image.")

    commit(tmp_path / "repo", {**files, ".nvmrc": "98.1.0\n"}, "to be had")
    row = running.done(running.deploy(application_id), BUILD_SECONDS)
    assert builder_line(running, row) == (
        "Builder railpack: what serves is an image with its own data, so it stays one until a builder is set (such as "
        "native)."
    )


def builder_line(running: Panel, row: dict[str, Any]) -> str:
    (line,) = [each for each in running.deployment_log(row["deploymentId"]).splitlines() if each.startswith("Builder ")]
    return line


def test_a_node_repository_is_an_image(running: Panel, tmp_path: Path) -> None:
    files = {"package.json": '{"scripts": {"start": "node server.js"}}', "server.js": NODE}
    application_id = running.application(git_repository(tmp_path / "repo", files), name="noded", builder="nixpacks")
    row = running.done(running.deploy(application_id), BUILD_SECONDS)
    assert running.visit("noded").text == "node production web"
    assert "Node of the image" in running.deployment_log(row["deploymentId"])


def test_a_site_that_is_built_is_served_with_its_fallback(running: Panel, tmp_path: Path) -> None:
    files = {"page.html": "<h1>built</h1>", "dist/index.html": "of before", ".headway-site/folder": "of the repository"}
    application_id = running.application(git_repository(tmp_path / "repo", files), name="sited", builder="railpack")
    told = {"build": "cp page.html dist/index.html", "publish": "dist"}
    running.post("application.update", applicationId=application_id, build=told)
    running.done(running.deploy(application_id), BUILD_SECONDS)
    pages = {path: running.visit("sited", path).text for path in ("/", "/a/deep/link")}
    assert pages == dict.fromkeys(pages, "<h1>built</h1>")
    assert running.visit("sited", "/page.html").status_code == 404

    running.post("application.update", applicationId=application_id, build={"build": "touch elsewhere"})
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)
    assert row["status"] == "error"
    assert "What is in dist/ was there before it, and is not served." in row["errorMessage"]
    assert running.visit("sited").text == "<h1>built</h1>"

    leads_out = "cp page.html dist/index.html; mkdir -p /headway/site && ln -s /etc/apt /headway/site/files"
    running.post("application.update", applicationId=application_id, build={"build": leads_out})
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)
    assert "What the build leaves to be served is a link that leads out of it." in row["errorMessage"]
