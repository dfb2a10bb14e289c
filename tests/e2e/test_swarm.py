"""Applications as services of a swarm of two machines, from a git repository to an address that answers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.boxes import DOCKERFILE, boxed_web, boxing_panel
from tests.e2e.swarms import SECONDS, Ground, copies_seen, named_web, swarm_ground
from tests.e2e.test_reasons import check
from tests.support.applications.mortal import IN_A_SWARM, mortal
from tests.support.docker.docker_engine import Engine
from tests.support.docker.docker_registry import PASSWORD, USERNAME, lacks_registry, registry
from tests.support.docker.swarm_nodes import Nodes
from tests.support.panel.panel import commit, git_repository, until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(lacks_registry() is not None, reason=str(lacks_registry())),
]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, nodes: Nodes) -> Iterator[Ground]:
    with swarm_ground(tmp_path_factory.mktemp("panel"), nodes) as made:
        yield made


def test_four_copies_spread_over_both_machines_and_answer(ground: Ground, tmp_path: Path) -> None:
    running, repository = ground.panel, tmp_path / "repo"
    application_id = ground.application(git_repository(repository, named_web("one")), "spread", replicas=4)

    row = running.done(running.deploy(application_id), SECONDS)

    both = {node.node_id: 2 for node in (ground.nodes.manager, ground.nodes.worker)}
    assert ground.places(application_id) == both
    assert running.visit("spread").text == "one"
    assert len(copies_seen(ground, "spread", least=4)) == 4
    log = running.deployment_log(row["deploymentId"])
    called = running.get("application.one", applicationId=application_id)["appName"]
    assert f"Other machines fetch it as {ground.registry}/team/{called}@sha256:" in log
    assert "Healthy: each of its 4 containers answers on port 3000" in log
    (release,) = running.get("release.all", applicationId=application_id)
    assert sorted(each["name"] for each in release["running"]) == ["web", "web.2", "web.3", "web.4"]

    commit(repository, named_web("two"), "second")
    running.done(running.deploy(application_id), SECONDS)
    assert running.visit("spread").text == "two"
    until(lambda: ground.places(application_id) == both, 60, what="the old copies are gone")

    running.post("application.stop", applicationId=application_id)
    assert not ground.places(application_id)
    assert running.visit("spread").status_code == 404
    running.post("application.start", applicationId=application_id)
    until(lambda: running.visit("spread").text == "two", 30, what="it serves again")

    running.post("application.delete", applicationId=application_id)
    until(lambda: ground.left(application_id) == [], 60, what="nothing is left")


def test_what_served_before_serves_again_while_repository_and_registry_are_gone(ground: Ground, tmp_path: Path) -> None:
    running, repository = ground.panel, tmp_path / "repo"
    url = git_repository(repository, named_web("one"))
    with registry(tmp_path / "registry", ground.nodes.manager.address) as address:
        given = {"registryUrl": address, "username": USERNAME, "password": PASSWORD}
        named = {"registryName": "passing", "registryType": "cloud", "imagePrefix": "team"}
        chosen = running.post("registry.create", **given, **named)["registryId"]
        application_id = running.application(url, name="returning", registryId=chosen, replicas=2, env="WHICH=first")
        first = running.done(running.deploy(application_id), SECONDS)["deploymentId"]
        commit(repository, named_web("two"), "second")
        running.post("application.update", applicationId=application_id, env="WHICH=second", replicas=1)
        running.done(running.deploy(application_id), SECONDS)
        assert running.visit("returning").text == "two"
    shutil.rmtree(repository)

    answer = running.client.post("/rollback.rollback", json={"rollbackId": first})
    running.done(answer.headers["x-deployment-id"], SECONDS)

    assert running.visit("returning").text == "one"
    both = {node.node_id: 1 for node in (ground.nodes.manager, ground.nodes.worker)}
    until(lambda: ground.places(application_id) == both, 60, what="the copies of then, where they were")
    (spec,) = {str(sorted(task["Spec"]["ContainerSpec"]["Env"])) for task in ground.tasks(application_id)}
    assert "WHICH=first" in spec


def test_what_crashes_on_any_machine_ends_the_deployment_and_the_old_one_serves(ground: Ground, tmp_path: Path) -> None:
    running, repository = ground.panel, tmp_path / "repo"
    application_id = ground.application(git_repository(repository, named_web("old")), "crashing", replicas=2)
    running.done(running.deploy(application_id), SECONDS)
    before = sorted(ground.left(application_id))

    commit(repository, named_web("never", DOCKERFILE.replace('"/app.py"]', '"/nowhere.py"]')), "broken")
    row = running.ended(running.deploy(application_id), SECONDS)

    assert (row["status"], row["reason"]) == ("error", "failed")
    assert "ended 3 times while it was starting, last with exit status 2, on the machine" in row["errorMessage"]
    log = running.deployment_log(row["deploymentId"])
    assert re.search(r"^web(\.2)? \| python3: can't open file '/nowhere\.py'", log, re.MULTILINE), "whichever it was"
    assert running.visit("crashing").text == "old"
    # Nothing of it runs; what another machine had made and not started, that machine's own engine removes in seconds.
    until(lambda: sorted(ground.left(application_id)) == before, 10, what="the other machine has cleared up")


@pytest.mark.parametrize("others", ["always", "never"])
def test_what_dies_on_another_machine_after_its_health_check_says_why(
    ground: Ground, tmp_path: Path, others: str
) -> None:
    """The visit by which the panel asks what it answers through the edge ends it. Where the swarm puts another in its
    place, that has said nothing of why.
    """
    running, files = ground.panel, {**mortal(Dockerfile=DOCKERFILE), "app.py": IN_A_SWARM}
    there = {"placementSwarm": {"Constraints": ["node.role==worker"]}, "restartPolicy": others}
    application_id = ground.application(git_repository(tmp_path / "repo", files), "mortal", **there)
    row = running.ended(running.deploy(application_id), SECONDS)
    assert row["steps"][-1]["name"] != "health check", "it was healthy"
    check(running, row, "web | ", running.get("application.readLogs", applicationId=application_id))
    running.post("application.delete", applicationId=application_id)


def test_files_and_variables_reach_the_copies(ground: Ground, tmp_path: Path) -> None:
    running = ground.panel
    program = (
        "import http.server, os, signal\n"
        "signal.signal(signal.SIGTERM, lambda *_: exit())\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        body = (open('/etc/shop.conf').read() + os.environ['GREETING']).encode()\n"
        "        self.send_response(200)\n"
        "        self.send_header('content-length', str(len(body)))\n"
        "        self.end_headers()\n"
        "        self.wfile.write(body)\n"
        "http.server.HTTPServer(('0.0.0.0', 3000), Handler).serve_forever()\n"
    )
    url = git_repository(tmp_path / "repo", {"app.py": program, "Dockerfile": DOCKERFILE})
    application_id = ground.application(url, "filed", runtime="swarm", env="GREETING='{{.Node.ID}} & \"x\"'")
    running.post(
        "mounts.create",
        type="file",
        serviceId=application_id,
        serviceType="application",
        mountPath="/etc/shop.conf",
        filePath="shop.conf",
        content="from a file, ",
    )

    running.done(running.deploy(application_id), SECONDS)

    assert running.visit("filed").text == 'from a file, {{.Node.ID}} & "x"'


def test_placement_is_followed_and_one_that_cannot_be_ends_the_deployment(ground: Ground, tmp_path: Path) -> None:
    running = ground.panel
    url = git_repository(tmp_path / "repo", named_web("placed"))
    placed = {"Constraints": ["node.role==worker"]}
    application_id = ground.application(url, "placed", placementSwarm=placed, healthDeadlineSeconds=20)
    running.done(running.deploy(application_id), SECONDS)
    assert ground.places(application_id) == {ground.nodes.worker.node_id: 1}
    assert running.visit("placed").text == "placed"

    nowhere = {"Constraints": ["node.labels.zone==moon"]}
    running.post("application.update", applicationId=application_id, placementSwarm=nowhere, healthDeadlineSeconds=3)
    row = running.ended(running.deploy(application_id), SECONDS)
    assert "0 of 1 copies run; pending: no suitable node (scheduling constraints not satisfied" in row["errorMessage"]
    assert running.visit("placed").text == "placed"


def test_without_a_registry_it_runs_on_the_panels_machine(ground: Ground, tmp_path: Path) -> None:
    running = ground.panel
    url = git_repository(tmp_path / "repo", named_web("here"))
    application_id = running.application(url, name="here", replicas=2)
    row = running.done(running.deploy(application_id), SECONDS)
    assert ground.places(application_id) == {ground.nodes.manager.node_id: 2}
    assert "No registry is chosen (registryId), so the image stays on this machine." in running.deployment_log(
        row["deploymentId"]
    )


def test_an_engine_without_a_swarm_is_told_what_to_do(docker_engine: Engine, tmp_path: Path) -> None:
    with boxing_panel(tmp_path / "data", docker_engine) as alone:
        application_id = alone.application(git_repository(tmp_path / "repo", boxed_web("x")), replicas=2)
        row = alone.ended(alone.deploy(application_id), SECONDS)
    assert row["status"] == "error"
    assert "manages no swarm" in row["errorMessage"]
    assert "docker swarm init" in row["errorMessage"]
