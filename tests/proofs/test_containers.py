"""The heart's promises with containers: the panel dies at every point of a deploy, builds and half-made containers are
killed again and again beside a neighbour, and thirty deploys in a row lose no request.
"""

from __future__ import annotations

import os
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.boxes import DOCKERFILE, boxed_web, boxing_panel, containers, images, sleepers
from tests.support.applications.visitors import Visitors
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, commit, git_repository, until

pytestmark = pytest.mark.docker

CRASHING = "tests.support.panel.crashing_panel"
KILLS = int(os.environ.get("KILLS", "100"))
DEPLOYS = int(os.environ.get("DEPLOYS", "30"))
STRIDE = int(os.environ.get("CRASH_STRIDE", "1"))
BUILT = DOCKERFILE + "ARG TURN\nRUN for i in 1 2 3 4; do echo line $i $TURN; sleep 0.05; done\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="headway-containers-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def site(folder: Path, docker_engine: Engine) -> Iterator[Panel]:
    fast = {"HEADWAY_LEASE_TIME": "3", "HEADWAY_LEASE_RENEWAL": "0.5", "HEADWAY_KEEP_RELEASES": "2"}
    with boxing_panel(folder / "data", docker_engine, **fast, HEADWAY_DRAIN_TIME="3") as panel:
        yield panel


def test_the_panel_is_killed_at_every_crash_point_of_a_deploy(site: Panel, docker_engine: Engine, folder: Path) -> None:
    repository, points = folder / "repository", folder / "points"
    application_id = site.application(git_repository(repository, boxed_web("old", BUILT)), name="app")
    site.done(site.deploy(application_id), 90)

    def begin(version: str, at: int) -> str:
        site.stop()
        points.unlink(missing_ok=True)
        points.touch()
        site.start(module=CRASHING, CRASH_AT=str(at), CRASH_POINTS=str(points), PYTHONPATH=str(Path.cwd()))
        commit(repository, boxed_web(version, BUILT), f"version {version}")
        return site.deploy(application_id)

    deployment_id = begin("counted", 0)
    site.done(deployment_id, 90)
    reference = plain(site.deployment_log(deployment_id))
    reference_networks = networks(docker_engine)
    names = points.read_text().splitlines()
    print(f"\n{len(names)} crash points in a deploy of a container")
    for at, name in list(enumerate(names, 1))[::STRIDE]:
        deployment_id = begin(f"v{at}", at)
        until(lambda: site.process.poll() is not None, 60, what=f"the crash at {name}")  # type: ignore[union-attr]
        site.process = None
        site.start()
        site.done(deployment_id, 90)
        assert site.visit("app").text == f"v{at}"
        assert plain(site.deployment_log(deployment_id)) == reference, name
        until(lambda: containers(docker_engine, application_id) == ["running"], 30, what="one container is left")
        assert len(images(docker_engine, application_id)) <= 3
        assert networks(docker_engine) == reference_networks, name
        print(f"  {at:3} {name}: done")


def test_builds_are_killed_and_nothing_is_left_of_them(site: Panel, docker_engine: Engine, folder: Path) -> None:
    other = neighbour_builds(site, folder)
    dockerfile = DOCKERFILE + "RUN (setsid sh -c 'trap \"\" TERM; sleep 641' &) ; sleep 642\n"
    application_id = site.application(git_repository(folder / "repository", boxed_web("x", dockerfile)), name="killed")
    times = []
    for _ in range(KILLS):
        deployment_id = site.deploy(application_id)
        until(lambda: sleepers(641) and sleepers(642), 60, what="the step runs")
        began = time.monotonic()
        site.post("deployment.killProcess", deploymentId=deployment_id)
        times.append(time.monotonic() - began)
        assert sleepers(641) + sleepers(642) == []
        assert site.one(deployment_id)["reason"] == "killed"
    assert site.one(other)["status"] in {"running", "done"}
    site.done(other, KILLS + 60)
    told("kills of a build", times)


def test_half_made_containers_are_killed_and_nothing_is_left_of_them(
    site: Panel, docker_engine: Engine, folder: Path
) -> None:
    other = neighbour_builds(site, folder)
    files = boxed_web("x", DOCKERFILE.replace('"-u", "/app.py"', '"-c", "import time; time.sleep(651)"'))
    application_id = site.application(git_repository(folder / "repository", files), name="killed")
    times = []
    for number in range(KILLS):
        deployment_id = site.deploy(application_id)
        step = ("start", "health check")[number % 2]
        until(lambda: any(each["name"] == step for each in site.one(deployment_id)["steps"]), 60, what=step)  # noqa: B023
        time.sleep(number % 10 * 0.02)
        began = time.monotonic()
        site.post("deployment.killProcess", deploymentId=deployment_id)
        times.append(time.monotonic() - began)
        assert containers(docker_engine, application_id) == [], step
        assert site.one(deployment_id)["reason"] == "killed"
    assert images(docker_engine, application_id) == []
    assert site.one(other)["status"] in {"running", "done"}
    site.done(other, KILLS + 60)
    told("kills of a half-made container", times)


@pytest.mark.parametrize("every_second_fails", [False, True])
def test_deploys_in_a_row_lose_no_request(site: Panel, folder: Path, *, every_second_fails: bool) -> None:
    repository = folder / "repository"
    application_id = site.application(git_repository(repository, boxed_web("v0")), name="served")
    site.done(site.deploy(application_id), 90)
    broken = DOCKERFILE.replace('"/app.py"]', '"/nowhere.py"]')
    with Visitors(site.edge_port, ["served"], kept=49, pause_seconds=0) as visitors:
        for number in range(1, DEPLOYS + 1):
            fails = every_second_fails and number % 2 == 0
            commit(repository, boxed_web(f"v{number}", broken if fails else DOCKERFILE), f"version {number}")
            row = site.ended(site.deploy(application_id), 90)
            assert row["status"] == ("error" if fails else "done"), row["errorMessage"]
    assert visitors.failures == []
    what = "every second one failing" if every_second_fails else "each of them done"
    print(f"\n{DEPLOYS} deploys, {what}: {visitors.count} requests, none of them failed")


def neighbour_builds(site: Panel, folder: Path) -> str:
    """Somebody else's deployment, whose build takes about as long as all the kills; its id."""
    files = boxed_web("n", DOCKERFILE + f"RUN sleep {KILLS}\n")
    deployment_id = site.deploy(site.application(git_repository(folder / "other", files), name="neighbour"))
    until(lambda: sleepers(KILLS), 60, what="the neighbour builds")
    return deployment_id


def networks(engine: Engine) -> list[str]:
    """All that the engine has, by name."""
    return sorted(engine.docker("network", "ls", "--format={{.Name}}").split())


def told(what: str, seconds: list[float]) -> None:
    """Prints what was measured."""
    ordered = sorted(seconds)
    middle, late = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    print(f"\n{len(seconds)} {what}: median {middle * 1000:.0f} ms, p99 {late * 1000:.0f} ms, none left anything")


def plain(log: str) -> str:
    """A log without what differs from run to run."""
    log = re.sub(r"\(after [0-9.]+ s\)|\(cached\)|release \S{21} |sha256:[0-9a-f]+|Commit [0-9a-f]{12} .*", "", log)
    return re.sub(r" +\n", "\n", re.sub(r"port [0-9]+", "port P", log))
