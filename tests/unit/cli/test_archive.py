"""A folder as an archive: what is in it, and what is left out."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from headway.cli.archive import pack
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


def folder_of(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_what_git_ignores_is_left_out_at_every_depth(tmp_path: Path) -> None:
    files = {
        ".gitignore": ".env\n/dist/\n*.log\n!kept.log\n",
        ".env": "SECRET=1",
        "dist/app.js": "x",
        "a/dist/app.js": "x",
        "a/b.log": "x",
        "a/kept.log": "x",
        "a/.gitignore": "/data\n!b.log\n",
        "a/data/rows": "x",
        "b/data/rows": "x",
    }
    names, left_out, _ = packed_names(folder_of(tmp_path, files))
    assert left_out == (".env", "a/data", "dist")
    assert {"files/a/dist/app.js", "files/a/kept.log", "files/a/b.log", "files/b/data/rows"} <= set(names)


def test_what_docker_ignores_is_left_out_but_for_what_it_reads_itself(tmp_path: Path) -> None:
    files = {
        ".dockerignore": "# all but what is named\n*\n!src\n!web.Dockerfile\nsrc/**/*.md\n/src/secret\n",
        "Dockerfile": "FROM scratch",
        "web.Dockerfile": "FROM scratch",
        "notes": "x",
        "src/app.py": "x",
        "src/secret/key": "x",
        "src/docs/read.md": "x",
    }
    names, left_out, files_ = packed_names(folder_of(tmp_path, files))
    assert {"files/Dockerfile", "files/web.Dockerfile", "files/.dockerignore", "files/src/app.py"} <= set(names)
    assert files_ == 4
    assert {"notes", "src/docs/read.md"} <= set(left_out)


def test_a_pattern_of_docker_begins_at_the_top(tmp_path: Path) -> None:
    files = {".dockerignore": "build\n*.md\n", "build/x": "x", "a/build/x": "x", "read.md": "x", "a/read.md": "x"}
    names, left_out, _ = packed_names(folder_of(tmp_path, files))
    assert left_out == ("build", "read.md")
    assert {"files/a/build/x", "files/a/read.md"} <= set(names)


def test_our_own_ignore_file_has_the_last_word(tmp_path: Path) -> None:
    files = {
        ".gitignore": "dist/\n*.env\n",
        ".dockerignore": "public\n",
        ".headwayignore": "!dist/\n!public\n/videos\n",
        "dist/app.js": "x",
        "public/index.html": "x",
        "videos/long.mp4": "x",
        "a.env": "x",
    }
    names, left_out, _ = packed_names(folder_of(tmp_path, files))
    assert left_out == ("a.env", "videos")
    assert {"files/dist/app.js", "files/public/index.html"} <= set(names)


def test_a_folder_of_which_all_is_ignored_is_refused_with_the_reason(tmp_path: Path) -> None:
    folder_of(tmp_path, {".gitignore": "*\n", "a": "x"})
    with pytest.raises(InvalidInput, match="holds no files to deploy that its ignore files do not name"):
        pack(tmp_path, io.BytesIO())
