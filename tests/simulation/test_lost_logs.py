"""A run whose log cannot be written for good (its disk is full or dead, its folder gone) ends as it would have."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headway.infra.logs.paths import LogPaths
from tests.simulation.world import Panel, World, play, world
from tests.support.machines.power_cut import forgetful_disk, lacks_loop_devices
from tests.support.panel.factories import request

COMMANDS = {"fetch": ["print fetching"], "build": ["print building"], "migrate": ["print migrating", "sleep 5"]}
SLOW = {**COMMANDS, "fetch": ["print fetching", "sleep 600"]}
FAILING = {**COMMANDS, "migrate": ["print migrating", "exit 3"]}
FULL = "The log could not be written to its end (No space left on device)."
GONE = "The log could not be written to its end (No such file or directory)."
BROKEN = "The log could not be written to its end (Input/output error)."
# Each step and each command waits a moment for the log, twice at most, and its end for twenty seconds.
BOUND_SECONDS = 120


@contextmanager
def full_disk(folder: Path) -> Iterator[Path]:
    """A file system without room, in which files can be made."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    try:
        with pytest.raises(OSError, match="No space left"):
            (folder / "ballast").write_bytes(bytes(2 << 20))
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


async def deployed(made: World, commands: dict[str, list[str]]) -> tuple[Panel, str]:
    """A panel, and a deployment that it was asked for, of whose log nothing is asked."""
    panel = made.start_panel()
    deployment_id = await made.ask(panel, made.enqueue(panel, request(input={"commands": commands})))
    made.truth.without_log.add(deployment_id)
    return panel, deployment_id


async def ended(made: World) -> None:
    await made.until(lambda: made.all_ended() and not made.machine.runs, BOUND_SECONDS, "it has ended")


async def begun(made: World, command: str) -> None:
    await made.until(
        lambda: any(name == command for _, name in made.machine.begun), BOUND_SECONDS, f"{command} runs", every=0.001
    )


def the_end(made: World) -> tuple[str, str | None, str | None]:
    (row,) = made.truth.rows.values()
    return row.status, row.reason, row.error_message


@pytest.mark.root
@pytest.mark.parametrize(
    ("commands", "status", "said"),
    [(COMMANDS, "done", FULL), (FAILING, "error", f"migrate ended with exit status 3. {FULL}")],
    ids=["succeeds", "fails"],
)
def test_a_run_whose_logs_disk_stays_full_ends_as_it_would_have(
    tmp_path: Path, commands: dict[str, list[str]], status: str, said: str
) -> None:
    async def script(made: World) -> None:
        await deployed(made, commands)
        await ended(made)

    with full_disk(tmp_path / "logs") as folder, world(f"full {status}") as made:
        made.logs = LogPaths(folder)
        play(made, script)
        assert (the_end(made)[0], the_end(made)[2]) == (status, said)


@pytest.mark.root
def test_a_kill_of_a_run_whose_logs_disk_stays_full_is_carried_out(tmp_path: Path) -> None:
    async def script(made: World) -> None:
        panel, deployment_id = await deployed(made, SLOW)
        await begun(made, "fetch")
        killing = made.ask(panel, panel.engine.stopper.kill(deployment_id))
        await made.until(lambda: not made.machine.living(deployment_id), 1, "the command is ended", every=0.01)
        await made.until(killing.done, 30, "the log is waited for no longer")
        assert (await killing).reason == "killed"
        await ended(made)

    with full_disk(tmp_path / "logs") as folder, world("full and killed") as made:
        made.logs = LogPaths(folder)
        play(made, script)
        status, reason, message = the_end(made)
        assert (status, reason) == ("error", "killed")
        assert (message or "").endswith(FULL)


@pytest.mark.parametrize("gone", ["before it begins", "while it runs"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["", "killed"])
def test_a_run_whose_logs_folder_is_gone_ends_as_it_would_have(gone: str, *, is_killed: bool) -> None:
    async def script(made: World) -> None:
        made.logs = LogPaths(made.logs.root / "logs")
        if gone == "while it runs":
            made.logs.prepare()
        panel, deployment_id = await deployed(made, COMMANDS)
        await begun(made, "migrate")
        if gone == "while it runs":
            shutil.rmtree(made.logs.root)
        if is_killed:
            began = made.loop.time()
            assert (await made.ask(panel, panel.engine.stopper.kill(deployment_id))).reason == "killed"
            assert made.loop.time() - began < 1
        await ended(made)
        assert made.loop.time() < 10

    with world(f"gone {gone} {is_killed}") as made:
        play(made, script)
        status, reason, message = the_end(made)
        assert (status, reason) == (("error", "killed") if is_killed else ("done", None))
        assert (message or "").endswith(GONE)


@pytest.mark.root
@pytest.mark.skipif(bool(lacks_loop_devices()), reason=lacks_loop_devices())
@pytest.mark.parametrize("broken", ["before it begins", "while it runs"])
@pytest.mark.parametrize("is_killed", [False, True], ids=["", "killed"])
def test_a_run_whose_logs_disk_has_died_ends_as_it_would_have(broken: str, *, is_killed: bool) -> None:
    with forgetful_disk(16) as disk:

        async def script(made: World) -> None:
            made.logs.prepare()
            if broken == "before it begins":
                disk.break_down()
            panel, deployment_id = await deployed(made, COMMANDS)
            await begun(made, "migrate")
            if broken == "while it runs":
                disk.break_down()
            if is_killed:
                assert (await made.ask(panel, panel.engine.stopper.kill(deployment_id))).reason == "killed"
            await ended(made)

        with world(f"broken {broken} {is_killed}") as made:
            made.logs = LogPaths(disk.mounted / "logs")
            play(made, script)
            status, reason, message = the_end(made)
            assert (status, reason) == (("error", "killed") if is_killed else ("done", None))
            assert (message or "").endswith(BROKEN)
