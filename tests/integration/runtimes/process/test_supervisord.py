"""What happens to releases when supervisord, the panel or the machine goes away, and when a program file goes bad."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from pathlib import Path

import pytest

from headway.drivers.runtimes.contract.runtime import ProcessState, Unhealthy
from headway.drivers.runtimes.process import programs
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.infra.hosts import processes, procfs
from headway.kernel.artifacts import HealthCheck, HealthKind, ReleaseSpec
from headway.kernel.errors import InvalidInput
from tests.integration.runtimes.bench import (
    PYTHON,
    Work,
    fetch_json,
    make_runtime,
    make_spec,
    run,
    settle,
    until,
    until_async,
)


async def run_web(runtime: NativeRuntime, work: Work, spec: ReleaseSpec) -> int:
    await run(runtime, work, spec)
    return int(fetch_json(spec.port)["pid"])


@pytest.mark.slow
async def test_a_killed_supervisord_is_replaced_and_no_copy_runs_twice(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    specs = [make_spec(folder, processes={"web": f"{PYTHON} app.py", "worker": "sleep 600"}) for _ in range(2)]
    before = [await run_web(runtime, work, spec) for spec in specs]
    killed = runtime.supervisor_pid()
    _kill(killed)
    assert [fetch_json(spec.port)["pid"] for spec in specs] == before  # orphans serve until they are replaced
    await runtime.watch()
    assert runtime.supervisor_pid() not in {None, killed}
    for spec, old in zip(specs, before, strict=True):
        await runtime.healthy(work, spec)
        assert fetch_json(spec.port)["pid"] != old
        assert not await runtime.crashed(spec.release_id)
    copies = [pid for pid in procfs.pids() if procfs.argv(pid) == (PYTHON, "app.py") and _below(pid, folder)]
    assert len(copies) == len(specs)
    assert [pid for pid in before if procfs.start_time(pid) is not None] == []


@pytest.mark.slow
async def test_a_supervisord_killed_during_a_health_check_costs_no_deploy(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    health = HealthCheck(kind=HealthKind.SETTLE, settle_seconds=1.5, deadline_seconds=30)
    spec = make_spec(folder, health=health)
    await runtime.prepare(work, spec)
    await runtime.start(work, spec)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(runtime.healthy(work, spec))
        await until(lambda: bool(_listening(spec)))
        _kill(runtime.supervisor_pid())
        await waiting
    assert await runtime.running() == {spec.release_id}


async def test_the_next_panel_adopts_what_runs(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder)
    pid = await run_web(runtime, work, spec)
    next_panel = make_runtime(folder)
    await next_panel.ensure()
    assert next_panel.supervisor_pid() == runtime.supervisor_pid()
    assert await next_panel.running() == {spec.release_id}
    assert not await next_panel.crashed(spec.release_id)
    assert fetch_json(spec.port)["pid"] == pid


async def test_a_panel_that_died_before_it_wrote_the_pid_down_leaves_no_second_supervisord(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    spec = make_spec(folder)
    pid = await run_web(runtime, work, spec)
    (folder / "runtime/supervisord/daemon.json").unlink()
    next_panel = make_runtime(folder)
    await next_panel.ensure()
    assert next_panel.supervisor_pid() == runtime.supervisor_pid()
    assert fetch_json(spec.port)["pid"] == pid


async def test_after_a_reboot_comes_up_what_was_up_and_nothing_else(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    up, stopped, prepared = make_spec(folder, env={"KEPT": "yes"}), make_spec(folder), make_spec(folder)
    await run(runtime, work, up)
    await run(runtime, work, stopped)
    await runtime.stop(stopped.release_id)
    await runtime.prepare(work, prepared)
    # What a reboot leaves: the files, and nothing that lives.
    _kill(runtime.supervisor_pid())
    for pid in [pid for pid, value in processes.marked_with("HEADWAY_RELEASE_ID").items() if value == up.release_id]:
        _kill(pid)
    after = make_runtime(folder)
    await after.ensure()
    await after.healthy(work, up)
    assert fetch_json(up.port)["env"]["KEPT"] == "yes"
    assert await after.running() == {up.release_id}
    assert await after.known() == {up.release_id, stopped.release_id, prepared.release_id}


async def test_stopping_works_while_supervisord_is_away(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder)
    pid = await run_web(runtime, work, spec)
    _kill(runtime.supervisor_pid())
    await runtime.stop(spec.release_id)
    assert procfs.start_time(pid) is None
    await runtime.ensure()
    assert await runtime.running() == set()


async def test_a_bad_program_file_stops_nobody_else(
    runtime: NativeRuntime, work: Work, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = folder / "runtime/supervisord/programs"
    good = make_spec(folder)
    await run(runtime, work, good)
    (files / "rbad.conf").write_text("[program:rbad\ncommand=")
    sound = (files / f"r{good.release_id}.conf").read_text()
    # In our own form, and yet one that supervisord does not take: its log's folder is gone.
    (files / "rgone.conf").write_text(
        sound.replace(f"r{good.release_id}", "rgone").replace("/logs/shop/", "/logs/gone/")
    )
    await run(runtime, work, make_spec(folder))
    assert sorted(path.name for path in files.glob("*.bad")) == ["rbad.bad", "rgone.bad"]
    assert len(await runtime.running()) == 2
    assert "rgone.bad" in str([vars(record).get("file") for record in caplog.records])
    # The same at a start.
    (files / "rgone.bad").rename(files / "rgone.conf")
    (files / "rbad.bad").rename(files / "rbad.conf")
    _kill(runtime.supervisor_pid())
    await runtime.ensure()
    assert len(await runtime.running()) == 2


async def test_what_was_given_up_is_started_again_when_it_is_asked_for(
    runtime: NativeRuntime, work: Work, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "START_RETRIES", 0)
    failing = "test -e ../../repaired && exec sleep 600; exit 1"
    spec = make_spec(folder, processes={"worker": failing}, port=None, health=settle(0.3))
    with pytest.raises(Unhealthy):
        await run(runtime, work, spec)
    assert (await runtime.status(spec.release_id)).processes[0].state is ProcessState.GIVEN_UP
    (folder / "repaired").touch()
    await runtime.start_again(spec.release_id)
    await until_async(lambda: _up(runtime, spec))


async def _up(runtime: NativeRuntime, spec: ReleaseSpec) -> bool:
    return (await runtime.status(spec.release_id)).up


async def test_many_releases_start_at_once(runtime: NativeRuntime, folder: Path) -> None:
    specs = [make_spec(folder) for _ in range(6)]
    async with asyncio.TaskGroup() as group:
        for spec in specs:
            group.create_task(run(runtime, Work(), spec))
    assert await runtime.running() == {spec.release_id for spec in specs}
    async with asyncio.TaskGroup() as group:
        for spec in specs:
            group.create_task(runtime.remove(spec.release_id))
    assert await runtime.running() == set()


async def test_an_identifier_may_begin_with_a_hyphen(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder, release_id="-_" + "a" * 19)
    await run(runtime, work, spec)
    assert await runtime.running() == {spec.release_id}
    await runtime.remove(spec.release_id)


async def test_a_deep_folder_has_its_socket_elsewhere(work: Work, folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    runtime = make_runtime(deep, use_cgroups=False)
    await runtime.ensure()
    socket = runtime._supervisord._socket
    try:
        assert socket.exists()
        assert len(str(socket)) < 100
        assert socket.parent.stat().st_mode & 0o777 == 0o700
    finally:
        await runtime.shut_down()
        shutil.rmtree(socket.parent)
        with contextlib.suppress(OSError):
            socket.parent.parent.rmdir()


def test_a_folder_that_supervisord_cannot_name_is_refused(folder: Path) -> None:
    odd = folder / "a;b"
    odd.mkdir()
    with pytest.raises(InvalidInput, match="Choose another data directory"):
        make_runtime(odd)


@pytest.mark.slow
async def test_a_supervisord_that_hangs_is_replaced(
    runtime: NativeRuntime, work: Work, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headway.drivers.runtimes.process import rpc, supervisord

    spec = make_spec(folder)
    await run(runtime, work, spec)
    monkeypatch.setattr(rpc, "_DEADLINE_SECONDS", 2)
    monkeypatch.setattr(supervisord, "_SILENCE_SECONDS", 3)
    hung = runtime.supervisor_pid() or 0
    os.kill(hung, signal.SIGSTOP)
    for _ in range(4):
        try:
            await runtime.watch()
        except rpc.SupervisordAway:
            continue
        break
    assert runtime.supervisor_pid() not in {None, hung}
    await runtime.healthy(work, spec)


def _kill(pid: int | None) -> None:
    assert pid
    processes.kill_until_gone(lambda: {pid} if procfs.start_time(pid) is not None else set())


def _below(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve().is_relative_to(folder)
    except OSError:
        return False


def _listening(spec: ReleaseSpec) -> bool:
    from headway.infra.hosts import sockets

    return any(listener.port == spec.port for listener in sockets.listeners())
