"""How a script comes to its shell: whole or not at all, as a file that is gone, and with a clear word otherwise."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from headway.drivers.runtimes.container.script import GO, NOT_WHOLE, handed_over, let_in


def carried_out(shell: str, text: bytes, sent: bytes | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
    argv = handed_over(shell, text, "a-run")
    given = {"PATH": "/usr/bin:/bin", **env}
    return subprocess.run(
        argv, input=text if sent is None else sent, env=given, capture_output=True, timeout=20, check=False
    )


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_script_is_a_file_that_is_gone_when_it_begins(shell: str, tmp_path: Path) -> None:
    ended = carried_out(shell, b'ls -A "$TMPDIR"; echo "[$#]"; cat', TMPDIR=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (0, b"[0]\n")


def test_a_script_that_has_not_come_whole_is_not_begun(tmp_path: Path) -> None:
    ended = carried_out("sh", b"echo one\necho two\n", sent=b"echo one\n", TMPDIR=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (NOT_WHOLE, b"")
    assert list(tmp_path.iterdir()) == []


def test_a_shell_that_is_not_there_is_said(tmp_path: Path) -> None:
    for program in ("sh", "cat", "wc", "rm"):
        (tmp_path / program).symlink_to(Path("/bin") / program)
    ended = carried_out("python", b"print(1)", PATH=str(tmp_path))
    assert ended.returncode == 127
    assert b"there is no" in ended.stderr


def test_a_file_that_somebody_has_laid_there_is_not_written_to(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    (tmp_path / ".headway-a-run").symlink_to(trap)
    ended = carried_out("sh", b"echo in", TMPDIR=str(tmp_path))
    assert (ended.stdout, trap.exists()) == (b"in\n", False)


def test_the_status_of_the_script_is_its_own() -> None:
    assert carried_out("bash", b"exit 42").returncode == 42
    assert carried_out("python", b"raise SystemExit(7)").returncode == 7


def test_a_command_that_is_let_in_has_its_arguments_as_they_are_and_no_input() -> None:
    ended = subprocess.run(
        let_in(("sh", "-c", 'echo "$1"; cat; exit 6', "sh", "a  b; exit 9")), input=GO, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (6, b"a  b; exit 9\n")


def test_a_command_that_is_not_let_in_does_not_begin(tmp_path: Path) -> None:
    made = tmp_path / "made"
    ended = subprocess.run(let_in(("touch", str(made))), input=b"", capture_output=True, check=False)
    assert (ended.returncode, made.exists()) == (125, False)


def test_a_program_that_is_not_there_is_told_as_such() -> None:
    ended = subprocess.run(let_in(("echo a b",)), input=GO, capture_output=True, check=False)
    assert (ended.returncode, b"there is no program echo a b here" in ended.stderr) == (127, True)
