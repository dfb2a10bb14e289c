"""The names of the files below a folder, without following a link."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress

from headway.kernel.dataclass import dataclass

MOST_BYTES = (
    1 << 20
)  # that the names of a listing have, folders and what links say included: a server's fit one message
COST = 32  # of each, beside its name


@dataclass(frozen=True, slots=True)
class Listed:
    """A regular file, or a link (``target``: what it says), by its path below the folder, and how long it is."""

    name: str
    size: int
    target: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What there is, those nearest to the folder first; ``is_cut`` says that there is more."""

    files: tuple[Listed, ...]
    is_cut: bool


def list_below(folder: str, without: Collection[str], deepest: int) -> Listing:
    """The files below a folder, at most so many folders deep (1: those in itself), but for what is in folders of the
    names ``without``. Every folder is opened from the one above it, and none by a link.
    """
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    files, left = list[Listed](), MOST_BYTES
    todo = deque([""])
    try:
        while todo:
            inside = todo.popleft()
            for name, entry, target in _entries(top, inside):
                left -= len(os.fsencode(name)) + len(os.fsencode(target or "")) + COST
                if left < 0:
                    return Listing(tuple(files), is_cut=True)
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in without and name.count("/") + 1 < deepest:
                        todo.append(name)
                elif target is not None or entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        size = entry.stat(follow_symlinks=False).st_size
                        files.append(Listed(_text(name), size, None if target is None else _text(target)))
    finally:
        os.close(top)
    return Listing(tuple(files), is_cut=False)


def _entries(top: int, inside: str) -> Iterator[tuple[str, os.DirEntry[str], str | None]]:
    """What is in a folder below the opened one, by its path there; nothing of one that cannot be looked into."""
    held = os.dup(top)
    try:
        for part in inside.split("/") if inside else ():
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=held)
            os.close(held)
            held = below
        with os.scandir(held) as found:
            for entry in found:
                target = None
                if entry.is_symlink():
                    target = os.readlink(entry.name, dir_fd=held)
                yield f"{inside}/{entry.name}" if inside else entry.name, entry, target
    except OSError:
        return
    finally:
        os.close(held)


def _text(name: str) -> str:
    return os.fsencode(name).decode(errors="replace")
