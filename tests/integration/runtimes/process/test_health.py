"""Releases in good and bad health: what is waited for, and the sentence for each way of failing."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from headway.drivers.runtimes.contract.runtime import PortTaken, Unhealthy
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.kernel.artifacts import HealthCheck, HealthKind, ReleaseSpec
from tests.integration.runtimes.bench import PYTHON, Work, fetch_json, make_spec, run, settle, until_async


@pytest.mark.slow
async def test_a_release_that_crashes_at_its_start_is_given_up_at_the_third_time(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    crashing = "import sys\nprint('hello')\nsys.exit('no database at db.internal')\n"
    spec = make_spec(folder, files={"app.py": crashing}, health=HealthCheck(deadline_seconds=60))
    begun = time.monotonic()
    with pytest.raises(Unhealthy) as caught:
        await run(runtime, work, spec)
    assert time.monotonic() - begun < 15
    assert "The process web ended 3 times" in caught.value.message
    assert "exit status 1" in caught.value.message
    assert "no database at db.internal" in caught.value.message
    assert "web | hello" in work.lines
    assert "web | no database at db.internal" in work.lines


@pytest.mark.slow
async def test_what_a_crashing_release_wrote_is_masked_whole(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    crashing = "import sys\nsys.exit('s3cret\\nof two lines')\n"
    spec = make_spec(folder, files={"app.py": crashing}, health=HealthCheck(deadline_seconds=60))
    with pytest.raises(Unhealthy, match=r'It said: "\*\*\*\*\*\*"'):
        await run(runtime, work, spec)
    assert {line for line in work.lines if line.startswith("web | ")} == {"web | ******"}


@pytest.mark.slow
async def test_a_signal_is_named(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder, processes={"worker": "kill -SEGV $$; sleep 1"}, port=None)
    with pytest.raises(Unhealthy, match=r"SIGSEGV.*It wrote nothing"):
        await run(runtime, work, spec)


@pytest.mark.slow
async def test_a_command_that_does_not_exist_is_named(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder, processes={"web": "gunicorn app:app"})
    with pytest.raises(Unhealthy, match=r"exit status 127.*gunicorn: not found"):
        await run(runtime, work, spec)


async def test_a_port_that_is_never_opened_is_named(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder, processes={"web": "sleep 600"}, health=HealthCheck(deadline_seconds=0.5))
    with pytest.raises(Unhealthy) as caught:
        await run(runtime, work, spec)
    assert f"the variable PORT names ({spec.port}), of 127.0.0.1 or 0.0.0.0" in caught.value.message
    assert "it listens on no port" in caught.value.message


@pytest.mark.slow
async def test_another_port_that_was_opened_instead_is_named_soon_and_at_the_end(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    other = make_spec(folder).port
    spec = make_spec(
        folder,
        env={"OTHER": str(other)},
        processes={"web": f"{PYTHON} app.py OTHER"},
        health=HealthCheck(deadline_seconds=4),
    )
    with pytest.raises(Unhealthy, match=f"listens on 127.0.0.1:{other} instead"):
        await run(runtime, work, spec)
    (soon,) = [line for line in work.lines if line.startswith("Not healthy after 3 s: ")]
    assert f"listens on 127.0.0.1:{other} instead" in soon
    assert f"headway env set APP PORT={other}." in soon
    assert soon.endswith("It is waited for until 4 s have passed.")


async def test_a_port_that_is_held_by_somebody_else_fails_at_once(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    spec = make_spec(folder, health=HealthCheck(deadline_seconds=60))
    with socket.create_server(("127.0.0.1", spec.port or 0)):
        begun = time.monotonic()
        with pytest.raises(PortTaken, match=f"Port {spec.port} is held by another process .*pid {os.getpid()}"):
            await run(runtime, work, spec)
        assert time.monotonic() - begun < 30


async def test_a_port_of_another_release_is_not_taken_for_its_own(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    first = make_spec(folder)
    await run(runtime, work, first)
    second = make_spec(folder, port=first.port)
    with pytest.raises(PortTaken):
        await run(runtime, work, second)


@pytest.mark.parametrize(("kind", "how"), [(HealthKind.HTTP, "GET / is answered"), (HealthKind.TCP, "it answers HTTP")])
async def test_a_check_that_passes(
    runtime: NativeRuntime, work: Work, folder: Path, kind: HealthKind, how: str
) -> None:
    spec = make_spec(folder, health=HealthCheck(kind=kind, deadline_seconds=20))
    await run(runtime, work, spec)
    assert [line for line in work.lines if line.startswith(f"Healthy: {how} on port {spec.port} (after ")]


async def test_a_worker_has_to_stay_up_for_the_settle_time(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(folder, processes={"worker": "sleep 600"}, port=None, health=settle(1.0))
    begun = time.monotonic()
    await run(runtime, work, spec)
    assert time.monotonic() - begun >= 1.0


async def test_what_takes_connections_and_ends_again_and_again_is_no_server_of_something_else(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    boots = (
        "import os, socket, sys, threading, time\n"
        "server = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "def close():\n    while True:\n        server.accept()[0].close()\n"
        "threading.Thread(target=close, daemon=True).start()\n"
        "time.sleep(0.6)\nsys.exit(3)\n"
    )
    spec = make_spec(folder, files={"app.py": boots}, health=HealthCheck(deadline_seconds=30))
    with pytest.raises(Unhealthy, match="The process web ended 3 times"):
        await run(runtime, work, spec)


@pytest.mark.slow
async def test_a_worker_that_crashes_beside_a_healthy_web_process_fails_the_release(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    spec = make_spec(folder, processes={"web": f"{PYTHON} app.py", "worker": "sleep 0.1; exit 3"})
    with pytest.raises(Unhealthy, match=r"The process worker ended 3 times .* exit status 3.* --scale worker=0"):
        await run(runtime, work, spec)


async def test_a_crash_after_the_release_was_healthy_shows_and_it_is_restarted(
    runtime: NativeRuntime, work: Work, folder: Path
) -> None:
    spec = make_spec(folder)
    await run(runtime, work, spec)
    pid = fetch_json(spec.port)["pid"]
    assert not await runtime.crashed(spec.release_id)
    os.kill(pid, signal.SIGKILL)
    await until_async(lambda: runtime.crashed(spec.release_id))
    await until_async(lambda: _serves_anew(spec, pid))
    status = await runtime.status(spec.release_id)
    assert status.processes[0].exits == 1
    assert status.processes[0].last_exit == "signal SIGKILL"
    assert await runtime.crashed(spec.release_id)


@pytest.mark.slow
@pytest.mark.root
async def test_memory_is_bounded_and_the_end_says_so(runtime: NativeRuntime, work: Work, folder: Path) -> None:
    spec = make_spec(
        folder,
        processes={"worker": f'{PYTHON} -c "x = bytearray(300 << 20)"'},
        port=None,
        memory_bytes=64 << 20,
    )
    with pytest.raises(Unhealthy, match=r"(SIGKILL|137), since its memory bound was reached"):
        await run(runtime, work, spec)


async def _serves_anew(spec: ReleaseSpec, old_pid: int) -> bool:
    try:
        return bool(fetch_json(spec.port)["pid"] != old_pid)
    except OSError:
        return False
