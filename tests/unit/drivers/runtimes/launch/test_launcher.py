"""What a launcher decides before it becomes a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.runtimes.launch import launcher

RECORD: dict[str, Any] = {
    "release_id": "r1",
    "path": ["/app/.venv/bin"],
    "home": "/home",
    "env": {"A": "builder", "B": "builder"},
    "port": 4000,
    "ports": [4000, 4001],
}


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("gunicorn app:app", "exec gunicorn app:app"),
        ("gunicorn -b 0.0.0.0:$PORT app", "exec gunicorn -b 0.0.0.0:$PORT app"),
        ('python -c "print(1)"', 'python -c "print(1)"'),
        ("node 'my file.js'", "exec node 'my file.js'"),
        ("a && b", "a && b"),
        ("a; b", "a; b"),
        ("a | b", "a | b"),
        ("a > file", "a > file"),
        ("a\nb", "a\nb"),
        ("cd sub", "cd sub"),
        ("exec a", "exec a"),
        ("NAME=value a", "NAME=value a"),
        ("$RUNNER a", "$RUNNER a"),
        ("'my program' a", "'my program' a"),
        ("", ""),
    ],
)
def test_a_shell_stays_only_where_it_is_needed(command: str, line: str) -> None:
    assert launcher.shell_line(command) == line


@pytest.mark.parametrize(
    ("record", "process", "number", "port"),
    [
        ({}, "web", "1", "4000"),
        ({}, "web", "2", "4001"),
        ({}, "worker", "2", "4000"),
        ({"ports": None}, "web", "1", "4000"),
    ],
    ids=["first", "second", "another type", "of an older version"],
)
def test_each_copy_of_web_has_a_port_of_its_own(record: dict[str, Any], process: str, number: str, port: str) -> None:
    assert launcher.build_environment(RECORD | record, process, number, {})["PORT"] == port


def test_the_user_wins_over_the_builder_but_not_over_port_and_marker() -> None:
    user = {"B": "user", "PORT": "1", "HEADWAY_RELEASE_ID": "x", "PATH": "/mine"}
    assert launcher.build_environment(RECORD, "web", "1", user) == {
        "PATH": "/mine",
        "HOME": "/home",
        "DATA_DIR": "/home",
        "LANG": "C.UTF-8",
        "A": "builder",
        "B": "user",
        "PORT": "4000",
        "HEADWAY_RELEASE_ID": "r1",
        "HEADWAY_PROCESS": "web",
    }


def test_the_bundles_programs_come_first() -> None:
    path = launcher.build_environment(RECORD, "web", "2", {})["PATH"]
    assert path == "/app/.venv/bin:/usr/local/bin:/usr/bin:/bin"


def test_a_release_without_a_port_keeps_the_users() -> None:
    environment = launcher.build_environment({**RECORD, "port": None}, "worker", "2", {"PORT": "9"})
    assert environment["PORT"] == "9"
    assert environment["HEADWAY_PROCESS"] == "worker.2"


def test_the_file_server_listens_on_its_port_only() -> None:
    configuration = launcher.file_server("/srv", 4000)
    assert configuration["apps"]["http"]["servers"]["static"]["listen"] == ["127.0.0.1:4000"]
    assert configuration["admin"] == {"disabled": True, "config": {"persist": False}}


def test_what_is_wrong_is_said_in_the_applications_log(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, str(tmp_path), "r1", "web", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 78
    assert ended.stderr.startswith("headway: the process web could not be started: FileNotFoundError")


def test_it_imports_no_more_than_it_needs() -> None:
    program = (
        "import sys, runpy; runpy.run_path(sys.argv[1], run_name='looked-at'); "
        "print(sorted({'asyncio', 'cryptography', 'ctypes', 'headway', 'pathlib', 'subprocess'} & sys.modules.keys()))"
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, launcher.__file__], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"
