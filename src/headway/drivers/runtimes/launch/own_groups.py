"""What a process sees of the machine's control groups: its own, as a container does.

Their folders are called after releases and containers, name their processes, and say what each of them uses. Launchers
import this with the standard library alone, before they drop their rights and in mounts of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterable, Mapping

from headway.drivers.runtimes.launch.overlay import cover, show_instead
from headway.infra.hosts import procfs

_NEW_GROUPS = 0x02000000
_OURS = "headway"


def show_own() -> None:
    """Shows this process its groups, each as the root of its tree, so that what reads its bounds there finds them; a
    tree in which it has none of its own is covered. All stays as it is where it has none at all (where it is in a group
    with the panel, the bounds there hold for it), and where the kernel refuses.
    """
    with contextlib.suppress(OSError):
        trees = trees_of(procfs.mounts(), procfs.groups())
        if not any(trees.values()) or ctypes.CDLL(None).unshare(_NEW_GROUPS) != 0:
            return
        for tree, group in trees.items():
            with contextlib.suppress(OSError):
                if group:
                    show_instead(f"{tree}/{group}", tree)
                else:
                    cover(tree)


def trees_of(mounts: Iterable[procfs.Mount], joined: Mapping[str, str]) -> dict[str, str]:
    """Where each tree lies, and the group below it that is its own ("" for none)."""
    found = {}
    for mount in mounts:
        if mount.filesystem in {"cgroup", "cgroup2"}:
            names = mount.options.split(",") if mount.filesystem == "cgroup" else [""]
            group = next((joined[each] for each in names if each in joined), "")
            found[mount.place] = _own(group, mount.root.rstrip("/"))
    return found


def _own(group: str, root: str) -> str:
    """In a container the tree begins at the container's own group."""
    below = group.removeprefix(root) if group.startswith(f"{root}/") else ""
    return below.strip("/") if _OURS in below.split("/") else ""
