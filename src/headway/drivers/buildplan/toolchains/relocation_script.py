"""Has a Python that was made at one place know the other at which it lies.

Run as a script by the system's Python, under the account that owns the copy: ``python3 -I -c TEXT PREFIX FOLDER
ENTRY``, which are where it was made, where it lies now, and where it will.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path


def main(prefix: str, folder: Path, entry: str) -> None:
    """Rewrites what holds the old place."""
    for program in [*folder.glob("bin/*"), *folder.glob("lib/*.so*")]:
        if is_plain(program):
            move_library(program, prefix)
    for text in texts(folder):
        if is_plain(text):
            write(text, text.read_bytes().replace(prefix.encode(), entry.encode()))
    for left in (*folder.glob("lib/python*/__pycache__/_sysconfigdata_*.pyc"), folder / ".cache"):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def move_library(program: Path, prefix: str) -> None:
    """A program that was linked with its library is told the place of that; one as long may stand there instead."""
    before = prefix.encode() + b"/lib\0"
    after = b"$ORIGIN/../lib".ljust(len(before), b"\0")
    data = program.read_bytes()
    if data.startswith(b"\x7fELF") and before in data and len(after) == len(before):
        write(program, data.replace(before, after))


def write(path: Path, data: bytes) -> None:
    """Writes what even its owner may only read as well: some versions install their library so."""
    mode = path.stat().st_mode
    path.chmod(mode | 0o200)
    path.write_bytes(data)
    path.chmod(mode)


def texts(folder: Path) -> Iterator[Path]:
    """What tells the makers of extensions where headers and libraries lie."""
    for pattern in ("lib/python*/_sysconfigdata_*.py", "lib/pkgconfig/*.pc", "bin/*-config"):
        yield from folder.glob(pattern)


def is_plain(path: Path) -> bool:
    """Whether it is a file itself."""
    return path.is_file() and not path.is_symlink()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
