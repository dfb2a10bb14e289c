"""Control groups for what another program, such as a container engine, starts on behalf of a run: bounded before it
begins, and ended as a whole afterwards. They lie at one path below the root of every hierarchy, since that is how such
a program is told of them.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from headway.infra.hosts import cgroups
from headway.infra.hosts.command import Limits

_V2 = ("memory.max", "pids.max")
_V1 = ("memory.limit_in_bytes", "pids.max")


def group_of(panel_id: str, name: str) -> str:
    """The path of a panel's group, from the root of every hierarchy."""
    return f"/headway/{panel_id}/builds/{name}"


def ruled_of(panel_id: str) -> str:
    """The path of the group in which containers and builds are that are ruled."""
    return f"/headway/{panel_id}/containers/ruled"


def within(above: str, name: str) -> str:
    """The same below a group that is kept, whatever is in it."""
    return f"{above}/build-{name}"


def make(group: str, limits: Limits) -> bool:
    """Makes the group in the hierarchies that bound something, and that of v2; False where it cannot be. Whoever uses
    it makes it in the others. Blocks.
    """
    bounding = [each for each in _whole() if each.is_unified or each.controllers & {"memory", "pids"}]
    try:
        for each in bounding:
            folder = _folder(each, group)
            folder.mkdir(parents=True, exist_ok=True)
            if each.is_unified:
                cgroups.share(each.folder, folder)
            for file, value in zip(
                _V2 if each.is_unified else _V1, (limits.memory_bytes, limits.processes), strict=True
            ):
                if value is not None and (folder / file).exists():
                    (folder / file).write_text(str(value))
    except OSError:
        return False
    return bool(bounding)


def end(group: str, seconds: float, *, keeping_none: bool = True) -> bool | None:
    """Kills what is in the group, and removes it, and what is empty above it where that is not kept: whether a process
    of it was out of memory, None where they do not end in time. Blocks.
    """
    folders = [folder for each in _whole() if (folder := _folder(each, group)).is_dir()]
    ended = cgroups.end_all(folders, seconds)
    ran_out = any(_ran_out(folder) for folder in folders)
    if not ended or not cgroups.remove(folders):
        return None
    for folder in folders if keeping_none else ():
        for above in (folder.parent, folder.parent.parent):
            with suppress(OSError):  # others have theirs in it
                above.rmdir()
    return ran_out


def _whole() -> list[cgroups.Hierarchy]:
    return [each for each in cgroups.hierarchies() if each.is_whole]


def _folder(hierarchy: cgroups.Hierarchy, group: str) -> Path:
    return hierarchy.folder / group.lstrip("/")


def _ran_out(folder: Path) -> bool:
    """In a v1 tree the kernel counts what it ended in the groups below, which are gone by now: there it is only known
    that the bound was met.
    """
    if (kills := cgroups.memory_kills(folder / "memory.events")) is not None:
        return kills > 0
    with suppress(OSError):
        return int((folder / "memory.failcnt").read_text()) > 0
    return False
