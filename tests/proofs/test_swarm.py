"""The heart's promises on a swarm of two machines: deploys in a row lose no request, every end says what happened, a
machine is cut off and a deployment goes on truly, and the panel dies at every point of a deploy.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.boxes import DOCKERFILE
from tests.e2e.swarms import SECONDS, Ground, named_web, swarm_ground
from tests.support.applications.visitors import Visitors
from tests.support.docker.compose import CHECKED_IN_A_SWARM, SERVES, SLEEPS, Stack, stack
from tests.support.docker.docker_registry import PASSWORD, USERNAME, registry
from tests.support.docker.swarm_nodes import Nodes
from tests.support.panel.panel import Panel, commit, git_repository, until

pytestmark = pytest.mark.docker

CRASHING = "tests.support.panel.crashing_panel"
DEPLOYS = int(os.environ.get("DEPLOYS", "30"))
STRIDE = int(os.environ.get("CRASH_STRIDE", "1"))
BUSY = 50
HEALTHY = 'if self.path == "/health" and os.path.exists("/broken"):\n            return self.send_error(500)\n        '
CHECKED = DOCKERFILE + 'HEALTHCHECK --interval=1s --retries=1 --timeout=1s CMD ["test", "!", "-e", "/broken"]\n'


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="headway-swarm-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def ground(folder: Path, nodes: Nodes) -> Iterator[Ground]:
    fast = {"HEADWAY_LEASE_TIME": "3", "HEADWAY_LEASE_RENEWAL": "0.5", "HEADWAY_KEEP_RELEASES": "2"}
    with swarm_ground(folder, nodes, **fast, HEADWAY_DRAIN_TIME="3") as made:
        yield made


@pytest.mark.parametrize("every_second_fails", [False, True])
def test_deploys_in_a_row_lose_no_request(ground: Ground, folder: Path, *, every_second_fails: bool) -> None:
    running, repository = ground.panel, folder / "repository"
    application_id = ground.application(git_repository(repository, checked("v0")), "served", replicas=2)
    running.done(running.deploy(application_id), SECONDS)
    broken = CHECKED + "RUN touch /broken\n"
    with Visitors(running.edge_port, ["served"], kept=BUSY - 1, pause_seconds=0) as visitors:
        for number in range(1, DEPLOYS + 1):
            fails = every_second_fails and number % 2 == 0
            commit(repository, checked(f"v{number}", broken if fails else CHECKED), f"version {number}")
            row = running.ended(running.deploy(application_id), SECONDS)
            assert row["status"] == ("error" if fails else "done"), row["errorMessage"]
            assert not fails or "The health check of the image fails" in row["errorMessage"]
    assert visitors.failures == []
    what = "every second one failing its health check" if every_second_fails else "all of them done"
    told = f"{visitors.count} requests, {BUSY} in flight, none failed, the longest {visitors.longest_seconds:.2f} s"
    print(f"\n{DEPLOYS} deploys on a swarm, {what}: {told}")


def test_a_machine_is_cut_off_the_copies_move_and_a_deployment_made_meanwhile_ends_truly(
    ground: Ground, folder: Path
) -> None:
    running, repository, worker = ground.panel, folder / "repository", ground.nodes.worker
    here, there = ground.nodes.manager.node_id, worker.node_id
    application_id = ground.application(git_repository(repository, named_web("before")), "moved", replicas=4)
    first = running.done(running.deploy(application_id), SECONDS)
    assert ground.places(application_id) == {here: 2, there: 2}

    worker.cut_off()
    began = time.monotonic()
    try:
        commit(repository, named_web("meanwhile"), "meanwhile")
        deployment_id = running.deploy(application_id)
        row = running.ended(deployment_id, SECONDS)
        print(f"\nthe deployment made while a machine was away: {row['status']} after {time.monotonic() - began:.1f} s")
        assert row["status"] == "done", row["errorMessage"]
        assert running.visit("moved").text == "meanwhile"
        until(lambda: ground.places(application_id)[here] >= 4, 90, what="all copies run on the other machine")
        print(f"all four copies run on the machine that is left after {time.monotonic() - began:.1f} s")
        assert not running.one(deployment_id)["unstable"]
        assert not running.one(first["deploymentId"])["unstable"]
    finally:
        worker.reach_again()
    ready = ("node", "inspect", there, "--format", "{{.Status.State}}")
    until(lambda: ground.nodes.manager.docker(*ready).strip() == "ready", 90, what="the machine is back")
    until(lambda: sum(ground.places(application_id).values()) == 4, 60, what="four copies and no more")
    until(lambda: old_ones(ground, application_id, first["deploymentId"]) == [], 90, what="the old copies are gone")
    assert running.visit("moved").text == "meanwhile"


def test_what_serves_goes_on_while_a_machine_is_away(ground: Ground, folder: Path) -> None:
    running, worker = ground.panel, ground.nodes.worker
    application_id = ground.application(git_repository(folder / "repository", named_web("up")), "steady", replicas=4)
    running.done(running.deploy(application_id), SECONDS)
    with Visitors(running.edge_port, ["steady"], kept=BUSY - 1, pause_seconds=0.01) as visitors:
        time.sleep(2)
        worker.cut_off()
        try:
            until(lambda: ground.places(application_id)[ground.nodes.manager.node_id] >= 4, 90, what="they move")
            until(lambda: 'headway_swarm_machines{state="down"} 1.0' in figures(running), 60, what="the figures say so")
        finally:
            worker.reach_again()
    print(
        f"\na machine away under {BUSY} requests in flight: {visitors.count} requests, {len(visitors.failures)} failed"
    )
    assert len(visitors.failures) <= BUSY  # those that were under way to it, at the worst


def test_a_crash_loop_on_either_machine_says_how_it_ended(ground: Ground, folder: Path) -> None:
    running = ground.panel
    for number, node in enumerate((ground.nodes.manager, ground.nodes.worker)):
        only = {"Constraints": [f"node.id=={node.node_id}"]}
        files = named_web("x", DOCKERFILE.replace('"/app.py"]', '"-c", "print(\'no socks\'); raise SystemExit(7)"]'))
        url = git_repository(folder / f"crash{number}", files)
        row = fails(ground, ground.application(url, f"crash{number}", placementSwarm=only))
        assert re.search(r"ended 3 times .* exit status 7, on the machine .*no socks", row["errorMessage"]), row
        assert "web | no socks" in running.deployment_log(row["deploymentId"])


def test_what_is_killed_for_its_memory_says_so_on_either_machine(ground: Ground, folder: Path) -> None:
    eats = "import time; x = bytearray(200 << 20); time.sleep(60)"
    for number, node in enumerate((ground.nodes.manager, ground.nodes.worker)):
        only = {"Constraints": [f"node.id=={node.node_id}"]}
        files = named_web("x", DOCKERFILE.replace('"/app.py"]', f'"-c", "{eats}"]'))
        url = git_repository(folder / f"hungry{number}", files)
        row = fails(ground, ground.application(url, f"hungry{number}", placementSwarm=only, memoryLimit="32M"))
        assert row["reason"] == "out_of_memory", row
        assert "SIGKILL), since its memory bound was reached" in row["errorMessage"], row


def test_failing_checks_say_what_they_say(ground: Ground, folder: Path) -> None:
    url = git_repository(folder / "own", checked("x", CHECKED + "RUN touch /broken\n"))
    row = fails(ground, ground.application(url, "own", replicas=2))
    assert "The health check of the image fails" in row["errorMessage"], row
    url = git_repository(folder / "path", checked("x", DOCKERFILE + "RUN touch /broken\n"))
    row = fails(ground, ground.application(url, "path", replicas=2, healthCheckPath="/health", healthDeadlineSeconds=4))
    assert "GET /health on port 3000 answers 500" in row["errorMessage"], row


def test_an_image_that_one_machine_cannot_fetch_ends_the_deployment(ground: Ground, folder: Path) -> None:
    running = ground.panel
    with registry(folder / "private") as unreachable:  # on the loopback of the manager, which is another on the worker
        registry_id = running.post(
            "registry.create",
            registryName="private",
            registryUrl=unreachable,
            username=USERNAME,
            password=PASSWORD,
            registryType="cloud",
        )["registryId"]
        repository = folder / "repository"
        application_id = ground.application(git_repository(repository, named_web("old")), "missing", replicas=2)
        running.done(running.deploy(application_id), SECONDS)
        running.post("application.update", applicationId=application_id, registryId=registry_id)
        commit(repository, named_web("new"), "new")
        row = fails(ground, application_id)
    assert re.search(r"The machine .* \(10\.\d+\.0\.12\) has not got the image .*No such image", row["errorMessage"])
    assert running.visit("missing").text == "old"


def test_a_service_that_swarm_takes_back_is_an_error_during_the_rollout_and_unstable_after_it(
    ground: Ground, folder: Path
) -> None:
    running, repository = ground.panel, folder / "repository"
    application_id = ground.application(git_repository(repository, checked("old")), "meddled", runtime="swarm")
    first = running.done(running.deploy(application_id), SECONDS)
    meddle(ground, first["deploymentId"])
    until(lambda: running.one(first["deploymentId"])["unstable"], 60, what="it is marked")
    assert running.visit("meddled").text == "old"

    never = {"healthCheckPath": "/health", "healthDeadlineSeconds": 90}
    running.post("application.update", applicationId=application_id, **never)
    commit(repository, checked("new", DOCKERFILE + "RUN touch /broken\n"), "new")
    deployment_id = running.deploy(application_id)
    until(lambda: service_of(ground, deployment_id), SECONDS, what="its service")
    until(lambda: any(each["name"] == "health check" for each in running.one(deployment_id)["steps"]), SECONDS)
    meddle(ground, deployment_id)
    row = running.ended(deployment_id, SECONDS)
    assert row["status"] == "error"
    assert "The swarm has taken a change of the service back" in row["errorMessage"], row
    assert running.visit("meddled").text == "old"
    assert service_of(ground, deployment_id) == ""


def test_an_engine_that_stops_during_the_rollout_ends_it_and_the_old_release_serves_again(
    ground: Ground, folder: Path
) -> None:
    running, repository, manager = ground.panel, folder / "repository", ground.nodes.manager
    application_id = ground.application(git_repository(repository, checked("old")), "cut", replicas=2)
    running.done(running.deploy(application_id), SECONDS)
    running.post(
        "application.update", applicationId=application_id, healthCheckPath="/health", healthDeadlineSeconds=60
    )
    commit(repository, checked("new", DOCKERFILE + "RUN touch /broken\n"), "new")
    deployment_id = running.deploy(application_id)
    until(lambda: any(each["name"] == "health check" for each in running.one(deployment_id)["steps"]), SECONDS)
    manager.stop()
    try:
        row = running.ended(deployment_id, 90)
    finally:
        manager.start()
    assert row["status"] == "error"
    assert "does not answer" in row["errorMessage"], row
    until(lambda: running.visit("cut").status_code == 200, 90, what="it serves again")
    assert running.visit("cut").text == "old"
    until(lambda: service_of(ground, deployment_id) == "", 90, what="the half-made service is gone")


def test_the_panel_is_killed_at_every_crash_point_of_a_deploy(ground: Ground, folder: Path) -> None:
    site, repository, points = ground.panel, folder / "repository", folder / "points"
    application_id = ground.application(git_repository(repository, named_web("old")), "app", replicas=2)
    site.done(site.deploy(application_id), SECONDS)

    def begin(version: str, at: int) -> str:
        site.stop()
        points.unlink(missing_ok=True)
        points.touch()
        site.start(module=CRASHING, CRASH_AT=str(at), CRASH_POINTS=str(points), PYTHONPATH=str(Path.cwd()))
        commit(repository, named_web(version), f"version {version}")
        return site.deploy(application_id)

    deployment_id = begin("counted", 0)
    site.done(deployment_id, SECONDS)
    names = points.read_text().splitlines()
    print(f"\n{len(names)} crash points in a deploy on a swarm")
    until(lambda: len(things(ground, application_id)) == 3, 60, what="one release is left")
    for at, name in list(enumerate(names, 1))[::STRIDE]:
        deployment_id = begin(f"v{at}", at)
        until(lambda: site.process.poll() is not None, SECONDS, what=f"the crash at {name}")  # type: ignore[union-attr]
        site.process = None
        site.start()
        site.done(deployment_id, SECONDS)
        assert site.visit("app").text == f"v{at}"
        until(lambda: len(things(ground, application_id)) == 3, 60, what=f"one release is left after {name}")
        networks = ground.nodes.manager.docker("network", "ls", "--quiet", "--filter", "label=headway.swarm").split()
        assert len(networks) == 1, name
        print(f"  {at:3} {name}: done")


def test_the_panel_is_killed_at_every_crash_point_of_a_deploy_of_a_stack(ground: Ground, folder: Path) -> None:
    site, manager, points = ground.panel, ground.nodes.manager, folder / "points"
    made = stack(site, manager, "crashed")
    made.change(composeType="stack", healthDeadlineSeconds=90)
    site.post("domain.create", composeId=made.compose_id, host="stack.test", serviceName="web", port=8080)
    made.deploy(**services("old"))

    def begin(version: str, at: int) -> str:
        site.stop(60)
        points.unlink(missing_ok=True)
        points.touch()
        site.start(module=CRASHING, CRASH_AT=str(at), CRASH_POINTS=str(points), PYTHONPATH=str(Path.cwd()))
        made.write(**services(version))
        return made.begin()

    counted = site.done(begin("counted", 0), SECONDS)
    names = points.read_text().splitlines()
    print(f"\n{len(names)} crash points in a deploy of a stack")
    until(lambda: of_stack(ground, made) == {"counted"}, 60, what="one of each is left")
    before = counts(ground, made)
    for at, name in list(enumerate(names, 1))[::STRIDE]:
        deployment_id = begin(f"v{at}", at)
        until(lambda: site.process.poll() is not None, SECONDS, what=f"the crash at {name}")  # type: ignore[union-attr]
        site.process = None
        site.start()
        row = site.done(deployment_id, SECONDS)
        assert [each["name"] for each in row["steps"]] == [each["name"] for each in counted["steps"]], name
        assert asked(site.edge_port).status_code == 200, name
        runs = {f"v{at}"}
        until(lambda: of_stack(ground, made) == runs, 60, what=f"one of each is left after {name}")  # noqa: B023
        until(lambda: counts(ground, made) == before, 60, what=f"services, networks, secrets and images after {name}")
        print(f"  {at:3} {name}: done")


def asked(port: int) -> httpx.Response:
    """What the edge answers for the stack's domain."""
    return httpx.get(f"http://127.0.0.1:{port}/etc/hostname", headers={"host": "stack.test"}, trust_env=False)


