"""What applications wrote: the last lines of a process, out of its log file and those that were rotated away."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from headway.drivers.runtimes.process.programs import LOG_BACKUPS, Layout
from headway.drivers.runtimes.process.record import ReleaseRecord

_CHUNK = 64 << 10
_CONTEXT = 400  # lines before the wanted ones, since a secret of several lines may have begun there


def last_lines(log: Path, count: int) -> list[str]:
    """The last ``count`` lines, oldest first; fewer where there are no more."""
    lines: list[str] = []
    for path in (log, *(log.with_name(f"{log.name}.{number}") for number in range(1, LOG_BACKUPS + 1))):
        if len(lines) < count:
            lines = _tail(path, count - len(lines)) + lines
    return lines


def shown_lines(log: Path, count: int, masked: Callable[[str], str]) -> list[str]:
    """The last ``count`` lines as ``masked`` leaves them, which may make one of several."""
    lines = last_lines(log, count + _CONTEXT)
    return masked("\n".join(lines)).split("\n")[-count:] if lines else []


def write(layout: Layout, release: ReleaseRecord, sentence: str) -> None:
    """Adds a line of Headway's own to what a release's first process wrote; nothing where that is gone."""
    append(layout.log(release.app_name, release.programs[0]), sentence)


def append(log: Path, sentence: str) -> None:
    """Adds a line of Headway's own to what a process wrote; nothing where that is gone."""
    with suppress(OSError):
        opened = os.open(log, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(opened, f"{sentence}\n".encode())
        finally:
            os.close(opened)


def remove(log: Path) -> None:
    """Removes the log of a process with all that was rotated away."""
    for path in log.parent.glob(f"{log.name}*"):
        path.unlink(missing_ok=True)


def _tail(path: Path, count: int) -> list[str]:
    """Read from the end, so that a full log costs no more than a short one."""
    try:
        with path.open("rb") as file:
            position = file.seek(0, 2)
            found = b""
            while position > 0 and found.count(b"\n") <= count:
                step = min(_CHUNK, position)
                position = file.seek(position - step)
                found = file.read(step) + found
    except FileNotFoundError:
        return []
    lines = found.decode(errors="replace").removesuffix("\n").split("\n")
    return lines[-count:] if found else []
