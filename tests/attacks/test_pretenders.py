"""Processes that pass for the panel's own by what everybody chooses for themselves: environment, arguments, and in a
container the account. What is taken for them is not started, or held up, and with it the applications of all.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.drivers.runtimes.process.copies import MARKER, Copies
from headway.drivers.runtimes.process.programs import Layout
from headway.drivers.runtimes.process.release_groups import ReleaseGroups
from headway.infra.daemons import daemon
from headway.infra.daemons.daemon import Daemon
from headway.infra.hosts import cgroups, processes
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import until

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.timeout(120)]
PANEL_ID = f"pretended-{os.getpid()}"
# It begins another whenever one is ended.
AGAIN = f"for each in $(seq 16); do (while :; do {MARKER}=r1 sleep 7712; done) & done; wait"


@pytest.fixture
def groups() -> Iterator[ReleaseGroups]:
    made = ReleaseGroups.of_this_machine(PANEL_ID)
    if made is None:
        pytest.skip("no control groups can be made here")
    yield made
    made.clear()


def test_no_container_is_taken_for_a_daemon_of_the_panel(docker_engine: Engine, tmp_path: Path) -> None:
    """As after a reboot, when the engine has begun it before the panel looks."""
    state = tmp_path / "daemon.json"
    made = Daemon(argv=("/usr/bin/sleep", "7711"), env={}, state=state, log=tmp_path / "log")
    mark = f"--env={daemon.MARKER}={state}"
    container = docker_engine.docker("run", "--detach", mark, BASE_IMAGE, "sleep", "7711").strip()
    try:
        assert until(lambda: processes.find_marked({daemon.MARKER: str(state)}), 10)
        assert made.pid() is None
        pid = made.spawn()
        state.unlink()
        assert made.pid() == pid, "its own is found by the same"
    finally:
        docker_engine.docker("rm", "--force", container)
        made.kill()


def test_what_a_container_begins_again_and_again_holds_up_no_application(
    docker_engine: Engine, groups: ReleaseGroups, tmp_path: Path
) -> None:
    container = docker_engine.docker("run", "--detach", BASE_IMAGE, "sh", "-c", AGAIN).strip()
    try:
        until(lambda: processes.find_marked({MARKER: "r1"}), 10)
        began = time.monotonic()
        Copies(Layout(root=tmp_path), groups).end_orphans({"r1"})
        assert time.monotonic() - began < 5
    finally:
        docker_engine.docker("rm", "--force", container)


def test_nor_does_what_a_build_or_a_schedule_begins(groups: ReleaseGroups, tmp_path: Path) -> None:
    unified = cgroups.unified_of(cgroups.hierarchies())
    if unified is None:
        pytest.skip("there are no control groups of version 2")
    run = unified.folder / f"headway/{PANEL_ID}/a-run.1"
    run.mkdir()
    script = f'echo $$ > "{run}/cgroup.procs"; {AGAIN}'
    with subprocess.Popen(["sh", "-c", script]):
        try:
            until(lambda: processes.find_marked({MARKER: "r1"}), 10)
            began = time.monotonic()
            Copies(Layout(root=tmp_path), groups).end_orphans({"r1"})
            assert time.monotonic() - began < 5
        finally:
            cgroups.end_all([run], 10)
            cgroups.remove([run])


def test_what_has_not_come_to_its_group_yet_is_ended_as_before(groups: ReleaseGroups, tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], env={**os.environ, MARKER: "r1"}) as loose:
        until(lambda: processes.find_marked({MARKER: "r1"}), 10)
        copies = Copies(Layout(root=tmp_path), groups)
        assert copies.of("r1", ()) == {loose.pid}
        copies.end_orphans({"r1"})
        assert loose.wait(5) == -9
