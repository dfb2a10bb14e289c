"""The cgroups of releases: where they are, who is in them, and taking them away."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from headway.drivers.runtimes import processes
from headway.infra.hosts import cgroups

_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchies:
    """Where the trees of this machine are mounted: the one of version 2, and those of version 1 that can bound."""

    unified: str | None = None
    memory: str | None = None
    pids: str | None = None
    cpu: str | None = None

    @property
    def mounted(self) -> tuple[str, ...]:
        """All of them, the one that tells members best first."""
        return tuple(path for path in (self.unified, self.pids, self.memory, self.cpu) if path is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group that a release's processes join: its tree, its folder in it, the controllers that have to be handed down
    to it (version 2 only) and the bounds to be written there.
    """

    tree: str
    folder: str
    controllers: tuple[str, ...] = ()
    bounds: Mapping[str, str] = field(default_factory=dict)

    def dump(self) -> dict[str, object]:
        """The JSON form that the launcher reads."""
        return asdict(self)


def find_hierarchies(mountinfo: str) -> Hierarchies:
    """Reads them from the text of /proc/self/mountinfo."""
    found: dict[str, str] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        folder, (kind, _, options) = _unescaped(before.split()[4]), after.split()[:3]
        if kind == "cgroup2":
            found.setdefault("unified", folder)
        elif kind == "cgroup":
            for controller in {"memory", "pids", "cpu"} & set(options.split(",")):
                found.setdefault(controller, folder)
    return Hierarchies(**found)


class ReleaseGroups:
    """The groups of one panel's releases, at ``headway/<panel>/releases/<release>`` in every tree."""

    def __init__(self, hierarchies: Hierarchies, panel_id: str) -> None:
        self._hierarchies = hierarchies
        self._below = f"headway/{panel_id}/releases"

    @staticmethod
    def of_this_machine(panel_id: str) -> ReleaseGroups | None:
        """None where there are no cgroups or we may make none."""
        hierarchies = find_hierarchies((processes.PROC / "self/mountinfo").read_text())
        groups = ReleaseGroups(hierarchies, panel_id)
        try:
            groups.make()
        except OSError:
            return None
        return groups if hierarchies.mounted else None

    def make(self) -> None:
        """Makes the folders of the panel's releases, where they are not there."""
        for folder in self._folders():
            folder.mkdir(parents=True, exist_ok=True)

    def plan(self, release_id: str, *, memory_bytes: int | None, process_limit: int | None) -> tuple[Group, ...]:
        """The groups that the release's processes are to join, and their bounds."""
        trees = self._hierarchies
        folder = f"{self._below}/{release_id}"
        memory = {} if memory_bytes is None else {"memory.max": str(memory_bytes), "memory.swap.max": "0"}
        count = {} if process_limit is None else {"pids.max": str(process_limit)}
        old_memory = {} if memory_bytes is None else {"memory.limit_in_bytes": str(memory_bytes)}
        groups = []
        if trees.unified is not None:
            here = (Path(trees.unified) / "cgroup.controllers").read_text().split()
            wanted = tuple(name for name in ("memory", "pids", "cpu") if name in here)
            bounds = {**(memory if "memory" in wanted else {}), **(count if "pids" in wanted else {})}
            groups.append(Group(tree=trees.unified, folder=folder, controllers=wanted, bounds=bounds))
        if trees.memory is not None:
            groups.append(Group(tree=trees.memory, folder=folder, bounds=old_memory))
        if trees.pids is not None:
            groups.append(Group(tree=trees.pids, folder=folder, bounds=count))
        if trees.cpu is not None:  # no bound: as a group it has one share of the processors, whatever it starts
            groups.append(Group(tree=trees.cpu, folder=folder))
        return tuple(groups)

    def members(self, release_id: str) -> set[int] | None:
        """The processes in the release's group (zombies are in none); None where it has no group."""
        folder = Path(self._hierarchies.mounted[0]) / self._below / release_id
        try:
            return {int(pid) for pid in (folder / "cgroup.procs").read_text().split()}
        except FileNotFoundError:
            return None

    def kill(self, release_id: str) -> None:
        """Asks the kernel to end all members at once, where it can (version 2); the caller makes sure."""
        if self._hierarchies.unified is not None:
            with contextlib.suppress(OSError):
                (Path(self._hierarchies.unified) / self._below / release_id / "cgroup.kill").write_text("1")

    def remove(self, release_id: str) -> bool:
        """Takes the groups away; whether there are none now. Blocks for up to 2 s while what was killed leaves them,
        which a busy machine lets it do late.
        """
        return cgroups.remove([folder / release_id for folder in self._folders()])

    def present(self) -> set[str]:
        """The releases that have a group."""
        return {
            entry.name
            for folder in self._folders()
            if folder.is_dir()
            for entry in os.scandir(folder)
            if entry.is_dir()
        }

    def memory_kills(self, release_id: str) -> int:
        """How many of its processes the kernel has ended because the memory bound was reached."""
        trees = ((self._hierarchies.unified, "memory.events"), (self._hierarchies.memory, "memory.oom_control"))
        for tree, file in trees:
            if tree is None:
                continue
            with contextlib.suppress(OSError):
                lines = (Path(tree) / self._below / release_id / file).read_text().splitlines()
                return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
        return 0

    def clear(self) -> None:
        """Takes away the panel's own empty folders; what is still used stays."""
        for folder in self._folders():
            for path in (folder, folder.parent, folder.parent.parent):
                with contextlib.suppress(OSError):
                    path.rmdir()

    def _folders(self) -> list[Path]:
        return [Path(tree) / self._below for tree in self._hierarchies.mounted]


def _unescaped(path: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), path)
