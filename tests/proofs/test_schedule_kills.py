"""Must show 4 of schedules: a kill of a run with children that hide in every way leaves none, in a container that
goes on, on the panel's machine and on a server, and touches nothing else.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_applications_servers import connected
from tests.support.docker.compose import SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import Engine
from tests.support.machines.server_roots import MISSING
from tests.support.panel.panel import Panel, panel, until

Json = Any

KILLS = int(os.environ.get("KILLS", "60"))
# Each way a child gets away from its parent; TOKEN is found again in the arguments of whatever lives.
HIDING = """\
sleep TOKEN &
(sleep TOKEN &) &
setsid sleep TOKEN &
setsid setsid sh -c 'sleep TOKEN & sleep TOKEN' &
nohup sleep TOKEN >/dev/null 2>&1 &
env -i setsid sleep TOKEN </dev/null >/dev/null 2>&1 &
echo up
sleep TOKEN
"""
CHILDREN = 8


def test_on_the_panels_machine() -> None:
    with tempfile.TemporaryDirectory(prefix="headway-kill-") as folder:
        Path(folder).chmod(0o711)
        with panel(Path(folder) / "data", HEADWAY_CONCURRENCY="3") as running:
            kills(running, {"scheduleType": "dokploy-server"}, "on the machine")


@pytest.mark.docker
def test_in_a_container_that_goes_on(docker_engine: Engine, tmp_path: Path) -> None:
    with panel_with_engine(tmp_path / "data", docker_engine, HEADWAY_CONCURRENCY="3") as running:
        shop = stack(running, docker_engine, "timed")
        shop.deploy(db=SLEEPS)
        before = shop.containers()
        where = {"scheduleType": "compose", "composeId": shop.compose_id, "serviceName": "db"}
        kills(running, where, "in a container")
        assert shop.containers() == before, "the service was touched"
        assert inside(shop) == {"sleep 1000"}, "something is left in the container"
        running.post("compose.delete", composeId=shop.compose_id, deleteVolumes=True)


@pytest.mark.root
@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
def test_on_a_server(tmp_path: Path) -> None:
    with connected(tmp_path) as site:
        site.panel.post("server.update", serverId=site.server_id, concurrency=3)
        kills(site.panel, {"scheduleType": "server", "serverId": site.server_id}, "on a server")


def kills(running: Panel, where: dict[str, Json], called: str) -> None:
    """Kills one run after the other, while another one goes on that must not notice."""
    neighbour = begin(running, where, "echo up; sleep 86400123")
    running.running(neighbour, "up")
    times = []
    for number in range(KILLS):
        token = f"7{number:04}{os.getpid()}"
        deployment_id = begin(running, where, HIDING.replace("TOKEN", token))
        until(lambda token=token: living(token) >= CHILDREN, 20, what=f"the children of run {number}")  # type: ignore[misc]
        began = time.perf_counter()
        answer = running.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
        times.append((time.perf_counter() - began) * 1000)
        assert living(token) == 0, f"{living(token)} are left after kill {number}"
        assert (answer.status_code, answer.content) == (200, b"")
        row = running.one(deployment_id)
        assert (row["status"], row["reason"], row["pid"]) == ("error", "killed", None)
    assert (running.one(neighbour)["status"], living("86400123")) == ("running", 1), "the neighbour was touched"
    running.post("deployment.killProcess", deploymentId=neighbour)
    assert living("86400123") == 0
    times.sort()
    print(f"\n{called}: {KILLS} kills, none left, median {statistics.median(times):.0f} ms, most {times[-1]:.0f} ms")


def begin(running: Panel, where: dict[str, Json], script: str) -> str:
    """A run of a new schedule; its id."""
    made = running.post("schedule.create", name="run", cronExpression="0 0 1 1 *", script=script, **where)
    deployment_id: str = running.post("schedule.runManually", scheduleId=made["scheduleId"])["deploymentId"]
    return deployment_id


def living(token: str) -> int:
    """How many processes of the machine, in containers too, sleep for so long."""
    return sum(line == ("sleep", token) for line in _arguments())


def inside(shop: Stack) -> set[str]:
    """What runs in the container of the service ``db``."""
    (container,) = shop.containers()["db"]
    lines = shop.engine.docker("top", container, "-o", "pid,args").splitlines()[1:]
    return {line.split(maxsplit=1)[1] for line in lines}


def _arguments() -> Iterator[tuple[str, ...]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield tuple(path.read_bytes().decode(errors="replace").split("\0")[:-1])
        except OSError:
            continue
