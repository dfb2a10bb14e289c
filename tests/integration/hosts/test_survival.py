"""A run outlives the panel that started it, and nothing runs that no panel knows."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headway.infra.hosts import processes
from headway.infra.hosts.base import AnchorGone, AnchorSpec, Cause, EpochPassed, Exit, GoneReason, Handle, StopMode
from headway.infra.hosts.local import LocalHost
from tests.support.machines.local_hosts import local_host, output, run, shell, until

OPENER = Path(__file__).with_name("opener.py")


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    async with local_host(tmp_path) as host:
        yield host


class Opener:
    """The other panel."""

    def __init__(self, host: LocalHost, root: Path, line: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(OPENER), str(root), host._panel_id, "abc", line],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.handle = Handle.load(self.hear())

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def say(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def opener(host: LocalHost, root: Path, line: str) -> Iterator[Opener]:
    other = Opener(host, root, line)
    try:
        yield other
    finally:
        other.kill()


async def test_command_output_and_end_outlive_a_killed_panel(host: LocalHost, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    line = f"echo before; until test -e {go_on}; do sleep 0.01; done; echo after; exit 9"
    with opener(host, tmp_path, line) as other:
        other.say()
        assert other.hear() == "started"
        other.kill()
    anchor = await host.attach(other.handle, 1)
    go_on.touch()
    assert await anchor.wait("build") == Exit(statuses=(9,))
    assert await output(anchor) == "before\nafter\n"


async def test_a_panel_that_dies_before_its_go_ahead_leaves_nothing_running(host: LocalHost, tmp_path: Path) -> None:
    with opener(host, tmp_path, "echo ran") as other:
        assert processes.is_alive(other.handle.pid, other.handle.start_time)
    await until(lambda: not processes.is_alive(other.handle.pid, other.handle.start_time))
    with pytest.raises(AnchorGone) as gone:
        await host.attach(other.handle, 1)
    assert gone.value.reason is GoneReason.NEVER_STARTED
    assert (Path(other.handle.run_folder) / "never_started").exists()
    assert await host.read_output(other.handle, 0, 100) == b""


async def test_a_panel_that_slept_over_its_lease_starts_nothing(host: LocalHost, tmp_path: Path) -> None:
    with opener(host, tmp_path, "echo ran") as other:
        other.process.send_signal(signal.SIGSTOP)
        await host.raise_epoch("abc", 2)
        with pytest.raises(AnchorGone):
            await host.attach(other.handle, 2)
        other.process.send_signal(signal.SIGCONT)
        other.say()
        assert other.process.wait(10) == 1
        assert other.hear() == ""
    assert await host.read_output(other.handle, 0, 100) == b""


async def test_many_connections_come_and_go(host: LocalHost) -> None:
    anchor = await run(host)
    await anchor.start("build", shell("echo x; sleep 1000"))
    others = [await host.attach(anchor.handle, 1) for _ in range(20)]
    waits = [asyncio.ensure_future(other.wait("build")) for other in others]  # noqa: TID251 - gathered below
    await asyncio.gather(*(other.changed(0) for other in others))
    for other in others[:10]:
        other.disconnect()
    await anchor.stop(StopMode.KILL)
    assert {ended.statuses for ended in await asyncio.gather(*waits)} == {(-9,)}


async def test_a_client_that_is_cut_off_in_the_middle_of_a_request_disturbs_nobody(host: LocalHost) -> None:
    anchor = await run(host)
    folder = os.open(anchor.handle.run_folder, os.O_PATH)
    socket = f"/proc/self/fd/{folder}/socket"
    _, writer = await asyncio.open_unix_connection(socket)
    writer.write(b"\0\0\0\x50half a request")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    _, writer = await asyncio.open_unix_connection(socket)
    os.close(folder)
    writer.write(b"\xff\xff\xff\xffmuch too long")
    await anchor.say("1", "still here")
    assert await output(anchor) == "still here\n"
    writer.close()
    await writer.wait_closed()


async def test_the_anchor_deafens_itself_to_all_but_a_kill(host: LocalHost) -> None:
    anchor = await run(host)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE):
        os.kill(anchor.handle.pid, number)
    await anchor.say("1", "still here")
    assert os.getsid(anchor.handle.pid) == anchor.handle.pid


async def test_a_wait_that_has_begun_ends_when_the_anchor_does(host: LocalHost) -> None:
    anchor = await run(host)
    await anchor.start("build", shell("echo x; sleep 1000"))
    await anchor.changed(0)
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(_reason(ask)) for ask in (anchor.wait("build"), anchor.changed(2))]
        await asyncio.sleep(0)
        os.kill(anchor.handle.pid, 9)
    assert [task.result() for task in waiting] == [GoneReason.GONE, GoneReason.GONE]


async def _reason(ask: object) -> GoneReason | None:
    try:
        await ask  # type: ignore[misc]  # a coroutine of either call
    except AnchorGone as gone:
        return gone.reason
    return None


async def test_a_start_that_is_repeated_after_a_lost_connection_runs_once(host: LocalHost, tmp_path: Path) -> None:
    anchor = await run(host)
    await anchor.start("build", shell(f"echo ran >> {tmp_path}/notes"))
    anchor.disconnect()
    await anchor.start("build", shell(f"echo ran >> {tmp_path}/notes"))
    assert (await anchor.wait("build")).succeeded
    assert (tmp_path / "notes").read_text() == "ran\n"


async def test_deadlines_hold_without_a_panel_and_an_anchor_that_nobody_asks_ends_itself(host: LocalHost) -> None:
    host._linger_seconds = 1
    anchor = await run(host, total_seconds=0.5)
    await anchor.start("build", shell("echo x; sleep 1000"))
    await anchor.changed(0)
    anchor.disconnect()
    await until(lambda: not processes.is_alive(anchor.handle.pid, anchor.handle.start_time))
    assert await anchor.wait("build") == Exit(statuses=(-9,), cause=Cause.TOTAL_TIMEOUT)
    with pytest.raises(AnchorGone):
        await anchor.say("1", "x")


async def test_a_cancelled_opening_leaves_an_anchor_that_ends(host: LocalHost) -> None:
    await host.capabilities()
    spec = AnchorSpec(deployment_id="abc", epoch=1, total_seconds=10)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.002):
            await host.open_anchor(spec)
    await until((host._runs / "abc.1" / "handle").exists)
    (handle,) = await host.remaining()
    await until(lambda: not processes.is_alive(handle.pid, handle.start_time))


async def test_raising_an_epoch_waits_for_the_fence(host: LocalHost) -> None:
    await host.raise_epoch("abc", 1)
    async with asyncio.TaskGroup() as group:
        async with host.fence("abc", 1):
            raising = group.create_task(host.raise_epoch("abc", 2))
            await asyncio.sleep(0.05)  # long enough for a raise that does not wait
            assert not raising.done()
        await raising
    with pytest.raises(EpochPassed):
        async with host.fence("abc", 1):
            pytest.fail("the fence let an earlier epoch in")


async def test_a_long_path_of_the_data_folder_does_not_matter(tmp_path: Path) -> None:
    async with local_host(tmp_path / ("long" * 50) / "x") as host:
        anchor = await run(host)
        await anchor.say("1", "here")
        assert await output(anchor) == "here\n"


async def test_nothing_that_the_panel_has_open_reaches_a_command(host: LocalHost) -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)  # noqa: FBT003 - its only argument
    try:
        anchor = await run(host)
        await anchor.start("build", shell("exec ls /proc/self/fd"))
        assert (await anchor.wait("build")).succeeded
        assert (await output(anchor)).split() == ["0", "1", "2", "3"]  # 3 is the folder that ls reads
        held = [str(link.readlink()) for link in Path(f"/proc/{anchor.handle.pid}/fd").iterdir()]
        assert f"pipe:[{os.fstat(write_end).st_ino}]" not in held
    finally:
        os.close(read_end)
        os.close(write_end)
