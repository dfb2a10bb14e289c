"""Native releases for real: supervisord, launchers, accounts, environments, cgroups, logs and ends."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
from pathlib import Path

import pytest

import headway
from headway.drivers.runtimes.contract.runtime import ProcessState, UnknownRelease
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.infra.hosts import procfs, sockets
from headway.kernel.artifacts import HealthCheck, HealthKind, ReleaseSpec
from headway.kernel.errors import InvalidInput
from tests.integration.runtimes.bench import (
    ACCOUNT,
    PYTHON,
    Work,
    fetch,
    fetch_json,
    make_runtime,
    make_spec,
    opened,
    run,
    settle,
    until,
    until_async,
)

AWKWARD = "first\nsecond 'single' \"double\" $HOME `x` \\ ; & ä € \t end\n"
# Prints its pid, then leaves children that have left its session, its parent and its environment behind.
SPREADING = """
import os, signal, subprocess, sys, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        os._exit(0)
subprocess.Popen(["env", *sys.argv[1:], "setsid", "sleep", "600"])
print("spread", flush=True)
time.sleep(600)
"""


async def test_a_release_serves_with_exactly_the_environment_it_was_given(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    given = {"AWKWARD": AWKWARD, "EMPTY": "", "MODE": "user's", "PORT": "1"}
    spec = make_spec(folder, env=given, bundle_env={"MODE": "builder's", "BUILT": "yes"})
    await run(runtime, work, spec)
    seen = fetch_json(spec.port)
    assert seen["env"] == {
        "AWKWARD": AWKWARD,
        "EMPTY": "",
        "MODE": "user's",
        "BUILT": "yes",
        "PORT": str(spec.port),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder / "runtime/homes/app-1"),
        "DATA_DIR": str(folder / "runtime/homes/app-1"),
        "LANG": "C.UTF-8",
        "HEADWAY_RELEASE_ID": spec.release_id,
        "HEADWAY_PROCESS": "web",
        "PWD": spec.bundle.folder,  # the shell's own
    }
    assert seen["cwd"] == spec.bundle.folder
    assert seen["ppid"] == runtime.supervisor_pid()
    healthy, layer = work.lines
    assert f"port {spec.port}" in healthy
    assert "thrown away with the process" in layer


@pytest.mark.root
async def test_a_release_has_its_account_and_no_way_back(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder)
    await run(runtime, work, spec)
    seen = fetch_json(spec.port)
    assert (seen["uid"], seen["gid"], seen["groups"]) == (ACCOUNT, ACCOUNT, [])
    assert "NoNewPrivs:\t1" in seen["status"]
    assert "CapEff:\t0000000000000000" in seen["status"]
    assert seen["umask"] == "0o27"
    home = (folder / "runtime/homes/app-1").stat()
    assert (home.st_uid, home.st_mode & 0o777) == (ACCOUNT, 0o700)


@pytest.mark.root
async def test_a_release_can_read_neither_the_key_nor_any_record_and_can_open_its_own_output(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    record = folder / f"runtime/releases/{'x' * 21}/release.json"
    script = (
        f"cat {folder}/vault.key {record} {folder}/runtime/supervisord/supervisord.conf; "
        "echo reopened > /dev/stderr; kill -0 1 2>&1; exec sleep 600"
    )
    spec = make_spec(folder, release_id="x" * 21, processes={"worker": script}, port=None, health=settle(0.3))
    await run(runtime, work, spec)
    written = await _written(runtime, lines=5)
    assert written.count("Permission denied") == 3, written
    assert "reopened" in written
    assert "not permitted" in written


async def test_no_file_holds_a_variable_in_plain_text(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    secret = "sup3r-s3cret-value"
    spec = make_spec(folder, env={"TOKEN": secret})
    await run(runtime, work, spec)
    assert fetch_json(spec.port)["env"]["TOKEN"] == secret
    files = [path for path in (folder / "runtime").rglob("*") if path.is_file()]
    assert any(path.name == "release.json" for path in files)
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
    assert [path for path in files if path.stat().st_mode & 0o077 and not path.is_symlink()] == []


async def test_what_is_shown_of_a_log_is_masked_before_it_is_cut_and_led_by_names(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    commands = {"one": "printf 's3cret\\nof two lines\\nlast\\n'; sleep 600", "two": "echo x; sleep 600"}
    spec = make_spec(folder, processes=commands, env={"TOKEN": "s3cret"}, port=None, health=settle(0.5))
    await run(runtime, work, spec)
    await _written(runtime, lines=4)
    shown = {tail: await runtime.read_logs("shop", tail=tail, masked=work.masked) for tail in (1, 2, 3)}
    assert shown[1] == "one | last\ntwo | x\n"
    assert shown[2] == shown[3] == "one | ******\none | last\ntwo | x\n"
    assert await runtime.variables(spec.release_id) == {"TOKEN": "s3cret"}
    assert await runtime.variables("unknown") == {}


async def test_releases_run_side_by_side_and_end_one_by_one(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    old, new = make_spec(folder), make_spec(folder)
    await run(runtime, work, old)
    await run(runtime, work, new)
    assert await runtime.running() == {old.release_id, new.release_id}
    await runtime.stop(old.release_id)
    assert await runtime.running() == {new.release_id}
    assert await runtime.known() == {old.release_id, new.release_id}
    assert fetch(new.port)[0] == 200
    with pytest.raises(OSError, match="refused"):
        fetch(old.port)


async def test_starting_and_ending_twice_is_the_same_as_once(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder)
    await run(runtime, work, spec)
    pid = fetch_json(spec.port)["pid"]
    await run(runtime, work, spec)
    assert fetch_json(spec.port)["pid"] == pid
    for _ in range(2):
        await runtime.stop(spec.release_id)
    for _ in range(2):
        await runtime.remove(spec.release_id)
    await runtime.remove("never-there")


async def test_a_stopped_release_starts_again(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder, env={"KEPT": AWKWARD})
    await run(runtime, work, spec)
    await runtime.stop(spec.release_id)
    assert (await runtime.status(spec.release_id)).processes == ()
    await runtime.start_again(spec.release_id)
    await runtime.healthy(work, spec)
    assert fetch_json(spec.port)["env"]["KEPT"] == AWKWARD
    assert (await runtime.status(spec.release_id)).up
    assert not await runtime.crashed(spec.release_id)


async def test_what_launchers_read_is_there_before_they_are_and_that_of_another_version_stays(
    work: Work, folder: Path
) -> None:
    root = folder / "runtime"
    (root / "launcher.py/in-the-way").mkdir(parents=True)
    (root / "launcher.json").write_text("of the version before")
    runtime = make_runtime(folder)
    with pytest.raises(IsADirectoryError):
        await runtime.ensure()
    told = json.loads((root / "launch.json").read_text())
    assert str(Path(headway.__file__).parents[1]) in told["path"]
    shutil.rmtree(root / "launcher.py")
    async with opened(runtime):
        await run(runtime, work, make_spec(folder))
    assert (root / "launcher.json").read_text() == "of the version before"


async def test_an_unknown_release_cannot_be_started(runtime: NativeRuntime) -> None:
    with pytest.raises(UnknownRelease, match="deploy it again"):
        await runtime.start_again("never-there")


async def test_removing_leaves_nothing(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    before = _tree(folder / "runtime")
    spec = make_spec(folder, processes={"web": f"{PYTHON} app.py", "worker": "sleep 600"})
    await run(runtime, work, spec)
    await runtime.remove(spec.release_id)
    await runtime.forget(spec.application_id, spec.app_name)
    assert _tree(folder / "runtime") == before
    groups = Path("/sys/fs/cgroup").glob(f"*/headway/{folder.name}/releases/*")
    assert [path for path in groups if path.is_dir()] == []
    assert await runtime.known() == set()


@pytest.mark.parametrize("use_cgroups", [True, False])
async def test_stopping_ends_what_has_left_the_session_and_ignores_the_signal(
    work: Work, folder: Path, *, use_cgroups: bool
) -> None:
    async with opened(make_runtime(folder, use_cgroups=use_cgroups, grace_seconds=0.5)) as runtime:
        command = f"{PYTHON} spread.py -i"
        account = ACCOUNT + 10 + use_cgroups  # nobody else's, so that its processes can be counted
        spec = make_spec(
            folder,
            files={"spread.py": SPREADING},
            processes={"worker": command},
            port=None,
            health=settle(0.2),
            **({"uid": account, "gid": account} if os.geteuid() == 0 else {}),
        )
        await run(runtime, work, spec)
        await until(lambda: "spread" in _log(folder, spec, "worker"))
        family = _of_account(account) if os.geteuid() == 0 else None
        begun = time.monotonic()
        await runtime.stop(spec.release_id)
        assert time.monotonic() - begun < 30
        if family is not None:
            assert len(family) >= 5
            assert _of_account(account) & family == set()


async def test_a_neighbour_under_the_same_account_lives_on(work: Work, folder: Path) -> None:
    async with opened(make_runtime(folder, use_cgroups=False)) as runtime:
        first, second = make_spec(folder), make_spec(folder)
        await run(runtime, work, first)
        await run(runtime, work, second)
        pid = fetch_json(second.port)["pid"]
        await runtime.remove(first.release_id)
        assert fetch_json(second.port)["pid"] == pid


@pytest.mark.root
@pytest.mark.parametrize("use_cgroups", [True, False])
async def test_processes_are_bounded(work: Work, folder: Path, *, use_cgroups: bool) -> None:
    async with opened(make_runtime(folder, use_cgroups=use_cgroups)) as runtime:
        bomb = "i=0; while [ $i -lt 50 ]; do sleep 600 & i=$((i+1)); done; wait"
        account = ACCOUNT + 20 + use_cgroups  # rlimits count all that an account runs
        spec = make_spec(
            folder, processes={"worker": bomb}, port=None, process_limit=20, uid=account, gid=account, health=settle(1)
        )
        await runtime.prepare(work, spec)
        await runtime.start(work, spec)
        await until(lambda: "annot fork" in _log(folder, spec, "worker"))
        assert len(_of_account(account)) <= 20


async def test_a_static_site_is_served(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    files = {
        "public/index.html": "<h1>home</h1>",
        "public/404.html": "lost",
        "public/.env": "hidden",
        "public/img/a.svg": "<svg/>",
        "outside.txt": "outside",
    }
    health = HealthCheck(kind=HealthKind.HTTP, deadline_seconds=20)
    spec = make_spec(folder, files=files, processes={}, static_root="public", health=health)
    await run(runtime, work, spec)
    assert fetch(spec.port) == (200, b"<h1>home</h1>")
    assert fetch(spec.port, "/img/a.svg") == (200, b"<svg/>")
    for hidden in ("/.env", "/img/", "/../outside.txt", "/%2e%2e/outside.txt", "/nothing"):
        assert fetch(spec.port, hidden) == (404, b"lost"), hidden
    pid = (await runtime.status(spec.release_id)).processes[0].pid or 0
    assert _open_ports(pid) == {spec.port}
    assert await runtime.read_logs("shop") == ""


async def test_a_command_line_may_hold_shell_words(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    command = f"cd sub && MESSAGE='two  words' {PYTHON} ../app.py"
    spec = make_spec(folder, files={"sub/empty": ""}, processes={"web": command})
    await run(runtime, work, spec)
    seen = fetch_json(spec.port)
    assert seen["cwd"].endswith("/sub")
    assert seen["env"]["MESSAGE"] == "two  words"


async def test_logs_name_their_process_and_end_with_the_newest_lines(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    commands = {"one": "seq 1 1000; sleep 600", "two": "echo only; sleep 600"}
    spec = make_spec(folder, processes=commands, port=None, health=settle(0.5))
    await run(runtime, work, spec)
    await _written(runtime, lines=1001)
    assert await runtime.read_logs("shop", tail=2) == "one | 999\none | 1000\ntwo | only\n"
    assert await runtime.read_logs("shop", release_id=spec.release_id, tail=1) == "one | 1000\ntwo | only\n"
    assert await runtime.read_logs("other") == ""


async def test_scaled_processes_run_that_many_times(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder, processes={"worker": "echo $HEADWAY_PROCESS; sleep 600"}, port=None, health=settle(0.3))
    spec = _scaled(spec, 3)
    await run(runtime, work, spec)
    status = await runtime.status(spec.release_id)
    assert [process.name for process in status.processes] == ["worker", "worker.2", "worker.3"]
    assert {process.state for process in status.processes} <= {ProcessState.STARTING, ProcessState.RUNNING}
    assert (await _written(runtime, lines=3)).splitlines() == [
        f"{name} | {name}" for name in ("worker", "worker.2", "worker.3")
    ]


async def test_what_cannot_run_is_refused_before_anything_is_written(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    for wrong in (
        make_spec(folder, processes={}),
        make_spec(folder, processes={"web]\nuser=root": "sleep 1"}),
        make_spec(folder, app_name="../../etc"),
        make_spec(folder, env={"A=B": "x"}),
        make_spec(folder, env={"A": "x\0y"}),
        make_spec(folder, health=HealthCheck(kind=HealthKind.HTTP, path="/ HTTP/1.1\r\nX: y")),
    ):
        with pytest.raises(InvalidInput):
            await runtime.prepare(work, wrong)
    assert await runtime.known() == set()


def _scaled(spec: ReleaseSpec, scale: int) -> ReleaseSpec:
    scaled = tuple(dataclasses.replace(process, scale=scale) for process in spec.bundle.processes)
    return dataclasses.replace(spec, artifact=dataclasses.replace(spec.bundle, processes=scaled))


def _log(folder: Path, spec: ReleaseSpec, process: str) -> str:
    path = folder / f"runtime/logs/{spec.app_name}/r{spec.release_id}-{process}.log"
    return path.read_text() if path.exists() else ""


def _of_account(uid: int) -> set[int]:
    return {pid for pid in procfs.pids() if _uid(pid) == uid}


def _uid(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    state, uid = (next(line for line in status.splitlines() if line.startswith(key)) for key in ("State:", "Uid:"))
    return None if "Z" in state else int(uid.split()[1])


def _open_ports(pid: int) -> set[int]:
    own = sockets.sockets_of([pid])
    return {listener.port for listener in sockets.listeners() if listener.inode in own}


def _tree(folder: Path) -> set[str]:
    changing = ("supervisord.log", "homes/")
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not str(path).endswith(changing)}


async def _written(runtime: NativeRuntime, *, lines: int) -> str:
    """What the application has written, once it is so many lines."""

    async def there() -> bool:
        return len((await runtime.read_logs("shop", tail=5000)).splitlines()) >= lines

    await until_async(there)
    return await runtime.read_logs("shop")
