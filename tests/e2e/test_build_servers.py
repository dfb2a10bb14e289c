"""Applications that one server builds and another machine releases: what is moved, and what serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.boxes import DOCKERFILE, boxed_web, containers, images
from tests.support.docker.docker_engine import lacks_docker
from tests.support.machines.server_roots import MISSING, RootedServer, engine_on, remove_groups, rooted_server
from tests.support.panel.panel import Panel, commit, git_repository, host_of, panel, until, web

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
]
Json = Any


@dataclass(frozen=True)
class Yard:
    """A panel, a server that builds, and one that applications are on."""

    panel: Panel
    builder: RootedServer
    target: RootedServer
    builder_id: str
    target_id: str

    def application(self, url: str, name: str, *, here: bool = False, **fields: Json) -> str:
        """A new application on the target (``here``: on the panel's machine), which the other builds."""
        environment_id = self.panel.post("project.create", name=f"p {name}")["environment"]["environmentId"]
        given = {"name": name, "environmentId": environment_id, "serverId": None if here else self.target_id}
        made = self.panel.post("application.create", **given)
        fields = {"sourceType": "git", "customGitUrl": url, "buildServerId": self.builder_id, **fields}
        application_id: str = made["applicationId"]
        self.panel.post("application.update", applicationId=application_id, **fields)
        assert self.panel.get("application.one", applicationId=application_id)["buildServerId"] == self.builder_id
        return application_id

    def visit(self, application_id: str) -> httpx.Response:
        """What the application answers at the edge of the machine that it is on."""
        row = self.panel.get("application.one", applicationId=application_id)
        name = host_of(row)
        if row["serverId"] is None:
            return self.panel.visit(name.partition(".")[0])
        url = f"http://{self.target.address}:{self.panel.edge_port}/"
        return httpx.get(url, headers={"host": name}, timeout=10, trust_env=False)

    def left(self, deployment_id: str) -> list[Path]:
        """What there is of a deployment in the files of all three."""
        roots = [server.root / "var/lib" for server in (self.builder, self.target)]
        places = [*(place for root in roots for place in root.glob("headway*")), self.panel.work, self.panel.data_dir]
        logs = self.panel.data_dir / "logs"
        found = [path for place in places for path in place.rglob(f"*{deployment_id}*")]
        return [path for path in found if not path.is_relative_to(logs) and "epochs" not in path.parts]


@contextmanager
def connected(folder: Path, **env: str) -> Iterator[Yard]:
    """A yard of which nothing is left."""
    with rooted_server(folder / "builder") as builder, rooted_server(folder / "target", 1) as target:
        given = {"HEADWAY_SERVER_EDGE_HOST": target.address, "HEADWAY_REACH_DEADLINE": "5m", **env}
        with panel(folder / "data", **given) as running:
            ids = []
            for name, server, kind in (("builder", builder, "build"), ("target", target, "deploy")):
                key = running.post("sshKey.create", name=name, privateKey=server.key.reveal())["sshKeyId"]
                made = {"name": name, "ipAddress": server.address, "port": server.port, "sshKeyId": key}
                ids.append(running.post("server.create", serverType=kind, **made)["serverId"])
            target.provide_edge(running, ids[1])
            yield Yard(running, builder, target, *ids)
        builder.stop()
        target.stop()
        remove_groups(folder / "data")


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with connected(tmp_path_factory.mktemp("yard")) as yard:
        yield yard


@pytest.mark.parametrize("here", [False, True])
def test_what_one_server_builds_serves_where_it_is_released(yard: Yard, tmp_path: Path, *, here: bool) -> None:
    running, repository = yard.panel, tmp_path / "r"
    line = 'test "$(pwd)" != / && echo built at $(pwd) > place.txt'
    files = web("one") | {"Procfile": "web: python3 app.py\nrelease: cat place.txt; echo released at $(pwd)\n"}
    application_id = yard.application(git_repository(repository, files), f"moved-{here}", here=here, buildCommand=line)
    first = running.done(running.deploy(application_id), 90)
    deployment_id = first["deploymentId"]
    assert (first["serverId"], first["buildServerId"]) == (None if here else yard.target_id, yard.builder_id)
    assert yard.visit(application_id).text == "one"
    log = running.deployment_log(deployment_id)
    place = next(line for line in log.splitlines() if line.startswith("built at")).removeprefix("built at ")
    release = next(line for line in log.splitlines() if line.startswith("released at")).removeprefix("released at ")
    assert release == place or f"/layers/{first['deploymentId']}/" in release  # a copy, where the kernel has no overlay
    built = running.get("deployment.allByServer", serverId=yard.builder_id)
    assert deployment_id in {row["deploymentId"] for row in built}
    assert until(lambda: not (yard.builder.root / place.lstrip("/")).exists(), 10)

    commit(repository, {"app.py": web("two")["app.py"]}, "second")
    running.done(running.deploy(application_id), 60)
    assert yard.visit(application_id).text == "two"
    running.post("rollback.rollback", rollbackId=first["rollbackId"])
    until(lambda: yard.visit(application_id).text == "one", 60)
    running.post("application.delete", applicationId=application_id)
    assert (yard.builder.living("app.py"), yard.target.living("app.py")) == ([], [])


@pytest.mark.skipif(bool(lacks_docker()), reason=str(lacks_docker()))
def test_an_image_is_in_one_engine_after_the_other(yard: Yard, tmp_path: Path) -> None:
    running, repository = yard.panel, tmp_path / "r"
    with engine_on(yard.builder) as builds, engine_on(yard.target) as runs:
        application_id = yard.application(git_repository(repository, boxed_web("boxed")), "boxed", builder="dockerfile")
        running.done(running.deploy(application_id), 180)
        assert yard.visit(application_id).text == "boxed"
        assert (containers(runs, application_id), len(images(runs, application_id))) == (["running"], 1)
        assert (containers(builds, application_id), images(builds, application_id)) == ([], [])
        heavy = boxed_web("heavy", DOCKERFILE.replace("EXPOSE", "RUN head -c 300M /dev/urandom >/ballast\nEXPOSE"))
        commit(repository, heavy, "heavy")
        deployment_id = running.deploy(application_id)
        running.running(deployment_id, "Moving the image", 120)
        running.post("deployment.killProcess", deploymentId=deployment_id)
        assert (running.one(deployment_id)["reason"], yard.visit(application_id).text) == ("killed", "boxed")
        assert (len(images(runs, application_id)), images(builds, application_id)) == (1, [])
        until(lambda: not yard.left(deployment_id), 20)
        running.post("application.delete", applicationId=application_id)
        assert (containers(runs, application_id), images(runs, application_id)) == ([], [])


def test_who_builds_may_be_changed_and_is_kept_from_strangers(yard: Yard, tmp_path: Path) -> None:
    running = yard.panel
    application_id = yard.application(git_repository(tmp_path / "r", web("x")), "changed")
    refused = running.client.post(
        "/application.update", json={"applicationId": application_id, "buildServerId": "no-such-server"}
    )
    assert (refused.status_code, refused.json()["message"]) == (404, "Server not found")
    kept = running.client.post("/server.remove", json={"serverId": yard.builder_id})
    assert (kept.status_code, "buildServerId" in kept.json()["message"]) == (409, True)
    running.post("application.update", applicationId=application_id, buildServerId=None)
    assert running.get("application.one", applicationId=application_id)["buildServerId"] is None
    running.post("application.delete", applicationId=application_id)
