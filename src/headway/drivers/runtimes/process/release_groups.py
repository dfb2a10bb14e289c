"""The control groups of releases: where they are, who is in them, and taking them away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, field
from pathlib import Path

from headway.infra.hosts import cgroups
from headway.kernel.dataclass import dataclass

# The tree of version 2, and those of version 1 that can bound: the one that tells members best first.
_UNIFIED = ""
_KINDS = (_UNIFIED, "pids", "memory", "cpu")


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


class ReleaseGroups:
    """The groups of one panel's releases, at ``headway/<panel>/releases/<release>`` in every tree that there is."""

    def __init__(self, trees: Mapping[str, Path], panel_id: str) -> None:
        self._trees = trees
        self._below = f"headway/{panel_id}/releases"

    @staticmethod
    def of_this_machine(panel_id: str) -> ReleaseGroups | None:
        """None where there are no cgroups or we may make none."""
        trees = _by_kind(cgroups.hierarchies())
        groups = ReleaseGroups(trees, panel_id)
        try:
            groups.make()
        except OSError:
            return None
        return groups if trees else None

    def make(self) -> None:
        """Makes the folders of the panel's releases, where they are not there."""
        for folder in self._folders():
            folder.mkdir(parents=True, exist_ok=True)

    def plan(self, release_id: str, *, memory_bytes: int | None, process_limit: int | None) -> tuple[Group, ...]:
        """The groups that the release's processes are to join, and their bounds."""
        folder = f"{self._below}/{release_id}"
        memory = {} if memory_bytes is None else {"memory.max": str(memory_bytes), "memory.swap.max": "0"}
        count = {} if process_limit is None else {"pids.max": str(process_limit)}
        old_memory = {} if memory_bytes is None else {"memory.limit_in_bytes": str(memory_bytes)}
        # In the tree of cpu there is no bound: as a group it has one share of the processors, whatever it starts.
        bounds: Mapping[str, Mapping[str, str]] = {"memory": old_memory, "pids": count, "cpu": {}}
        groups = []
        if (top := self._trees.get(_UNIFIED)) is not None:
            here = (top / "cgroup.controllers").read_text().split()
            wanted = tuple(name for name in cgroups.CONTROLLERS if name in here)
            new = {**(memory if "memory" in wanted else {}), **(count if "pids" in wanted else {})}
            groups.append(Group(tree=str(top), folder=folder, controllers=wanted, bounds=new))
        for kind, old in bounds.items():
            if (tree := self._trees.get(kind)) is not None:
                groups.append(Group(tree=str(tree), folder=folder, bounds=old))
        return tuple(groups)

    def members(self, release_id: str) -> set[int] | None:
        """The processes in the release's group (zombies are in none); None where it has no group."""
        best = self._folders()[0] / release_id
        try:
            return {int(pid) for pid in (best / "cgroup.procs").read_text().split()}
        except FileNotFoundError:
            return None

    def could_hold(self, pid: int, release_ids: Collection[str]) -> bool:
        """Whether a process that is in none of the groups of these releases can yet be one of theirs: see
        ``cgroups.could_hold``.
        """
        return cgroups.could_hold(pid, [f"{self._below}/{each}" for each in release_ids])

    def kill(self, release_id: str) -> None:
        """Asks the kernel to end all members at once, where it can (version 2); the caller makes sure."""
        if _UNIFIED in self._trees:
            with contextlib.suppress(OSError):
                (self._trees[_UNIFIED] / self._below / release_id / "cgroup.kill").write_text("1")

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
        for kind, file in ((_UNIFIED, "memory.events"), ("memory", "memory.oom_control")):
            if (tree := self._trees.get(kind)) is not None:
                kills = cgroups.memory_kills(tree / self._below / release_id / file)
                if kills is not None:
                    return kills
        return 0

    def clear(self) -> None:
        """Takes away the panel's own empty folders; what is still used stays."""
        for folder in self._folders():
            for path in (folder, folder.parent, folder.parent.parent):
                with contextlib.suppress(OSError):
                    path.rmdir()

    def _folders(self) -> list[Path]:
        return [tree / self._below for tree in self._trees.values()]


def _by_kind(found: Iterable[cgroups.Hierarchy]) -> Mapping[str, Path]:
    """Where each tree is mounted, in the order of the kinds; where one is twice, at its first place."""
    trees: dict[str, Path] = {}
    for each in found:
        for kind in {_UNIFIED} if each.is_unified else each.controllers.intersection(_KINDS):
            trees.setdefault(kind, each.folder)
    return {kind: trees[kind] for kind in _KINDS if kind in trees}
