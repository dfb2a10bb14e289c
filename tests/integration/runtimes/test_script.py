"""How a script comes to its shell: whole or not at all, as a file that is gone, and with a clear word otherwise."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from headway.seams.runtimes.script import NOT_WHOLE, handed_over


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