def services(version: str) -> dict[str, Mapping[str, Any]]:
    """One service that the swarm replaces beside, in two copies, and one that it replaces in place."""
    web = {**SERVES, "healthcheck": CHECKED_IN_A_SWARM, "environment": {"V": version}, "deploy": {"replicas": 2}}
    db = {**SLEEPS, "environment": {"V": version}, "volumes": ["data:/data"]}
    return {"volumes": {"data": {}}, "web": web, "db": db}


def of_stack(ground: Ground, made: Stack) -> set[str]:
    """The versions of a stack that run, if there are as many copies as are wanted."""
    tasks = ground.ask("/tasks", {"label": [f"headway.compose={made.compose_id}"]})
    lives = [task for task in tasks if task["Status"]["State"] == "running" and task["DesiredState"] == "running"]
    versions = {each for task in lives for each in task["Spec"]["ContainerSpec"]["Env"]}
    return {each.removeprefix("V=") for each in versions} if len(lives) == 3 else set()


def counts(ground: Ground, made: Stack) -> dict[str, int]:
    """How much of each the machine has of a stack."""
    manager, mine = ground.nodes.manager, f"--filter=label=headway.compose={made.compose_id}"
    kinds = ("service", "network", "volume", "secret", "config")
    found = {kind: len(manager.docker(kind, "ls", "--quiet", mine).split()) for kind in kinds}
    containers = manager.docker("container", "ls", "--quiet", mine)
    return {**found, "images": len(made.images()), "containers": len(containers.split())}


