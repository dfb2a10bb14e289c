"""The script that is process 1 of a planned image: how what it starts comes to its end."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from headway.drivers.builders import plan_dockerfile

STARTER = Path(plan_dockerfile.__file__).with_name("image_starter.sh").read_text()
DRAINS = "trap 'sleep 1; echo drained; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
IGNORES = "trap '' TERM; echo ready; while :; do sleep 0.1; done"


def inner(line: str) -> str:
    """A command that the shell which starts it does not become."""
    return f"true; /bin/sh -c {shlex.quote(line)}; true"


@contextmanager
def started(tmp_path: Path, *lines: str, text: str = STARTER) -> Iterator[subprocess.Popen[str]]:
    """The script with its calls, as the first of a process group, once all of its commands are ready."""
    script = tmp_path / "start"
    script.write_text("\n".join([text, *lines, ""]))
    argv = ["/bin/sh", str(script)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        try:
            yield running
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


def lines_of(running: subprocess.Popen[str], count: int) -> list[str]:
    assert running.stdout is not None
    return [running.stdout.readline().strip() for _ in range(count)]


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ([f"only web {shlex.quote(DRAINS)}"], 1),
        ([f"only web {shlex.quote(inner(DRAINS))}"], 1),
        ([f"one web 1 {shlex.quote(inner(DRAINS))}", f"one mail 1 {shlex.quote(DRAINS)}", "wait_for_any"], 2),
    ],
)
def test_what_is_asked_to_end_is_let_end(tmp_path: Path, lines: list[str], count: int) -> None:
    with started(tmp_path, *lines) as running:
        assert lines_of(running, count) == ["ready"] * count
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(10) == 143
        # What was started has the pipe too: at this moment all of it has written, or never will.
        os.set_blocking(running.stdout.fileno(), False)  # type: ignore[union-attr]
        assert os.read(running.stdout.fileno(), 1000).split() == [b"drained"] * count  # type: ignore[union-attr]


def test_where_one_of_several_ends_the_others_are_not_waited_for_for_ever(tmp_path: Path) -> None:
    lines = [f"one mail 1 {shlex.quote(IGNORES)}", "one web 1 'sleep 0.5; exit 3'", "wait_for_any"]
    assert "end_all 1 10" in STARTER
    with started(tmp_path, *lines, text=STARTER.replace("end_all 1 10", "end_all 1 1")) as running:
        assert lines_of(running, 1) == ["ready"]
        assert running.wait(10) == 1
