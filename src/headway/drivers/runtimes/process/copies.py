"""The processes of releases, whoever started them and whatever they did to hide: by cgroup, else by their marker."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from headway.drivers.runtimes.process.programs import Layout
from headway.drivers.runtimes.process.release_groups import ReleaseGroups
from headway.infra.hosts import processes, procfs

MARKER = "HEADWAY_RELEASE_ID"


class Copies:
    """Finds and ends them. All of it blocks for milliseconds, for longer where something does not want to die."""

    def __init__(self, layout: Layout, groups: ReleaseGroups | None) -> None:
        self._layout = layout
        self._groups = groups

    def of(self, release_id: str, supervised: Collection[int]) -> set[int]:
        """The processes of a release; ``supervised`` are the pids that supervisord knows."""
        if members := self._members(release_id):
            return members
        return self._plausible(self._marked({release_id}), {release_id}) | processes.with_descendants(supervised)

    def launched(self, pid: int) -> bool:
        """Whether a process has become the application's; before, it is still the launcher."""
        return str(self._layout.launcher) not in procfs.argv(pid)

    def lacking(self, pid: int) -> str | None:
        """What keeps a process that is there from doing anything."""
        return "was stopped by a signal (SIGSTOP), and goes on with kill -CONT" if procfs.is_stopped(pid) else None

    def family(self, supervised: Collection[int]) -> dict[int, int]:
        """These processes and all below them, with the start time of each: to be taken before they are stopped, where
        it is the only way to find what clears its environment. Empty where cgroups do better.
        """
        found = set() if self._groups is not None else processes.with_descendants(supervised)
        return {pid: started for pid in found if (started := procfs.start_time(pid)) is not None}

    def end(self, release_id: str, family: Mapping[int, int]) -> None:
        """Kills what is there of a release, until nothing is, and takes its cgroup away."""
        processes.kill_until_gone(lambda: {pid for pid in family if procfs.start_time(pid) == family[pid]})
        self._end({release_id})

    def end_orphans(self, release_ids: Collection[str]) -> None:
        """The same for these releases and all that have a cgroup; for when no supervisord keeps them."""
        present = set() if self._groups is None else self._groups.present()
        self._end({*release_ids, *present})

    def memory_kills(self, release_id: str) -> int:
        """How many of the release's processes the kernel has ended because its memory bound was reached."""
        return 0 if self._groups is None else self._groups.memory_kills(release_id)

    def _end(self, release_ids: set[str]) -> None:
        if self._groups is not None:
            for release_id in release_ids:
                self._groups.kill(release_id)
        processes.kill_until_gone(lambda: self._find(release_ids))
        if self._groups is not None:
            for release_id in release_ids:
                if not self._groups.remove(release_id):
                    raise processes.WontDie(
                        f"What ran in release {release_id} was killed and has not left its group yet."
                    )

    def _find(self, release_ids: set[str]) -> set[int]:
        members = {pid for release_id in release_ids for pid in self._members(release_id)}
        # The scan is the dearer look: it has the last word only, on what is in no group (yet).
        # Arguments tell a launcher, a marker tells the application that it becomes: in this order none is missed.
        return members or self._plausible(self._launching(release_ids) | self._marked(release_ids), release_ids)

    def _members(self, release_id: str) -> set[int]:
        return (None if self._groups is None else self._groups.members(release_id)) or set()

    def _plausible(self, found: set[int], release_ids: set[str]) -> set[int]:
        """Those that can be what they say that they are."""
        groups = self._groups
        return found if groups is None else {pid for pid in found if groups.could_hold(pid, release_ids)}

    def _marked(self, release_ids: set[str]) -> set[int]:
        # A panel that is itself deployed by a panel carries a marker too; it does not end itself.
        marks = processes.marked_with(MARKER)
        return {pid for pid, release_id in marks.items() if release_id in release_ids} - {os.getpid()}

    def _launching(self, release_ids: set[str]) -> set[int]:
        root = str(self._layout.root)
        return {pid for release_id in release_ids for pid in processes.called_with(root, release_id)}
