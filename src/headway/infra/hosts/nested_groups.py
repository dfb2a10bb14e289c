"""Control groups within somebody else's: for what runs inside a container that goes on, so that all of it can be ended
and nothing else. They stay below the group of the container, whose bounds and permitted devices hold for them too.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from headway.infra.hosts import cgroups, procfs

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


def join(folder: Path, pid: int) -> None:
    """Moves a process to the group; whatever it starts from now on is there too. Raises OSError."""
    folder.mkdir(exist_ok=True)
    (folder / "cgroup.procs").write_text(str(pid))


def end(folder: Path) -> bool:
    """Kills what is in the group until none is left, and removes it; whether that was so in time. No error when it is
    gone. Blocks.
    """
    return cgroups.end_all([folder], _SECONDS) and cgroups.remove([folder])


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
