"""What a process sees of the machine's control groups: its own, as a container does.

Their folders are called after releases and containers, name their processes, and say what each of them uses. Launchers
import this with the standard library alone, before they drop their rights and in mounts of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import re

from headway.drivers.runtimes.overlay import cover, show_instead

_NEW_GROUPS = 0x02000000
_OURS = "headway"
_ESCAPED = re.compile(r"\\([0-7]{3})")


def show_own() -> None:
    """Shows this process its groups, each as the root of its tree, so that what reads its bounds there finds them; a
    tree in which it has none of its own is covered. All stays as it is where it has none at all (where it is in a group
    with the panel, the bounds there hold for it), and where the kernel refuses.
    """
    with contextlib.suppress(OSError):
        trees = trees_of(_text("/proc/self/mountinfo"), _text("/proc/self/cgroup"))
        if not any(trees.values()) or ctypes.CDLL(None).unshare(_NEW_GROUPS) != 0:
            return
        for tree, group in trees.items():
            with contextlib.suppress(OSError):
                if group:
                    show_instead(f"{tree}/{group}", tree)
                else:
                    cover(tree)


def trees_of(mountinfo: str, joined: str) -> dict[str, str]:
    """Where each tree lies, and the group below it that is its own ("" for none), as /proc/self/mountinfo and
    /proc/self/cgroup say.
    """
    groups = [line.split(":", 2)[1:] for line in joined.splitlines()]
    found = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        root, folder = before.split()[3:5]
        kind, _, options = after.split()[:3]
        if kind in {"cgroup", "cgroup2"}:
            names = {*options.split(",")} if kind == "cgroup" else {""}
            group = next((group for each, group in groups if {*each.split(",")} <= names), "")
            found[_ESCAPED.sub(lambda match: chr(int(match[1], 8)), folder)] = _own(group, root.rstrip("/"))
    return found


def _own(group: str, root: str) -> str:
    """In a container the tree begins at the container's own group."""
    below = group.removeprefix(root) if group.startswith(f"{root}/") else ""
    return below.strip("/") if _OURS in below.split("/") else ""


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is one import more
        return file.read()
