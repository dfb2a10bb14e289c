"""Processes that pass for the panel's own by what everybody chooses for themselves: environment, arguments, and in a
container the account. What is taken for them is not started, or held up, and with it the applications of all.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from headway import upkeep
from headway.drivers.dumps.base import INSIDE
from headway.drivers.runtimes.process.copies import MARKER, Copies
from headway.drivers.runtimes.process.programs import Layout
from headway.drivers.runtimes.process.release_groups import ReleaseGroups
from headway.features.backups.database import container_processes
from headway.infra.daemons import daemon
from headway.infra.daemons.daemon import Daemon
from headway.infra.hosts import anchor, cgroups, porter, processes, procfs
from headway.infra.hosts.anchor_start import marks
from headway.infra.hosts.base import Handle
from headway.infra.hosts.local import LocalHost
from headway.infra.panel.data_dir import shelter_of
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import until

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.timeout(120)]
PANEL_ID = f"pretended-{os.getpid()}"
RUN = marks("d1", 1)


def again(**said: str) -> str:
    """It begins another whenever one is ended."""
    words = " ".join(f"{name}={value}" for name, value in said.items())
    return f"for each in $(seq 16); do (while :; do {words} sleep 7712; done) & done; wait"


AGAIN = again(**{MARKER: "r1"})


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
        assert time.monotonic() - began < 30
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
            assert time.monotonic() - began < 30
        finally:
            cgroups.end_all([run], 10)
            cgroups.remove([run])


@contextmanager
def within(group: str, script: str) -> Iterator[None]:
    """What runs in a group meanwhile."""
    there = cgroups.hierarchies()
    hierarchy = cgroups.unified_of(there) or next((each for each in there if "pids" in each.controllers), None)
    if hierarchy is None:
        pytest.skip("there are no control groups")
    folder = hierarchy.folder / group
    folder.mkdir(parents=True)
    with subprocess.Popen(["sh", "-c", f'echo $$ > "{folder}/cgroup.procs"; {script}']):
        try:
            yield
        finally:
            cgroups.end_all([folder], 10)
            cgroups.remove([folder])


def handle_of_a_run(host: LocalHost, folder: Path) -> Handle:
    """One whose anchor is gone."""
    return Handle(
        host_id=host.host_id,
        deployment_id="d1",
        epoch=1,
        boot_id=procfs.boot_id(),
        pid=0,
        start_time=0,
        cgroup=f"/headway/{PANEL_ID}/d1.1",
        run_folder=str(folder / "runs/d1.1"),
    )


@pytest.mark.parametrize("group", ["{}/releases/r1", "{}/d2.1", "{}-copied/d1.1"])
async def test_what_passes_for_a_run_that_has_ended_holds_up_no_end(
    groups: ReleaseGroups, tmp_path: Path, group: str
) -> None:
    """An application, another run, and a run of a panel that was copied: each says that it is this one."""
    host = LocalHost(tmp_path, PANEL_ID)
    with within(f"headway/{group.format(PANEL_ID)}", again(**RUN)):
        assert until(lambda: processes.find_marked(RUN), 10)
        began = time.monotonic()
        await host.sweep(handle_of_a_run(host, tmp_path))
        assert time.monotonic() - began < 5
        assert processes.find_marked(RUN), "nor is it ended for what it says"
    await host.aclose()


async def test_nor_does_a_container(docker_engine: Engine, groups: ReleaseGroups, tmp_path: Path) -> None:
    host = LocalHost(tmp_path, PANEL_ID)
    container = docker_engine.docker("run", "--detach", BASE_IMAGE, "sh", "-c", again(**RUN)).strip()
    try:
        assert until(lambda: processes.find_marked(RUN), 10)
        began = time.monotonic()
        await host.sweep(handle_of_a_run(host, tmp_path))
        assert time.monotonic() - began < 5
    finally:
        docker_engine.docker("rm", "--force", container)
        await host.aclose()


def test_nor_on_a_server(groups: ReleaseGroups, tmp_path: Path) -> None:
    own = [anchor.enclosed(name, (files(porter) / f"{name}.pl").read_bytes()) for name in ("trees", "runs")]
    sweep = f"print Headway::Runs::sweep('{tmp_path}', 0, 0, 'd1', 1, 1, '/nowhere/headway/{PANEL_ID}/d1.1');".encode()
    program = b"".join([*map(anchor.part, porter.SHARED), *own, sweep])

    def swept() -> bytes:
        began = time.monotonic()
        ended = subprocess.run(("perl", "-w", "-"), input=program, capture_output=True, check=True)
        assert ended.stderr == b""
        assert time.monotonic() - began < 5
        return ended.stdout

    with within(f"headway/{PANEL_ID}/releases/r1", again(**RUN)):
        assert until(lambda: processes.find_marked(RUN), 10)
        assert swept() == b"ok"
        assert processes.find_marked(RUN)
    with subprocess.Popen(["sleep", "60"], env={**os.environ, **RUN}) as loose:
        assert until(lambda: processes.find_marked(RUN), 10)
        assert swept() == b"ok"
        assert loose.wait(5) == -9


async def test_what_a_run_has_left_outside_of_its_group_is_ended_as_before(
    groups: ReleaseGroups, tmp_path: Path
) -> None:
    host = LocalHost(tmp_path, PANEL_ID)
    with subprocess.Popen(["sleep", "60"], env={**os.environ, **RUN}) as loose:
        assert until(lambda: processes.find_marked(RUN), 10)
        await host.sweep(handle_of_a_run(host, tmp_path))
        assert loose.wait(5) == -9
    await host.aclose()


def test_what_a_backup_has_started_in_a_container_is_ended_there_and_nowhere_else(
    docker_engine: Engine, groups: ReleaseGroups
) -> None:
    mark = f"--env={INSIDE}=d1"
    of_backup, other = [
        docker_engine.docker("run", "--detach", BASE_IMAGE, "sleep", "7713").strip() for _ in ("its own", "another")
    ]
    try:
        docker_engine.docker("exec", "--detach", mark, of_backup, "sleep", "7714")
        docker_engine.docker("exec", "--detach", mark, other, "sh", "-c", again(**{INSIDE: "d1"}))
        with within(f"headway/{PANEL_ID}/releases/r1", again(**{INSIDE: "d1"})):
            assert until(lambda: len(processes.find_marked({INSIDE: "d1"})) > 16, 10)
            began = time.monotonic()
            assert container_processes._end({INSIDE: "d1"}, of_backup)
            assert time.monotonic() - began < 5
            assert "7714" not in docker_engine.docker("top", of_backup)
            assert "7713" in docker_engine.docker("top", of_backup)
            assert "7712" in docker_engine.docker("top", other)
    finally:
        docker_engine.docker("rm", "--force", of_backup, other)


def test_nothing_that_passes_for_what_a_panel_keeps_alive_keeps_a_backup_from_being_restored(
    docker_engine: Engine, groups: ReleaseGroups, tmp_path: Path
) -> None:
    said = {daemon.MARKER: f"{tmp_path}/edge/daemon.json"}
    words = [f"--env={name}={value}" for name, value in said.items()]
    container = docker_engine.docker("run", "--detach", *words, BASE_IMAGE, "sleep", "7711").strip()
    try:
        with within(f"headway/{PANEL_ID}/releases/r1", again(**said)):
            assert until(lambda: len(processes.find_marked(said)) > 1, 10)
            assert upkeep._kept_alive(str(tmp_path)) == []
    finally:
        docker_engine.docker("rm", "--force", container)
    for folder in (tmp_path, shelter_of(tmp_path)):
        state = {daemon.MARKER: f"{folder}/native/supervisord/daemon.json"}
        with subprocess.Popen(["sleep", "60"], env={**os.environ, **state}) as kept:
            assert until(lambda: processes.find_marked(state), 10)  # noqa: B023 - asked at once
            assert upkeep._kept_alive(str(tmp_path)) == [kept.pid]
            kept.kill()


def test_what_has_not_come_to_its_group_yet_is_ended_as_before(groups: ReleaseGroups, tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"], env={**os.environ, MARKER: "r1"}) as loose:
        until(lambda: processes.find_marked({MARKER: "r1"}), 10)
        copies = Copies(Layout(root=tmp_path), groups)
        assert copies.of("r1", ()) == {loose.pid}
        copies.end_orphans({"r1"})
        assert loose.wait(5) == -9
