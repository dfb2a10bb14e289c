"""What was used between two readings of a machine: pure, and never more than can have been."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from headway.features.usage.model import EMPTY, MICROSECONDS, UsagePoint, host_target, merged, sampler_target
from headway.infra.hosts.consumption import GroupReading, MachineReading
from headway.kernel.dataclass import dataclass

MOST_CORES, MOST_BYTES = 4_096, 1 << 42  # what a point holds of a machine: a server may tell anything
LONGEST = 25_000  # milliseconds from one reading to the next: beyond that nothing is said of the time between
# What ends again and again is away for up to a minute each time; what was away for longer had been stopped.
AWAY = 90_000  # milliseconds
# The kernel counts the ticks of the machine one by one, and a group's between two looks that are not quite those.
_TOLERANCE, _MARGIN = 1.02, 50_000


@dataclass(slots=True)
class Meter:
    """Of one machine. ``host_id`` is what it is, and what was read last is held against what is read next."""

    host_id: str
    _last: MachineReading | None = None
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def take(self, now: MachineReading, owners: Mapping[str, str], cost: int = 0) -> Mapping[str, UsagePoint]:
        """What was used since the last reading, by target. ``owners`` says whose each group is; what it names of one
        target is put together. ``cost`` is what was spent on it here, beside the reading itself.
        """
        last, self._last = self._last, now
        if last is None or last.boot != now.boot:
            self._seen = {}
        restarts = self._look(now, owners)
        covered = 0 if last is None or last.boot != now.boot else now.at - last.at
        if last is None or not 0 < covered <= LONGEST:
            return {}
        found: dict[str, UsagePoint] = {}
        for key, group in now.groups.items():
            if (target := owners.get(key)) is not None:
                point = _of_group(last.groups.get(key), group, now, covered)._replace(restarts=restarts[key])
                found[target] = _beside(found.get(target, EMPTY), point)
        found = {target: point for target, point in found.items() if not point.is_empty}
        found |= self._of_machine(last, now, covered, cost)
        return {target: _cut(point, now) for target, point in found.items()}

    def _of_machine(self, last: MachineReading, now: MachineReading, covered: int, cost: int) -> dict[str, UsagePoint]:
        bounds = {"cpu_bound": now.cores * MICROSECONDS, "memory_bound": now.memory_size >> 10}
        sampling = _point(now.cost + cost, 0, covered, **bounds)
        found = {sampler_target(self.host_id): sampling}
        if _can_be(now.cpu - last.cpu, now.memory, now, covered):
            found[host_target(self.host_id)] = _point(now.cpu - last.cpu, now.memory, covered, **bounds)
        return found

    def _look(self, now: MachineReading, owners: Mapping[str, str]) -> Mapping[str, int]:
        """How often each group was started again, as far as what was seen of it shows that; notes what is seen now."""
        seen = {key: each for key, each in self._seen.items() if key in owners and 0 <= now.at - each.at <= AWAY}
        groups = {key: group for key, group in now.groups.items() if key in owners}
        self._seen = seen | {key: _seen_now(seen.get(key), group, now.at) for key, group in groups.items()}
        return {key: _restarts(seen.get(key), group) for key, group in groups.items()}


@dataclass(frozen=True, slots=True)
class _Seen:
    """A group as it was seen last, and how many processes of it were ever seen to be started at once: of one that
    ended, the next is a restart.
    """

    group: GroupReading
    at: int
    most_roots: int


def _seen_now(before: _Seen | None, group: GroupReading, at: int) -> _Seen:
    most = before.most_roots if before is not None and before.group.made == group.made else 0
    return _Seen(group, at, max(most, len(group.roots)))


def _restarts(before: _Seen | None, group: GroupReading) -> int:
    if before is None:
        return 0
    if before.group.made != group.made:
        return 1
    fresh, ended = set(group.roots) - set(before.group.roots), set(before.group.roots) - set(group.roots)
    missing = max(0, before.most_roots - len(before.group.roots))
    return min(len(fresh), len(ended) + missing)


def _of_group(before: GroupReading | None, group: GroupReading, now: MachineReading, covered: int) -> UsagePoint:
    """Of one that was made anew it is what it has used since, which lies in the time; of one that was not read before
    nothing is known.
    """
    if before is None:
        return EMPTY
    cpu = group.cpu if before.made != group.made else group.cpu - before.cpu
    if not _can_be(cpu, group.memory, now, covered):
        return EMPTY
    return _point(cpu, group.memory, covered, cpu_bound=group.cpu_bound, memory_bound=group.memory_bound >> 10)


def _point(cpu: int, memory: int, covered: int, *, cpu_bound: int, memory_bound: int) -> UsagePoint:
    kib = memory >> 10
    return UsagePoint(
        covered=covered,
        cpu=cpu,
        cpu_peak=cpu * 1_000 // covered,
        memory=kib * covered,
        memory_peak=kib,
        cpu_bound=cpu_bound,
        memory_bound=memory_bound,
    )


def _can_be(cpu: int, memory: int, machine: MachineReading, covered: int) -> bool:
    is_a_machine = 0 < machine.cores <= MOST_CORES and 0 < machine.memory_size <= MOST_BYTES
    most = machine.cores * covered * 1_000 * _TOLERANCE + _MARGIN
    return is_a_machine and 0 <= cpu <= most and 0 <= memory <= machine.memory_size


def _beside(one: UsagePoint, other: UsagePoint) -> UsagePoint:
    """What two groups of one target have used in the same time: sums, where ``merged`` puts times together."""
    if not one.covered or not other.covered:
        return merged((one, other))
    # Where one of them is without a bound, so are both together.
    return UsagePoint(
        covered=one.covered,
        cpu=one.cpu + other.cpu,
        cpu_peak=one.cpu_peak + other.cpu_peak,
        memory=one.memory + other.memory,
        memory_peak=one.memory_peak + other.memory_peak,
        restarts=one.restarts + other.restarts,
        memory_bound=one.memory_bound + other.memory_bound if one.memory_bound and other.memory_bound else 0,
        cpu_bound=one.cpu_bound + other.cpu_bound if one.cpu_bound and other.cpu_bound else 0,
    )


def _cut(point: UsagePoint, machine: MachineReading) -> UsagePoint:
    """What counting at two moments, or in two groups, adds beyond all that the machine has is nobody's."""
    cores, kib = machine.cores, machine.memory_size >> 10
    return point._replace(
        cpu=min(point.cpu, cores * point.covered * 1_000),
        cpu_peak=min(point.cpu_peak, cores * MICROSECONDS),
        memory=min(point.memory, kib * point.covered),
        memory_peak=min(point.memory_peak, kib),
    )
