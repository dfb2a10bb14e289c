"""Opening a file below a folder that somebody else writes to, without being led out of it."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from enum import StrEnum
from pathlib import Path, PurePosixPath

from headway.infra.hosts import procfs
from headway.infra.hosts.base import LeadsOutside
from headway.kernel.dataclass import dataclass

MOST_LINKS = 40


class Kind(StrEnum):
    """What there is at a path."""

    NOTHING = "nothing"
    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a path below a folder leads to: ``itself`` and the ``folders`` in which a name of the way was looked up are
    known by device and number, so that no other spelling of a path hides one. Who can write to none of these folders
    cannot have the path lead elsewhere. ``OUTSIDE`` is where the way leaves the folder.
    """

    kind: Kind
    itself: str = ""
    folders: tuple[str, ...] = ()


def look_beneath(folder: str, path: str) -> Seen:
    """What there is at ``path`` (absolute, below ``folder``), links followed as ``open_beneath`` does."""
    folders: list[str] = []
    try:
        held = _held_beneath(folder, path, folders)
    except LeadsOutside:
        return Seen(kind=Kind.OUTSIDE)
    if held is None:
        return Seen(kind=Kind.NOTHING, folders=tuple(folders))
    try:
        mode = os.fstat(held).st_mode
        kind = Kind.FOLDER if stat.S_ISDIR(mode) else Kind.FILE if stat.S_ISREG(mode) else Kind.OTHER
        return Seen(kind=kind, itself=_identity(held), folders=tuple(folders))
    finally:
        os.close(held)


def open_beneath(folder: str, path: str) -> int | None:
    """A descriptor of the regular file at ``path`` (absolute, below ``folder``), None when there is none.

    Every component is opened from the one before it, so that nobody can exchange one in between. Symbolic links are
    followed as long as they stay inside. Raises LeadsOutside for the first that does not, or when there is no end.
    """
    held = _held_beneath(folder, path, [])
    if held is None:
        return None
    try:
        return _reopen(held)
    finally:
        os.close(held)


def _held_beneath(folder: str, path: str, folders: list[str]) -> int | None:
    """What is at the path, by its path only, or None; into ``folders`` goes where each name was looked up. The folder
    itself is no link: whoever writes below it may have put one there.
    """
    try:
        top = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    return _held_from(top, folder, path, folders)


def _held_from(top: int, folder: str, path: str, folders: list[str]) -> int | None:
    stack, links = [top], 0
    try:
        base = str(Path(procfs.opened(top)).readlink())
        todo = deque(_parts(folder, base, path, path))
        while todo:
            part = todo.popleft()
            if part == "..":
                if len(stack) == 1:
                    raise _outside(path, folder)
                os.close(stack.pop())
                continue
            folders.append(_identity(stack[-1]))
            opened = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=stack[-1])
            stack.append(opened)
            if not stat.S_ISLNK(os.fstat(opened).st_mode):
                continue
            links += 1
            if links > MOST_LINKS:
                raise _outside(path, folder)
            target = os.readlink("", dir_fd=opened)
            os.close(stack.pop())
            if target.startswith("/"):
                todo.extendleft(reversed(_parts(folder, base, target, path)))
                while len(stack) > 1:
                    os.close(stack.pop())
            else:
                todo.extendleft(reversed(_split(target)))
        return stack.pop()
    except (FileNotFoundError, NotADirectoryError):
        return None
    finally:
        for held in stack:
            os.close(held)


def _identity(held: int) -> str:
    found = os.fstat(held)
    return f"{found.st_dev}:{found.st_ino}"


def open_regular(path: str) -> int | None:
    """A descriptor of the regular file at ``path``, None when there is none; a pipe or a device cannot hold us up."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in {errno.ENXIO, errno.EISDIR, errno.ELOOP}:
            return None
        raise
    if stat.S_ISREG(os.fstat(opened).st_mode):
        return opened
    os.close(opened)
    return None


def _reopen(held: int) -> int | None:
    """What was found by its path only, for reading."""
    if not stat.S_ISREG(os.fstat(held).st_mode):
        return None
    return os.open(procfs.opened(held), os.O_RDONLY | os.O_CLOEXEC)


def _parts(folder: str, base: str, target: str, path: str) -> list[str]:
    for top in (folder, base):
        if PurePosixPath(target).is_relative_to(top):
            return _split(str(PurePosixPath(target).relative_to(top)))
    raise _outside(path, folder)


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


def _outside(path: str, folder: str) -> LeadsOutside:
    return LeadsOutside(path, folder)