def checked(version: str, dockerfile: str = CHECKED) -> dict[str, str]:
    """A web application whose path of health, and whose check, fail where there is a file."""
    files = named_web(version, dockerfile)
    return {**files, "app.py": files["app.py"].replace("body = b", f"{HEALTHY}body = b", 1)}


def fails(ground: Ground, application_id: str) -> dict[str, str]:
    """The row of a deploy that must fail and leave nothing of its release."""
    deployment_id = ground.panel.deploy(application_id)
    row: dict[str, str] = ground.panel.ended(deployment_id, SECONDS)
    assert row["status"] == "error", ground.panel.deployment_log(deployment_id)
    assert service_of(ground, deployment_id) == ""
    # The other machine hears of it a moment later.
    until(lambda: old_ones(ground, application_id, deployment_id) == [], 30, what="nothing of it is left")
    return row


def service_of(ground: Ground, release_id: str) -> str:
    """The id of a release's service, "" where there is none."""
    mine = f"label=headway.release={release_id}"
    return ground.nodes.manager.docker("service", "ls", "--quiet", "--filter", mine).strip()


def figures(running: Panel) -> str:
    """What Prometheus reads."""
    return running.client.get(f"http://127.0.0.1:{running.port}/metrics").text


def old_ones(ground: Ground, application_id: str, release_id: str) -> list[str]:
    """The containers of one release on both machines."""
    mine = (
        "--filter",
        f"label=headway.application={application_id}",
        "--filter",
        f"label=headway.release={release_id}",
    )
    nodes = (ground.nodes.manager, ground.nodes.worker)
    return [each for node in nodes for each in node.docker("container", "ls", "--all", "--quiet", *mine).split()]


def things(ground: Ground, application_id: str) -> list[str]:
    """The containers of an application that run on both machines, its forwarders with them."""
    mine = ("--filter", f"label=headway.application={application_id}")
    nodes = (ground.nodes.manager, ground.nodes.worker)
    return [each for node in nodes for each in node.docker("container", "ls", "--quiet", *mine).split()]


def meddle(ground: Ground, release_id: str) -> None:
    """Somebody changes a service beside Headway, so that it fails."""
    service = service_of(ground, release_id)
    ground.nodes.manager.docker("service", "update", "--detach", "--args", "-c 'raise SystemExit(9)'", service)
