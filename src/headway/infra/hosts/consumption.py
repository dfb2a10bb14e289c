"""What a machine and the groups on it have used, as the kernel counts it anyway; read in one go, and nothing kept.

Counters are as they stand: who reads twice has the difference. What another program does meanwhile (a container that
ends, a group that is made) makes one group be missing, and nothing else.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path

from headway.infra.hosts import cgroups, procfs
from headway.kernel.dataclass import dataclass

_CONTAINER = re.compile(r"(?:^|-)([0-9a-f]{64})(?:\.scope)?$")
_DEEPEST = 6  # levels below the root at which an engine makes its groups, by whichever of its drivers
_RELEASES = re.compile(r"^headway/[^/]+/releases$")  # there an engine makes none, and somebody else could
_MOST_LOOKED_AT = 32  # processes of a group, of which it is asked who started them
_UNBOUNDED = 1 << 60  # what version 1 tells of a group without a bound is about 2^63
_TICKS = os.sysconf("SC_CLK_TCK")
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupReading:
    """What a group has used. ``made`` tells it from another of its name, ``cpu`` are microseconds of processors since
    then, ``memory`` is what it is charged now, its files in the cache included. Bounds are 0 where there are none:
    ``cpu_bound`` in microseconds a second. ``roots`` are those of its processes that were started from outside of it,
    each as one start.
    """

    made: int
    cpu: int
    memory: int
    cpu_bound: int = 0
    memory_bound: int = 0
    roots: Collection[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReading:
    """What a machine has used. ``boot`` is which of its starts it is of, ``at`` the milliseconds since then, by a clock
    that nobody sets; ``cpu`` as of a group. ``groups`` are those that were asked for and are there, ``cost`` is what
    the reading took itself, in microseconds of a processor.
    """

    boot: str
    at: int
    cores: int
    cpu: int
    memory: int
    memory_size: int
    groups: Mapping[str, GroupReading] = field(default_factory=dict)
    cost: int = 0


def read_machine(panel_id: str, releases: Collection[str], containers: Collection[str]) -> MachineReading:
    """What the machine has used, and the groups of these releases of a panel and of these containers. Blocks for
    milliseconds. Raises OSError where the machine itself cannot be read.
    """
    began = time.thread_time_ns()
    total, available = procfs.memory_sizes()
    cpu, at = procfs.busy_ticks() * _MICROSECONDS // _TICKS, time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    groups = dict(_groups(_trees(), panel_id, frozenset(releases), frozenset(containers)))
    return MachineReading(
        boot=procfs.boot_id(),
        at=at // 1_000_000,
        cores=os.cpu_count() or 1,
        cpu=cpu,
        memory=total - available,
        memory_size=total,
        groups=groups,
        cost=(time.thread_time_ns() - began) // 1_000,
    )


@dataclass(frozen=True, slots=True)
class _Trees:
    """Where what is read lies: version 2, and of version 1 what counts processors, memory and bounds of processors."""

    unified: Path | None
    cpuacct: Path | None
    memory: Path | None
    cpu: Path | None

    @property
    def all(self) -> Iterator[Path]:
        for each in (self.unified, self.cpuacct, self.memory):
            if each is not None:
                yield each


def _trees() -> _Trees:
    """Those of this machine; in a container they begin at its own group, as those of releases do."""
    found: dict[str, Path] = {}
    for each in cgroups.hierarchies():
        for name in {""} if each.is_unified else each.controllers:
            found.setdefault(name, each.folder)
    return _Trees(found.get(""), found.get("cpuacct"), found.get("memory"), found.get("cpu"))


def _groups(
    trees: _Trees, panel_id: str, releases: frozenset[str], containers: frozenset[str]
) -> Iterator[tuple[str, GroupReading]]:
    for release_id in releases:
        if (reading := _read_group(trees, f"headway/{panel_id}/releases/{release_id}", with_roots=True)) is not None:
            yield release_id, reading
    if containers:
        for container_id, below in _container_groups(trees).items():
            if container_id in containers and (reading := _read_group(trees, below)) is not None:
                yield container_id, reading


def _container_groups(trees: _Trees) -> dict[str, str]:
    """The groups that engines have given to containers by their ids, wherever their drivers make them."""
    found: dict[str, str] = {}
    for tree in trees.all:
        for below in _walk(tree, "", _DEEPEST):
            name = _CONTAINER.search(below.rpartition("/")[2])
            if name is not None:
                found.setdefault(name[1], below)
    return found


def _walk(tree: Path, below: str, levels: int) -> Iterator[str]:
    """The groups below one, but for those within a container's or a release's."""
    with suppress(OSError):
        for entry in os.scandir(tree / below):
            if entry.is_dir(follow_symlinks=False):
                inner = f"{below}/{entry.name}" if below else entry.name
                yield inner
                if levels > 1 and _CONTAINER.search(entry.name) is None and _RELEASES.match(inner) is None:
                    yield from _walk(tree, inner, levels - 1)


def _read_group(trees: _Trees, below: str, *, with_roots: bool = False) -> GroupReading | None:
    """None where there is no group, or one of which neither is told."""
    try:
        cpu, folder = _cpu(trees, below)
        memory, memory_bound = _memory(trees, below)
        return GroupReading(
            made=folder.stat().st_ino,
            cpu=cpu,
            memory=memory,
            cpu_bound=_cpu_bound(trees, below),
            memory_bound=memory_bound,
            roots=_roots(folder) if with_roots else (),
        )
    except (OSError, ValueError, LookupError):
        return None


def _cpu(trees: _Trees, below: str) -> tuple[int, Path]:
    """What it has used of processors, and the group that says so: version 2 counts whatever controllers it has."""
    if trees.unified is not None:
        with suppress(FileNotFoundError):
            folder = trees.unified / below
            told = dict(line.split() for line in _text(folder / "cpu.stat").splitlines())
            return int(told["usage_usec"]), folder
    if trees.cpuacct is None:
        raise FileNotFoundError
    folder = trees.cpuacct / below
    return int(_text(folder / "cpuacct.usage")) // 1_000, folder


def _memory(trees: _Trees, below: str) -> tuple[int, int]:
    if trees.unified is not None:
        with suppress(FileNotFoundError):
            folder = trees.unified / below
            return int(_text(folder / "memory.current")), _bound(_text(folder / "memory.max"))
    if trees.memory is None:
        raise FileNotFoundError
    folder = trees.memory / below
    return int(_text(folder / "memory.usage_in_bytes")), _bound(_text(folder / "memory.limit_in_bytes"))


def _cpu_bound(trees: _Trees, below: str) -> int:
    """In microseconds a second, 0 for none."""
    with suppress(OSError):
        if trees.unified is not None:
            quota, period = _text(trees.unified / below / "cpu.max").split()
            return 0 if quota == "max" else int(quota) * _MICROSECONDS // int(period)
    with suppress(OSError):
        if trees.cpu is not None:
            folder = trees.cpu / below
            quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
            return max(0, int(quota)) * _MICROSECONDS // int(period)
    return 0


def _bound(text: str) -> int:
    return 0 if text.strip() == "max" or int(text) >= _UNBOUNDED else int(text)


def _roots(folder: Path) -> tuple[str, ...]:
    """Those of its processes whose parents are in no part of it, but for orphans; of very many, of the oldest."""
    pids = sorted(int(line) for line in _text(folder / "cgroup.procs").split())
    found = [process for pid in pids[:_MOST_LOOKED_AT] if (process := procfs.look(pid)) is not None]
    own = set(pids)
    started = [each for each in found if not each.dead and each.parent > 1 and each.parent not in own]
    return tuple(f"{each.pid} {each.start_time}" for each in started)


def _text(file: Path) -> str:
    return file.read_text()
