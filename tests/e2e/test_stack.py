"""Compose services as stacks of a swarm of two machines: rolled out and taken back by the swarm, and told truly."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.swarms import Ground, swarm_ground
from tests.e2e.test_reasons import check
from tests.support.applications.mortal import IN_A_SWARM
from tests.support.docker.compose import CHECKED_IN_A_SWARM, SERVES, SLEEPS, Stack, as_file, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.docker.docker_registry import PASSWORD, USERNAME, lacks_registry
from tests.support.docker.swarm_nodes import Nodes
from tests.support.panel.panel import git_repository, until

Json = Any

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(lacks_registry() is not None, reason=str(lacks_registry())),
]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, nodes: Nodes) -> Iterator[Ground]:
    with swarm_ground(tmp_path_factory.mktemp("stacks"), nodes) as made:
        manager = nodes.manager
        manager.docker("login", made.registry, f"--username={USERNAME}", "--password-stdin", stdin=PASSWORD.encode())
        manager.docker("tag", BASE_IMAGE, image(made))
        manager.docker("push", image(made), timeout=120)
        manager.docker("logout", made.registry)
        yield made


@pytest.fixture
def shop(ground: Ground, request: pytest.FixtureRequest) -> Iterator[Stack]:
    made = stack(ground.panel, ground.nodes.manager, f"shop {request.node.name}"[:50])
    made.change(composeType="stack", registryIds=[ground.registry_id], healthDeadlineSeconds=90)
    yield made
    ground.panel.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)
    until(lambda: left(ground, made) == [], 60, what="nothing is left")


def image(ground: Ground) -> str:
    return f"{ground.registry}/team/base:1"


def serves(ground: Ground, **more: Json) -> Json:
    deploy = {"replicas": 2, "update_config": {"monitor": "2s"}}  # which is how long a rollout lasts at least
    return {**SERVES, "healthcheck": CHECKED_IN_A_SWARM, "image": image(ground), "deploy": deploy, **more}


def left(ground: Ground, made: Stack) -> list[str]:
    """What both machines have of a stack."""
    mine = f"label=headway.compose={made.compose_id}"
    found: list[str] = []
    for what in ("service", "secret", "config", "network"):
        found += ground.nodes.manager.docker(what, "ls", "--quiet", "--filter", mine).split()
    for node in (ground.nodes.manager, ground.nodes.worker):
        found += node.docker("container", "ls", "--all", "--quiet", "--filter", mine).split()
    return found


def running(ground: Ground, made: Stack, service: str) -> dict[str, str]:
    """The tasks of a service that run: their machines by their ids."""
    found = ground.ask("/tasks", {"label": [f"headway.compose={made.compose_id}"]})
    return {
        task["ID"]: task["NodeID"]
        for task in found
        if task["Status"]["State"] == "running"
        and task["DesiredState"] == "running"
        and task["Spec"]["ContainerSpec"]["Labels"]["com.docker.compose.service"] == service
    }


def visit(ground: Ground, host: str, path: str = "/") -> httpx.Response:
    url = f"http://127.0.0.1:{ground.panel.edge_port}{path}"
    return httpx.get(url, headers={"host": host}, timeout=10, trust_env=False)


def test_a_stack_spreads_is_reached_and_only_what_changes_is_rolled_out(ground: Ground, shop: Stack) -> None:
    ground.panel.post(
        "domain.create", composeId=shop.compose_id, domainType="compose", host="s.test", serviceName="web", port=8080
    )
    sleeper = {**SLEEPS, "image": image(ground)}
    row = shop.deploy(web=serves(ground), sleeper=sleeper)
    both = {node.node_id: 1 for node in (ground.nodes.manager, ground.nodes.worker)}
    first = running(ground, shop, "web")
    assert Counter(first.values()) == both
    assert visit(ground, "s.test", "/etc/hostname").status_code == 200
    assert "web: rolled out by the swarm" in ground.panel.deployment_log(row["deploymentId"])
    app_name = shop.one()["appName"]
    listed = ground.panel.get("docker.getStackContainersByAppName", appName=app_name)
    states = [(each["serviceName"], each["currentState"], bool(each["node"])) for each in listed]
    assert sorted(states) == [("sleeper", "running", True), *(("web", "running", True),) * 2]

    kept = running(ground, shop, "sleeper")
    second = shop.deploy(web=serves(ground, environment={"V": "2"}), sleeper=sleeper)
    log = ground.panel.deployment_log(second["deploymentId"])
    assert "sleeper: unchanged, left alone" in log
    assert running(ground, shop, "sleeper") == kept
    assert not running(ground, shop, "web").keys() & first.keys()
    assert visit(ground, "s.test", "/etc/hostname").status_code == 200

    ground.panel.post("compose.stop", composeId=shop.compose_id)
    assert (running(ground, shop, "web"), running(ground, shop, "sleeper")) == ({}, {})
    ground.panel.post("compose.start", composeId=shop.compose_id)
    until(lambda: len(running(ground, shop, "web")) == 2, 60, what="it runs again")
    until(lambda: visit(ground, "s.test", "/etc/hostname").status_code == 200, 30, what="it is reached again")


def test_what_is_built_reaches_other_machines_through_the_registry_that_its_name_tells(
    ground: Ground, shop: Stack, tmp_path: Path
) -> None:
    name = f"{ground.registry}/team/built"
    repository = tmp_path / "repository"
    web = serves(ground, build=".", image=name)
    again = {**SLEEPS, "image": name, "deploy": {"mode": "global"}}
    dockerfile = f"FROM {BASE_IMAGE}\nRUN echo built > /version\n"
    git_repository(repository, {"Dockerfile": dockerfile, "compose.yml": as_file(web=web, again=again)})
    shop.change(sourceType="git", customGitUrl=f"file://{repository}", composePath="compose.yml")
    row = shop.deploy()
    both = {node.node_id: 1 for node in (ground.nodes.manager, ground.nodes.worker)}
    assert (Counter(running(ground, shop, "web").values()), Counter(running(ground, shop, "again").values())) == (
        both,
        both,
    )
    assert f"Other machines fetch it as {name}@sha256:" in ground.panel.deployment_log(row["deploymentId"])
    manager = ground.nodes.manager
    tags = manager.docker("image", "ls", "--format={{.Tag}}", f"--filter=reference={name}").split()
    assert set(tags) <= {"<none>"}, "a name of the user's is left on this machine"

    ground.panel.post("compose.update", composeId=shop.compose_id, registryIds=[])
    log = ground.panel.deployment_log(shop.deploy()["deploymentId"])
    assert "web: its image is in no registry, so it runs on this machine only." in log
    assert set(running(ground, shop, "web").values()) == {manager.node_id}


def test_what_swarm_takes_back_is_an_error_and_the_services_of_before_go_on(ground: Ground, shop: Stack) -> None:
    shop.deploy(web=serves(ground))
    before = running(ground, shop, "web")
    row = shop.fail(web=serves(ground, command=["sh", "-c", "echo no socks; exit 7"]))
    assert "The service web" in row["errorMessage"]
    assert "exit status 7" in row["errorMessage"]
    assert "no socks" in row["errorMessage"]
    assert row["errorMessage"].endswith("What served before is brought up again.")
    until(lambda: len(running(ground, shop, "web")) == 2, 60, what="two copies of before run")
    assert running(ground, shop, "web").keys() & before.keys(), "not all of them were ended"


def test_configs_and_secrets_of_variables_reach_the_containers(ground: Ground, shop: Stack) -> None:
    ground.panel.post("compose.update", composeId=shop.compose_id, env="TOKEN=s3cret-token")
    file = {
        "services": {
            "web": {
                **serves(ground),
                "command": ["sh", "-c", "cd /tmp; cat /run/secrets/token /greeting > t; python3 -m http.server 8080"],
                "secrets": ["token"],
                "configs": [{"source": "greeting", "target": "/greeting"}],
                "ports": ["18080:8080"],
            }
        },
        "secrets": {"token": {"environment": "TOKEN"}},
        "configs": {"greeting": {"content": "hello"}},
    }
    shop.change(composeFile=json.dumps(file))
    row = shop.deploy()
    assert httpx.get("http://127.0.0.1:18080/t", trust_env=False).text == "s3cret-tokenhello"
    assert "s3cret-token" not in ground.panel.deployment_log(row["deploymentId"])


def test_a_kill_during_the_rollout_leaves_nothing(ground: Ground, shop: Stack) -> None:
    shop.write(web=serves(ground, healthcheck={"test": ["CMD", "false"], "interval": "60s"}))
    deployment_id = shop.begin()
    until(lambda: any(each["name"] == "health check" for each in ground.panel.one(deployment_id)["steps"]), 90)
    ground.panel.post("deployment.killProcess", deploymentId=deployment_id)
    assert ground.panel.one(deployment_id)["reason"] == "killed"
    until(lambda: left(ground, shop) == [], 30, what="nothing is left")


def test_an_engine_without_a_swarm_is_told_what_to_do(docker_engine: Engine, tmp_path: Path) -> None:
    with panel_with_engine(tmp_path / "data", docker_engine) as alone:
        made = stack(alone, docker_engine, "alone")
        made.change(composeType="stack")
        row = made.fail(web=SLEEPS)
        assert "manages no swarm" in row["errorMessage"]
        assert "docker swarm init" in row["errorMessage"]


def test_a_stack_goes_back_to_what_it_ran_before(ground: Ground, shop: Stack) -> None:
    secret = {"secrets": {"token": {"environment": "TOKEN"}}}

    def file(version: str) -> str:
        web = {**serves(ground, environment={"V": version}), "secrets": ["token"]}
        return json.dumps({"services": {"web": web}} | secret)

    shop.change(composeFile=file("1"), env="TOKEN=first")
    first = shop.deploy()
    shop.change(composeFile=file("2"), env="TOKEN=second")
    shop.deploy()
    rollback = ground.panel.one(first["deploymentId"])["rollback"]
    answer = ground.panel.client.post("/rollback.rollback", json={"rollbackId": rollback["rollbackId"]})
    assert answer.status_code == 200, answer.text
    row = ground.panel.done(answer.headers["x-deployment-id"], 120)
    assert row["errorMessage"] is None
    (spec,) = (each["Spec"] for each in ground.ask("/services", {"label": [f"headway.compose={shop.compose_id}"]}))
    assert "V=1" in spec["TaskTemplate"]["ContainerSpec"]["Env"]
    assert len(running(ground, shop, "web")) == 2


def test_what_dies_after_its_health_check_says_why(ground: Ground, shop: Stack) -> None:
    given = {"domainType": "compose", "host": "mortal.example", "serviceName": "web", "port": 8080}
    ground.panel.post("domain.create", composeId=shop.compose_id, **given)
    program = IN_A_SWARM.replace("$", "$$")
    deploy = {"replicas": 1, "update_config": {"monitor": "2s"}}
    row = shop.fail(web=serves(ground, command=["python3", "-uc", program], deploy=deploy))
    assert row["steps"][-1]["name"] != "health check", "it was healthy"
    check(ground.panel, row, "  ", ground.panel.get("compose.readLogs", composeId=shop.compose_id))
