"""A folder as an archive: what is in it, and what is left out."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from headway.faces.cli.packing import pack
from headway.kernel.errors import InvalidInput


def packed_names(folder: Path) -> tuple[list[str], tuple[str, ...], int]:
    """(names, what was left out, number of files)."""
    target = io.BytesIO()
    found = pack(folder, target)
    target.seek(0)
    with tarfile.open(fileobj=target) as archive:
        return sorted(archive.getnames()), found.left_out, found.files


def test_a_folder_is_packed_below_one_and_without_what_is_made_anew(tmp_path: Path) -> None:
    for name in ("app/main.py", "app/__pycache__/main.pyc", "node_modules/x/index.js", ".git/HEAD", ".env"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("app/main.py")
    names, left_out, files = packed_names(tmp_path)
    assert names == ["files", "files/.env", "files/app", "files/app/main.py", "files/link"]
    assert (left_out, files) == ((".git", "app/__pycache__", "node_modules"), 3)


def test_the_folder_itself_may_be_called_like_what_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "node_modules"
    folder.mkdir()
    (folder / "a").write_text("x")
    assert packed_names(folder)[0] == ["files", "files/a"]


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="holds no files"):
        pack(tmp_path, io.BytesIO())
