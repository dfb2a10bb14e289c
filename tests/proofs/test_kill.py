"""Must show 2: a kill reaches whatever a build has started, however it hid, and nothing else."""

from __future__ import annotations

import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.panel.panel import Panel, git_repository, until, web

KILLS = int(os.environ.get("KILLS", "300"))
NEIGHBOUR = f"8{os.getpid()}"  # of this run: one that was broken off may have left another

# Each way a child gets away from its parent; TOKEN is found again in the arguments of whatever lives.
HIDING = {
    "fork": "sleep 7TOKEN &",
    "double fork": "(sleep 7TOKEN &) &",
    "setsid": "setsid sleep 7TOKEN &",
    "nohup": "nohup sleep 7TOKEN >/dev/null 2>&1 &",
    "env -i setsid": "env -i setsid sleep 7TOKEN </dev/null >/dev/null 2>&1 &",
}
MODES = {
    "everything": ({}, 60.0, HIDING),
    "cgroups off": ({"HEADWAY_CGROUPS": "off"}, 150.0, HIDING),
    "PID namespaces off": ({"HEADWAY_PID_NAMESPACES": "off"}, 150.0, HIDING),
    "both off": (
        {"HEADWAY_CGROUPS": "off", "HEADWAY_PID_NAMESPACES": "off"},
        150.0,
        {name: line for name, line in HIDING.items() if name != "env -i setsid"},
    ),
}


@pytest.mark.parametrize("mode", MODES)
def test_kills(mode: str) -> None:
    env, bound, hiding = MODES[mode]
    kills = KILLS if mode == "everything" else max(KILLS // 5, 20)
    with site(**env) as panel:
        neighbour_id = start_neighbour(panel)
        application_id = start_victim(panel, hiding)
        times = sorted(one_kill(panel, application_id, number) for number in range(kills))
        row = panel.one(neighbour_id)
        assert row["status"] == "running", row
        assert living(NEIGHBOUR) == 1, "the neighbour's build was touched"
    p99 = times[min(len(times) - 1, round(0.99 * len(times)))]
    print(
        f"\n{mode}: {kills} kills, median {statistics.median(times):.1f} ms, p99 {p99:.1f} ms, most {times[-1]:.1f} ms"
    )
    assert p99 < bound


def one_kill(panel: Panel, application_id: str, number: int) -> float:
    """Deploys, kills once all children live, checks everything about it; the call's time in milliseconds."""
    panel.post("application.saveEnvironment", applicationId=application_id, env=f"TOKEN={number:04}")
    deployment_id = panel.deploy(application_id, "application.redeploy")
    token = f"7{number:04}"
    until(lambda: living(token) >= panel.children, 20, what=f"the children of build {number}")  # type: ignore[attr-defined]
    pid = int(panel.one(deployment_id)["pid"])
    assert all(is_ancestor(pid, child) for child in pids_of(token)), "the row's pid is no ancestor of the build"
    began = time.perf_counter()
    answer = panel.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
    took = (time.perf_counter() - began) * 1000
    assert living(token) == 0, f"{living(token)} are left after kill {number}"
    assert (answer.status_code, answer.content) == (200, b"")
    row = panel.one(deployment_id)
    assert (row["status"], row["reason"]) == ("error", "killed"), row
    until(lambda: is_dead(pid), 5, what="the anchor's own end, right after the end is written")
    again = panel.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
    assert (again.status_code, again.json()["message"]) == (400, "Deployment is not running")
    return took


def start_victim(panel: Panel, hiding: dict[str, str]) -> str:
    """An application that serves, whose next builds hide children in every way."""
    url = git_repository(panel.data_dir.parent / "victim", web("x"))
    application_id = panel.application(url, name="victim", env="TOKEN=none")
    panel.done(panel.deploy(application_id))
    lines = " ".join(hiding.values()).replace("TOKEN", "$TOKEN")
    panel.post("application.update", applicationId=application_id, buildCommand=f"{lines} sleep 7$TOKEN")
    panel.children = len(hiding) + 1  # type: ignore[attr-defined]
    return application_id


def start_neighbour(panel: Panel) -> str:
    """Another application's build that must not notice."""
    url = git_repository(panel.data_dir.parent / "neighbour", web("y"))
    application_id = panel.application(url, name="neighbour", buildCommand=f"echo up; sleep {NEIGHBOUR}")
    deployment_id = panel.deploy(application_id)
    panel.running(deployment_id, "up")
    return deployment_id


@contextlib.contextmanager
def site(**env: str) -> Iterator[Panel]:
    """A panel in a folder that build accounts can reach."""
    with tempfile.TemporaryDirectory(prefix="headway-kill-") as folder:
        Path(folder).chmod(0o711)
        panel = Panel(Path(folder) / "data", HEADWAY_CONCURRENCY="2", **env)
        try:
            yield panel.start()
        finally:
            panel.clean_up()


def pids_of(token: str) -> list[int]:
    """The living processes that are ``sleep TOKEN``."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdecimal() and (folder / "cmdline").read_bytes() == f"sleep\0{token}\0".encode():
                found.append(int(folder.name))
    return found


def living(token: str) -> int:
    """How many of them there are."""
    return len(pids_of(token))


def is_ancestor(pid: int, child: int) -> bool:
    """Whether ``pid`` is above ``child``; a child that has just been adopted is looked at again."""
    current = child
    while current > 1:
        if current == pid:
            return True
        try:
            status = Path(f"/proc/{current}/stat").read_text()
        except OSError:
            return False
        current = int(status.rsplit(")", 1)[1].split()[1])
    return False


def is_dead(pid: int) -> bool:
    """Whether a process has ended; whoever is to bury it may take its time."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rsplit(")", 1)[1].split()[0] == "Z"
