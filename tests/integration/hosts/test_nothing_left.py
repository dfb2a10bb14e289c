"""Nothing that a run started outlives its end, and nothing else is touched, however the machine holds it together."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from headway.infra.hosts import procfs
from headway.infra.hosts.anchor_client import LinkedAnchor
from headway.infra.hosts.base import Cause, StopMode
from headway.infra.hosts.command import Command
from tests.support.applications.led_no_more import LED_NO_MORE
from tests.support.machines.local_hosts import BUILD, MODES, local_host, run, shell, until, with_argument

pytestmark = pytest.mark.root

ESCAPES = {
    "fork": "sleep {} &",
    "double fork": "( (sleep {} &) & )",
    "setsid": "setsid sleep {} &",
    "nohup": "nohup sleep {} >/dev/null 2>&1 &",
    "deaf": "(trap '' HUP INT TERM; sleep {}; sleep {}) &",
    "env -i": "env -i sleep {} &",
    "env -i setsid": "env -i setsid sleep {} &",
    "env -i setsid, double fork": "( (env -i setsid sleep {} &) & )",
    "its first thread leaves": f"setsid {LED_NO_MORE} {{}} &",
    "env -i setsid, its first thread leaves": f"env -i setsid {LED_NO_MORE} {{}} &",
}


class Escapes:
    """A command line that leaves a child in every way that there is; each can be found by its argument."""

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        stem = f"9{secrets.randbelow(10**9):09}"
        self.arguments = {way: f"{stem}{number}" for number, way in enumerate(ESCAPES) if way not in without}
        lines = [ESCAPES[way].replace("{}", argument) for way, argument in self.arguments.items()]
        self.text = "\n".join(lines)

    def pids(self) -> list[int]:
        return [pid for argument in self.arguments.values() for pid in with_argument(argument)]

    async def all_run(self) -> list[int]:
        await until(lambda: all(with_argument(argument) for argument in self.arguments.values()))
        led = [argument for way, argument in self.arguments.items() if LED_NO_MORE in ESCAPES[way]]
        await until(lambda: all("/task/" in procfs.folder_of(pid) for each in led for pid in with_argument(each)))
        return self.pids()


def existing(pids: list[int]) -> list[int]:
    """Those that are there, dead and unburied ones too."""
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


async def started(anchor: LinkedAnchor, name: str, command: Command, escapes: Escapes) -> list[int]:
    await anchor.start(name, command)
    return await escapes.all_run()


@pytest.mark.parametrize("mode", MODES)
async def test_a_kill_leaves_none_and_spares_a_neighbour_of_the_same_account(tmp_path: Path, mode: str) -> None:
    async with local_host(tmp_path, **MODES[mode]) as host:
        ours, neighbours = Escapes(), Escapes()
        anchor, neighbour = await run(host), await run(host)
        theirs = await started(neighbour, "build", shell(f"{neighbours.text}\nsleep 1000", BUILD), neighbours)
        pids = await started(anchor, "build", shell(f"{ours.text}\nsleep 1000", BUILD), ours)
        await anchor.stop(StopMode.KILL)
        assert existing(pids) == []
        assert ours.pids() == []
        assert (await anchor.wait("build")).cause is Cause.KILLED
        assert existing(theirs) == theirs
        await neighbour.close()
        assert existing(theirs) == []


@pytest.mark.parametrize("mode", MODES)
async def test_the_end_of_a_command_leaves_none_and_no_daemon_holds_it_open(tmp_path: Path, mode: str) -> None:
    async with local_host(tmp_path, **MODES[mode]) as host:
        escapes = Escapes()
        anchor = await run(host)
        go_on = tmp_path / "go-on"
        line = f"{escapes.text}\nuntil test -e {go_on}; do sleep 0.01; done; echo over; exit 3"
        tmp_path.chmod(0o755)
        pids = await started(anchor, "build", shell(line), escapes)
        go_on.touch()
        ended = await anchor.wait("build")
        assert (ended.statuses, ended.cause) == ((3,), None)
        assert existing(pids) == []
        assert await anchor.read(0, 100) == b"over\n"


@pytest.mark.parametrize("mode", MODES)
async def test_a_cancel_leaves_none_after_its_grace(tmp_path: Path, mode: str) -> None:
    async with local_host(tmp_path, **MODES[mode]) as host:
        escapes = Escapes()
        anchor = await run(host)
        line = f"trap 'echo asked' TERM\n{escapes.text}\nwhile :; do sleep 1000; done"
        pids = await started(anchor, "build", shell(line, BUILD), escapes)
        await anchor.stop(StopMode.CANCEL, grace_seconds=0.3)
        assert existing(pids) == []
        assert (await anchor.wait("build")).cause is Cause.CANCELLED
        assert b"asked\n" in await anchor.read(0, 1000)


@pytest.mark.parametrize("mode", MODES)
async def test_what_never_stops_forking_is_ended(tmp_path: Path, mode: str) -> None:
    async with local_host(tmp_path, **MODES[mode]) as host:
        argument = f"9{secrets.randbelow(10**9)}"
        anchor = await run(host)
        line = f"while :; do (env -i setsid sleep {argument} &); sleep 0.002; done"
        await anchor.start("build", shell(line, BUILD))
        await until(lambda: len(with_argument(argument)) > 10)
        await anchor.stop(StopMode.KILL)
        assert with_argument(argument) == []


@pytest.mark.parametrize("mode", MODES)
async def test_an_undo_beside_it_is_spared_with_all_its_children(tmp_path: Path, mode: str) -> None:
    async with local_host(tmp_path, **MODES[mode]) as host:
        undo, build = Escapes(), Escapes()
        anchor = await run(host)
        await anchor.start("undo", shell(f"{undo.text}\nsleep 1000", BUILD), undo=True)
        spared = await undo.all_run()
        pids = await started(anchor, "build", shell(f"{build.text}\nsleep 1000", BUILD), build)
        await anchor.stop(StopMode.KILL)
        assert existing(pids) == []
        assert existing(spared) == spared


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.slow
async def test_what_a_dead_anchor_left_is_swept(tmp_path: Path, mode: str) -> None:
    async with local_host(tmp_path, **MODES[mode]) as host:
        escapes, neighbours = Escapes(), Escapes()
        anchor, neighbour = await run(host), await run(host)
        theirs = await started(neighbour, "build", shell(f"{neighbours.text}\nsleep 1000", BUILD), neighbours)
        pids = await started(anchor, "build", shell(f"{escapes.text}\nsleep 1000", BUILD), escapes)
        os.kill(anchor.handle.pid, 9)
        await host.sweep(anchor.handle)
        await until(lambda: existing(pids) == [])  # whoever adopted the dead buries them
        assert existing(theirs) == theirs


async def test_without_the_kernels_help_only_a_child_with_a_clean_environment_and_a_session_of_its_own_is_missed(
    tmp_path: Path,
) -> None:
    missed = frozenset(way for way in ESCAPES if way.startswith("env -i setsid"))
    await _kill_without_system_calls(tmp_path, "neither", missed)


async def test_control_groups_miss_nothing_where_the_system_calls_are_not_known(tmp_path: Path) -> None:
    await _kill_without_system_calls(tmp_path, "no-namespaces", frozenset())


async def _kill_without_system_calls(tmp_path: Path, mode: str, missed: frozenset[str]) -> None:
    async with local_host(tmp_path, **MODES[mode], machine="unknown") as host:
        assert not (await host.capabilities()).adopts_orphans
        escapes = Escapes(without=missed)
        anchor = await run(host)
        pids = await started(anchor, "build", shell(f"{escapes.text}\nsleep 1000", BUILD), escapes)
        await anchor.stop(StopMode.KILL)
        await until(lambda: existing(pids) == [])  # orphans are init's to bury here
        assert escapes.pids() == []
