"""What came into a container is ended there and nothing else, by its group, by its mark, and by a look from inside."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.drivers.runtimes.container.exec_session import MARK, ExecSession
from headway.infra.docker.api import DockerApi, unix_socket
from headway.infra.hosts import cgroups, nested_groups, processes, procfs
from headway.kernel.errors import Unavailable
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]


@pytest.fixture
def container(docker_engine: Engine) -> Iterator[str]:
    container_id = docker_engine.docker("run", "--detach", BASE_IMAGE, "sleep", "7601").strip()
    yield container_id
    docker_engine.docker("rm", "--force", container_id)


def pid_of(engine: Engine, container: str) -> int:
    """Its first process."""
    return int(engine.docker("inspect", "--format", "{{.State.Pid}}", container))


def come_in(engine: Engine, within: ExecSession, script: str) -> list[procfs.Process]:
    """Starts something inside that carries the mark."""
    mark = f"--env={MARK}={within.run_id}"
    engine.docker("exec", "--detach", mark, within.container_id, "sh", "-c", script)
    return until(lambda: processes.find_marked(within.marks), 10)


async def test_a_group_within_that_of_the_container_holds_what_has_lost_its_mark(
    docker_engine: Engine, container: str
) -> None:
    first = pid_of(docker_engine, container)
    within = ExecSession.of(container, first, "run-a", "/nowhere")
    assert within.group is not None
    for process in come_in(docker_engine, within, "sleep 1; env -i setsid sleep 7604 & exec sleep 7605"):
        nested_groups.join(Path(within.group), process.pid, lambda _: True)
    until(lambda: len(cgroups.members(Path(str(within.group)))) == 2, 10, what="what has thrown its mark away")
    await within.end(DockerApi(unix_socket(str(docker_engine.socket))))
    assert processes.find_marked(within.marks) == []
    assert not Path(within.group).exists()
    assert procfs.look(first) is not None


@pytest.mark.parametrize("how", ["by the mark", "without rights", "an engine elsewhere"])
async def test_without_a_group_what_carries_the_mark_is_ended(
    docker_engine: Engine, container: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    first = pid_of(docker_engine, container)
    if how == "without rights":
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    counted = os.getpid() if how == "an engine elsewhere" else first  # there another process has the number
    within = ExecSession.of(container, counted, "run-b", "/nowhere", use_group=how != "by the mark")
    assert (within.group, within.seen) == (None, how == "by the mark")
    come_in(docker_engine, within, "setsid sleep 7602 & sleep 7603")
    await within.end(DockerApi(unix_socket(str(docker_engine.socket))))
    assert processes.find_marked(within.marks) == []
    assert procfs.look(first) is not None


async def test_what_is_gone_or_away_is_told_apart(docker_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    within = ExecSession.of("0" * 64, None, "run-c", "/nowhere")
    await within.end(DockerApi(unix_socket(str(docker_engine.socket))))
    with pytest.raises(Unavailable):
        await within.end(DockerApi(unix_socket("/nowhere.sock")))


async def test_what_carries_the_mark_elsewhere_is_neither_moved_nor_let_in_nor_ended(
    docker_engine: Engine, container: str
) -> None:
    """An environment is anybody's to choose: whoever knows the word stays where its own bounds and gates are."""
    within = ExecSession.of(container, pid_of(docker_engine, container), "run-d", "/nowhere")
    opened = asyncio.Event()

    async def open_gate() -> None:
        opened.set()

    with subprocess.Popen(["sleep", "7606"], env={**os.environ, **within.marks}) as elsewhere:
        try:
            until(lambda: processes.find_marked(within.marks), 10)
            before = procfs.groups(procfs.folder_of(elsewhere.pid))
            entering = asyncio.create_task(within.let_in(open_gate))
            await asyncio.sleep(0.5)
            assert not opened.is_set(), "nobody has come in yet"
            mark = f"--env={MARK}={within.run_id}"
            docker_engine.docker("exec", "--detach", mark, container, "sh", "-c", "sleep 7607; true")
            async with asyncio.timeout(10):
                await opened.wait()
            (inside, *_) = cgroups.members(Path(str(within.group)))
            assert inside.pid != elsewhere.pid
            assert procfs.groups(procfs.folder_of(elsewhere.pid)) == before
            await within.end(DockerApi(unix_socket(str(docker_engine.socket))))
            async with asyncio.timeout(10):
                await entering
            assert [each.pid for each in processes.find_marked(within.marks)] == [elsewhere.pid]
            assert elsewhere.poll() is None
        finally:
            elsewhere.kill()
