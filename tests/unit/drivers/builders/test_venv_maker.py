"""What makes virtual environments is run by old Pythons too, with the pip that came with them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headway.drivers.builders.languages import venv_maker


def test_python_3_6_can_read_it() -> None:
    text = Path(venv_maker.__file__).read_text()
    read = ast.parse(text, feature_version=(3, 6))
    futures = [node for node in ast.walk(read) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert futures == []  # each that there is came later than 3.6


def test_what_it_calls_pip_is_pip_wherever_that_has_its_parts(tmp_path: Path) -> None:
    package = tmp_path / "pip"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("import sys\nsys.exit(f'old pip with {sys.argv[1:]}')\n")
    program = tmp_path / "program"
    program.write_text(venv_maker.PIP.format(python=sys.executable))
    said = subprocess.run(
        [sys.executable, program, "install"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert (said.returncode, said.stderr) == (1, "old pip with ['install']\n")


@pytest.fixture
def unpacked(tmp_path: Path) -> tuple[str, str, str]:
    """Where a copy is to be kept, what is to be in it, and the environment that it was unpacked in."""
    packages, environment = tmp_path / "packages", tmp_path / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python3").symlink_to("/bin/true")  # what unpacks has done so already
    (packages / "pip").mkdir(parents=True)
    (packages / "pip" / "__init__.py").write_text("kept\n")
    (packages / "README.txt").write_text("kept\n")
    return str(tmp_path / "home" / "pip-1"), str(packages), str(environment)


def test_what_stands_under_a_name_that_could_be_foreseen_keeps_no_copy_from_being_kept(
    unpacked: tuple[str, str, str],
) -> None:
    kept = Path(unpacked[0])
    others = kept.with_name(f"{kept.name}.{os.getpid()}")
    others.mkdir(parents=True)
    venv_maker.unpack_pip(*unpacked)
    assert (kept / "pip" / "__init__.py").read_text() == "kept\n"
    assert sorted(path.name for path in kept.parent.iterdir()) == [kept.name, others.name]


def test_a_copy_that_is_there_already_stays_and_nothing_is_left_beside_it(unpacked: tuple[str, str, str]) -> None:
    kept = Path(unpacked[0])
    kept.mkdir(parents=True)
    (kept / "earlier").touch()
    venv_maker.unpack_pip(*unpacked)
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
    assert [path.name for path in kept.iterdir()] == ["earlier"]


def test_its_own_files_are_put_on_the_disk_and_no_other_of_the_machine(
    unpacked: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, asked, synced = tmp_path / "programs", tmp_path / "asked", list[str]()
    programs.mkdir()
    (programs / "sync").write_text(f"#!/bin/sh\ntouch {asked}\n")
    (programs / "sync").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    fsync = os.fsync

    def noted(opened: int) -> None:
        synced.append(Path(f"/proc/self/fd/{opened}").readlink().name)
        fsync(opened)

    monkeypatch.setattr(os, "fsync", noted)
    venv_maker.unpack_pip(*unpacked)
    assert not asked.exists()
    assert sorted(synced) == ["README.txt", "__init__.py", "packages", "pip"]
