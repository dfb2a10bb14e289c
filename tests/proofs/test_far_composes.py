"""Compose services on a server across a link that is away for a minute, a panel that dies at each step, and a server
that is started again: each deployment ends truly, no service runs twice, and what served serves again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.e2e.test_applications_servers import Site, connected
from tests.e2e.test_composes_servers import HOST, FarStack, far_stack, files
from tests.support.docker.docker_engine import BASE_IMAGE, lacks_docker
from tests.support.machines.server_roots import MISSING, FarEngine, engine_on
from tests.support.panel.panel import commit, git_repository, until

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(MISSING or lacks_docker()), reason=f"needs {', '.join(MISSING)} {lacks_docker()}"),
]
AWAY_SECONDS = 60
STEPS = ("source", "check out", "unpack", "compose file", "pull", "build", "plan", "start", "health check", "route")
SLOW = f'FROM {BASE_IMAGE}\nCOPY app.py /app.py\nCMD ["sh", "-c", "sleep 15; exec python3 -u /app.py"]\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, FarEngine]]:
    with connected(tmp_path_factory.mktemp("far")) as site, engine_on(site.server) as engine:
        yield site, engine


@pytest.fixture
def shop(place: tuple[Site, FarEngine], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FarStack]:
    made = far_stack(place, request.node.name.replace(" ", "-")[:60])
    made.change(sourceType="git", customGitUrl=git_repository(tmp_path / "r", files("one")))
    made.panel.post("domain.create", composeId=made.compose_id, host=HOST, serviceName="web", port=8080)
    made.panel.done(made.begin(), 300)
    yield made
    made.panel.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)
    assert (made.containers(running=False), made.left("network"), made.left("volume")) == ({}, [], [])


def require_serves(shop: FarStack, version: str) -> None:
    """What answers is of that version, and of each service there is one container once the drain is over."""
    assert shop.visit().text == version
    until(lambda: all(len(each) == 1 for each in shop.containers(running=False).values()), 60)
    assert shop.containers().keys() == {"web", "db"}


def answered(shop: FarStack) -> str:
    """What answers, "" while nothing listens there yet."""
    with suppress(httpx.TransportError):
        return shop.visit().text
    return ""


def under_way(shop: FarStack, deployment_id: str, step: str) -> bool:
    steps = shop.panel.one(deployment_id)["steps"]
    return any(each["name"] == step and each["finishedAt"] is None for each in steps)


def test_a_minute_in_a_rollout(shop: FarStack, tmp_path: Path) -> None:
    cable = shop.site.server.cable
    assert cable is not None
    commit(tmp_path / "r", files("two") | {"Dockerfile": SLOW}, "slow")
    shop.change(healthDeadlineSeconds=120)
    deployment_id = shop.begin()
    until(lambda: under_way(shop, deployment_id, "health check"), 300)
    cable.pull()
    time.sleep(AWAY_SECONDS)
    assert shop.panel.one(deployment_id)["outOfReachSince"] is not None
    cable.plug()
    shop.panel.done(deployment_id, 300)
    require_serves(shop, "two")


def test_a_kill_in_a_rollout(shop: FarStack, tmp_path: Path) -> None:
    commit(tmp_path / "r", files("two") | {"Dockerfile": SLOW}, "slow")
    deployment_id = shop.begin()
    until(lambda: under_way(shop, deployment_id, "health check"), 300)
    shop.panel.post("deployment.killProcess", deploymentId=deployment_id)
    assert shop.panel.one(deployment_id)["reason"] == "killed"
    require_serves(shop, "one")


def test_a_server_that_is_started_again(shop: FarStack) -> None:
    server, engine = shop.site.server, shop.engine
    engine.stop()
    server.stop()
    server.boot_id.write_text("another start of this machine\n")
    server.start()
    engine.start()
    until(lambda: shop.containers().keys() == {"web", "db"}, 120, what="the containers")
    until(lambda: answered(shop) == "one", 120, what="the edge")
    require_serves(shop, "one")


@pytest.mark.parametrize("step", STEPS)
def test_a_panel_that_dies_at_a_step(shop: FarStack, tmp_path: Path, step: str) -> None:
    running = shop.panel
    commit(tmp_path / "r", files("two"), "second")
    running.stop()
    points, crash = str(tmp_path / "points"), f"step {step} worked"
    running.start(module="tests.support.panel.crashing_panel", CRASH_AT="0", CRASH_POINTS=points, CRASH_NAMED=crash)
    deployment_id = shop.begin()
    running.wait(300)
    running.start()
    running.done(deployment_id, 300)
    require_serves(shop, "two")
