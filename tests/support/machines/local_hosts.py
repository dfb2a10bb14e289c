"""Real local hosts for tests: each with a folder and control groups of its own, and nothing left when it is let go."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from headway.infra.hosts import processes, procfs
from headway.infra.hosts.anchor_client import LinkedAnchor
from headway.infra.hosts.anchor_start import marks
from headway.infra.hosts.base import AnchorSpec, StopMode
from headway.infra.hosts.command import Account, Command, command
from headway.infra.hosts.local import LocalHost
from headway.kernel.ids import new_id
from tests.support.panel.panel import PATIENCE

PATH = "/usr/local/bin:/usr/bin:/bin"
# How many processes an account has is counted over the machine: each process of the tests has accounts of its own.
_FIRST = 61201 + 2 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
BUILD = Account(uid=_FIRST, gid=_FIRST)
OTHER = Account(uid=_FIRST + 1, gid=_FIRST + 1)

# Hides from whoever would end it in each way that a shell knows.
TREE = "(setsid sleep 1000 & nohup sleep 1001 >/dev/null 2>&1 & env -i sleep 1002 &); sleep 1003 & echo up; sleep 1004"
# How long a kill may take with each of the modes, p99.
KILL_MS = {"both": 60.0, "no-cgroups": 150.0, "no-namespaces": 150.0, "neither": 150.0}

# The ways of holding a run's processes together, as arguments of LocalHost.
MODES: dict[str, dict[str, bool]] = {
    "both": {},
    "no-cgroups": {"use_cgroups": False},
    "no-namespaces": {"use_pid_namespaces": False},
    "neither": {"use_cgroups": False, "use_pid_namespaces": False},
}


@asynccontextmanager
async def local_host(root: Path, **options: object) -> AsyncIterator[LocalHost]:
    """A host, of a panel of its own unless that is named; at the end its runs are ended, and a complaint of an anchor
    fails the test.
    """
    panel_id = str(options.pop("panel_id", "") or new_panel_id())
    host = LocalHost(root, panel_id, **options)  # type: ignore[arg-type]  # the test names them right
    try:
        yield host
    finally:
        complaints = [text for file in root.glob("runs/*/anchor.err") if (text := file.read_text())]
        for handle in await host.remaining():
            await host.forget(handle)
        trees = (await host.capabilities()).trees
        await host.aclose()
    assert complaints == []
    assert [group for group in (trees.unified, trees.memory, trees.pids) if group and group.exists()] == []


def new_panel_id() -> str:
    """One that no other test has."""
    return f"test-{os.getpid()}-{new_id()[:8].strip('-_')}"


async def run(host: LocalHost, *, total_seconds: float = 100, deployment_id: str | None = None) -> LinkedAnchor:
    """An anchor that has had its go-ahead."""
    spec = AnchorSpec(deployment_id=deployment_id or new_id(), epoch=1, total_seconds=total_seconds)
    anchor = await host.open_anchor(spec)
    await anchor.go()
    return anchor


def shell(text: str, account: Account | None = None, **options: object) -> Command:
    """A command line, on a clean path."""
    env = {"PATH": PATH} | dict(options.pop("env", {}))  # type: ignore[call-overload]
    return command("/bin/sh", "-c", text, account=account, env=env, **options)


async def until(fact: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Waits for a fact."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.005)


async def output(anchor: LinkedAnchor) -> str:
    """All that the run has put out so far."""
    return (await anchor.read(0, 64 << 20)).decode()


def living(anchor: LinkedAnchor) -> list[int]:
    """The processes of a run, its anchor aside, by their marks and by their ancestry."""
    run_marks = marks(anchor.handle.deployment_id, anchor.handle.epoch)
    found = processes.find_marked(run_marks)
    return [process.pid for process in found if process.pid != anchor.handle.pid]


def with_argument(text: str) -> list[int]:
    """The processes that have a text among their arguments, whatever their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            given = (folder / "cmdline").read_bytes() or Path(
                procfs.folder_of(int(folder.name)), "cmdline"
            ).read_bytes()
            if text.encode() in given.split(b"\0"):
                found.append(int(folder.name))
    return found


async def kill_times(root: Path, mode: str, kills: int) -> list[float]:
    """How many milliseconds each of so many kills took, from the call to the proof that nothing is left, ascending."""
    opened, killed = [], []
    async with local_host(root, **MODES[mode]) as host:
        await host.capabilities()
        for number in range(kills):
            begin = time.perf_counter()
            anchor = await host.open_anchor(AnchorSpec(deployment_id=f"d{number}", epoch=1, total_seconds=60))
            opened.append((time.perf_counter() - begin) * 1000)
            await anchor.go()
            await anchor.start("build", shell(TREE, BUILD))
            await anchor.changed(0)
            begin = time.perf_counter()
            await anchor.stop(StopMode.KILL)
            killed.append((time.perf_counter() - begin) * 1000)
            assert living(anchor) == []
            await anchor.close()
    for what, times in (("handle", sorted(opened)), ("kill", sorted(killed))):
        most = times[len(times) * 99 // 100 - 1]
        print(f"{mode}: {what} median {statistics.median(times):.1f} ms, p99 {most:.1f} ms")
    return sorted(killed)
