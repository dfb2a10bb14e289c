"""Control groups within somebody else's: for what runs inside a container that goes on, so that all of it can be ended
and nothing else. They stay below the group of the container, whose bounds and permitted devices hold for them too.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from headway.infra.hosts import cgroups, processes, procfs

_SECONDS = 20.0


def group_within(pid: int, name: str) -> Path | None:
    """Where a group of this name is, or would be, within the one that a process is in; None where none can be made
    there. In a hierarchy of version 2, or else in the one that counts processes.
    """
    try:
        own = procfs.groups(procfs.folder_of(pid))
        hierarchies = cgroups.hierarchies()
    except OSError:
        return None
    for each in sorted(hierarchies, key=lambda each: not each.is_unified):
        group = own.get("" if each.is_unified else "pids")
        if group is not None and (each.is_unified or "pids" in each.controllers):
            folder = each.place(group) / name
            return folder if _can_be_made(folder) else None
    return None


def join(folder: Path, pid: int, belongs: Callable[[int], bool]) -> None:
    """Moves a process to the group, if it ``belongs`` there; whatever it starts from now on is there too. Raises
    OSError.
    """
    held = os.pidfd_open(pid)
    try:
        if not belongs(pid):
            raise OSError(errno.ESRCH, "it is no process of those that the group is for")
        folder.mkdir(exist_ok=True)
        (folder / "cgroup.procs").write_text(str(pid))
        if _has_ended(held):
            _end_another(folder, pid)
    finally:
        os.close(held)


def end(folder: Path) -> bool:
    """Kills what is in the group until none is left, and removes it; whether that was so in time. No error when it is
    gone. Blocks.
    """
    return cgroups.end_all([folder], _SECONDS) and cgroups.remove([folder])


def _has_ended(held: int) -> bool:
    poll = select.poll()
    poll.register(held, select.POLLIN)
    return bool(poll.poll(0))


def _end_another(folder: Path, pid: int) -> None:
    """The kernel moves by number. Who has got it after an end in that very moment was looked at by nobody, and would
    have left the bounds and the gates that hold where it began.
    """
    found = procfs.look(pid)
    if found is not None and not found.dead and str(pid) in (folder / "cgroup.procs").read_text().split():
        processes.send(signal.SIGKILL, pid, found.start_time)


def _can_be_made(folder: Path) -> bool:
    try:
        folder.mkdir()
    except FileExistsError:
        return True
    except OSError:
        return False
    with suppress(OSError):
        folder.rmdir()
    return True
