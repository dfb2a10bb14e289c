"""What a command may use is bounded, by whatever this machine has for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headway.infra.hosts.base import Cause, StopMode
from headway.infra.hosts.command import Limits
from headway.infra.hosts.local import LocalHost
from tests.support.machines.local_hosts import BUILD, MODES, OTHER, local_host, output, run, shell

pytestmark = pytest.mark.root

EAT = "import time\nfood = bytearray()\nwhile True: food += b'x' * (8 << 20); time.sleep(0.001)"
FORK = """
import os, time
children = 0
try:
    for _ in range(100):
        if os.fork() == 0: time.sleep(1000)
        children += 1
except OSError as error:
    print(children, error.strerror, flush=True)
"""


@pytest.fixture(params=["both", "no-cgroups"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LocalHost]:
    async with local_host(tmp_path, **MODES[request.param]) as host:
        yield host


def python(text: str) -> str:
    return f'exec /usr/bin/python3 -c "{text}"'


async def test_memory_is_bounded(host: LocalHost) -> None:
    anchor = await run(host)
    limits = Limits(memory_bytes=80 << 20, oom_score_adj=500)
    await anchor.start("build", shell(python(EAT), BUILD, limits=limits, step_seconds=60))
    ended = await anchor.wait("build")
    assert not ended.succeeded
    by_group = (await host.capabilities()).memory_bound != "rlimit"
    assert ended.cause is (Cause.OUT_OF_MEMORY if by_group else None)
    assert ended.statuses == ((-9,) if by_group else (1,))
    if not by_group:
        assert "MemoryError" in await output(anchor)
    await anchor.start("next", shell("echo fine", BUILD, limits=limits))
    assert (await anchor.wait("next")).succeeded


async def test_a_command_that_survives_a_victim_of_the_memory_bound_has_succeeded(tmp_path: Path) -> None:
    async with local_host(tmp_path) as host:
        anchor = await run(host)
        line = f'/usr/bin/python3 -c "{EAT}" || echo survived'
        await anchor.start("build", shell(line, limits=Limits(memory_bytes=80 << 20)))
        ended = await anchor.wait("build")
        assert (ended.succeeded, ended.cause) == (True, None)
        assert "survived\n" in await output(anchor)


async def test_processes_are_bounded(host: LocalHost) -> None:
    anchor = await run(host)
    await anchor.start("build", shell(python(FORK), BUILD, limits=Limits(processes=20)))
    assert (await anchor.wait("build")).succeeded
    children, _, reason = (await output(anchor)).strip().partition(" ")
    assert int(children) == 19
    assert reason == "Resource temporarily unavailable"


async def test_a_fork_bomb_within_its_bounds_is_ended(host: LocalHost) -> None:
    anchor = await run(host)
    bomb = "echo go; bomb() { bomb | bomb & }; bomb; sleep 1000"
    await anchor.start("build", shell(bomb, OTHER, limits=Limits(processes=60)))
    await anchor.changed(0)
    await anchor.stop(StopMode.KILL)
    assert (await anchor.wait("build")).cause is Cause.KILLED


async def test_files_are_bounded_in_number_and_size(host: LocalHost, tmp_path: Path) -> None:
    anchor = await run(host)
    limits = Limits(open_files=33, file_bytes=4096)
    line = f"ulimit -n; ulimit -Hn; ulimit -c; head -c 10000 /dev/zero > {tmp_path}/big; stat -c %s {tmp_path}/big"
    await anchor.start("build", shell(line, limits=limits))
    assert (await anchor.wait("build")).succeeded
    assert [word for word in (await output(anchor)).split() if word.isdigit()] == ["33", "33", "0", "4096"]


async def test_a_command_is_a_likelier_victim_than_its_anchor(host: LocalHost) -> None:
    anchor = await run(host)
    await anchor.start("plain", shell("cat /proc/self/oom_score_adj", BUILD))
    assert (await anchor.wait("plain")).succeeded
    await anchor.start("build", shell("cat /proc/self/oom_score_adj", BUILD, limits=Limits(oom_score_adj=300)))
    assert (await anchor.wait("build")).succeeded
    assert await output(anchor) == "0\n300\n"
    if _may_lower_scores():
        assert Path(f"/proc/{anchor.handle.pid}/oom_score_adj").read_text() == "-900\n"


def _may_lower_scores() -> bool:
    """Whether we have CAP_SYS_RESOURCE, which root of a container may lack."""
    lines = Path("/proc/self/status").read_text().splitlines()
    capabilities = next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))
    return bool(capabilities >> 24 & 1)


async def test_without_limits_nothing_is_bounded(host: LocalHost) -> None:
    anchor = await run(host)
    await anchor.start("build", shell("ulimit -d; ulimit -f"))
    assert (await anchor.wait("build")).succeeded
    assert (await output(anchor)).split() == ["unlimited", "unlimited"]


async def test_the_programs_of_util_linux_do_it_where_the_system_calls_are_not_known(tmp_path: Path) -> None:
    async with local_host(tmp_path, **MODES["neither"], machine="unknown") as host:
        anchor = await run(host)
        limits = Limits(open_files=33, processes=500)
        line = "ulimit -n; ulimit -c; id -u; grep NoNewPrivs /proc/self/status"
        await anchor.start("build", shell(line, BUILD, limits=limits))
        assert (await anchor.wait("build")).succeeded
        assert (await output(anchor)).split() == ["33", "0", str(BUILD.uid), "NoNewPrivs:", "1"]


async def test_a_build_sees_no_control_group_of_others(tmp_path: Path) -> None:
    """Their folders are called after deployments, releases and containers, and say what each of them uses."""
    look = "find /sys/fs/cgroup -mindepth 1; cat /proc/self/cgroup; mkdir /sys/fs/cgroup/x || echo closed"
    async with local_host(tmp_path, **MODES["both"]) as host:
        other, anchor = await run(host), await run(host)
        await other.start("other", shell("sleep 60", OTHER, limits=Limits(processes=20)))
        await anchor.start("build", shell(look, BUILD, limits=Limits(processes=77, confined=True)))
        assert (await anchor.wait("build")).succeeded
        said = await output(anchor)
        assert [line for line in said.splitlines() if line.startswith("/sys/")] == []
        assert said.endswith("closed\n")
        await anchor.start("beside", shell("find /sys/fs/cgroup -mindepth 1 || true", BUILD))  # it is no build
        assert (await anchor.wait("beside")).succeeded
        assert "/sys/fs/cgroup/" in (await output(anchor)).removeprefix(said)
        await other.stop(StopMode.KILL)
