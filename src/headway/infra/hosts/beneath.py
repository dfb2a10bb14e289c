"""Opening a file below a folder that somebody else writes to, without being led out of it."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from pathlib import PurePosixPath

from headway.infra.hosts.base import LeadsOutside

MOST_LINKS = 40


def open_beneath(folder: str, path: str) -> int | None:
    """A descriptor of the regular file at ``path`` (absolute, below ``folder``), None when there is none.

    Every component is opened from the one before it, so that nobody can exchange one in between. Symbolic links are
    followed as long as they stay inside. Raises LeadsOutside for the first that does not, or when there is no end.
    """
    base = os.path.realpath(folder)
    todo = deque(_parts(folder, base, path, path))
    stack = [os.open(base, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]
    links = 0
    try:
        while todo:
            part = todo.popleft()
            if part == "..":
                if len(stack) == 1:
                    raise _outside(path, folder)
                os.close(stack.pop())
                continue
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
        return _reopen(stack[-1])
    except (FileNotFoundError, NotADirectoryError):
        return None
    finally:
        for held in stack:
            os.close(held)


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
    return os.open(f"/proc/self/fd/{held}", os.O_RDONLY | os.O_CLOEXEC)


def _parts(folder: str, base: str, target: str, path: str) -> list[str]:
    for top in (folder, base):
        if PurePosixPath(target).is_relative_to(top):
            return _split(str(PurePosixPath(target).relative_to(top)))
    raise _outside(path, folder)


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


def _outside(path: str, folder: str) -> LeadsOutside:
    return LeadsOutside(path, folder)
