"""Files that only Headway may read, whole at every moment, also after a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def write_privately(path: Path, text: str, *, beside: Path | None = None, reader: int | None = None) -> None:
    """Writes a file for our eyes only, and where there is one for those of the account ``reader``, synced and renamed
    into place; until then it is in the folder ``beside`` (its own without one), so that a folder that somebody follows
    shows whole files only.
    """
    new = (beside or path.parent) / f".{path.name}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - a descriptor has no path
        file.write(text)
        file.flush()
        _let_read(file.fileno(), reader)
        os.fsync(file.fileno())
    new.rename(path)


def let_pass(folder: Path, reader: int | None, *, look: bool = True) -> None:
    """Makes a folder, which the account ``reader`` can pass through and, with ``look``, list; nobody else can."""
    folder.mkdir(parents=True, exist_ok=True)
    if reader is not None:
        os.chown(folder, -1, reader)
    folder.chmod(0o700 if reader is None else 0o750 if look else 0o710)


def let_read(path: Path, reader: int | None) -> None:
    """Lets the account read a file of ours, and nobody else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _let_read(descriptor, reader)
    finally:
        os.close(descriptor)


def _let_read(descriptor: int, reader: int | None) -> None:
    if reader is None:
        return
    now = os.fstat(descriptor)
    if (now.st_gid, now.st_mode & 0o777) != (reader, 0o640):  # else whoever follows the file would read it anew
        os.fchown(descriptor, -1, reader)
        os.fchmod(descriptor, 0o640)


def make_folder(folder: Path, mode: int) -> None:
    """The folder with exactly these rights, whatever is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(mode)


def make_link(link: Path, target: Path) -> None:
    """A link that leads there, at every moment where there was one before."""
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
