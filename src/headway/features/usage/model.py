"""What was used in a time, as sums of whole numbers: so that times are put together exactly, in whatever pieces."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

SECOND, MINUTE, HOUR, DAY = 1, 60, 3_600, 86_400
SAMPLE = 10 * SECOND  # from one reading to the next
SAMPLES = MINUTE // SAMPLE
HOURS = DAY // HOUR
MICROSECONDS = 1_000_000


class Level(IntEnum):
    """How many seconds a point of it is of."""

    SAMPLE = SAMPLE
    MINUTE = MINUTE
    HOUR = HOUR


class UsagePoint(NamedTuple):
    """What was used in a time. ``covered`` are the milliseconds of which that is known, ``cpu`` the microseconds of
    processors, ``memory`` KiB times milliseconds. Peaks are of one reading to the next, ``cpu_peak`` in microseconds a
    second. Bounds are as they were last, 0 where there was none: ``cpu_bound`` in microseconds a second,
    ``memory_bound`` in KiB.
    """

    covered: int = 0
    cpu: int = 0
    cpu_peak: int = 0
    memory: int = 0
    memory_peak: int = 0
    restarts: int = 0
    cpu_bound: int = 0
    memory_bound: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of the time."""
        return not self.covered and not self.restarts

    @property
    def cores(self) -> float | None:
        """How many processors were at work, on average; None where that is not known."""
        return self.cpu / (self.covered * 1_000) if self.covered else None

    @property
    def memory_bytes(self) -> int | None:
        """The memory, on average; None where that is not known."""
        return self.memory * 1_024 // self.covered if self.covered else None


EMPTY = UsagePoint()
# No field is written beyond what its place holds: see ``packed``.
_SHAPE = struct.Struct("<IQIQIHII")
_MOST = UsagePoint(
    covered=(1 << 32) - 1,
    cpu=(1 << 64) - 1,
    cpu_peak=(1 << 32) - 1,
    memory=(1 << 64) - 1,
    memory_peak=(1 << 32) - 1,
    restarts=(1 << 16) - 1,
    cpu_bound=(1 << 32) - 1,
    memory_bound=(1 << 32) - 1,
)
POINT_BYTES = _SHAPE.size
TARGET_BYTES = 32
_VERSION = 1
_HEAD = struct.Struct("<BB")  # the version, and how many points each target has


def merged(points: Iterable[UsagePoint]) -> UsagePoint:
    """What was used in all of these times, which follow each other."""
    found = EMPTY
    for each in points:
        if each.is_empty:
            continue
        last = each if each.covered or not found.covered else found
        found = UsagePoint(
            covered=found.covered + each.covered,
            cpu=found.cpu + each.cpu,
            cpu_peak=max(found.cpu_peak, each.cpu_peak),
            memory=found.memory + each.memory,
            memory_peak=max(found.memory_peak, each.memory_peak),
            restarts=min(found.restarts + each.restarts, _MOST.restarts),
            cpu_bound=last.cpu_bound,
            memory_bound=last.memory_bound,
        )
    return found


def packed(points: Sequence[UsagePoint]) -> bytes:
    """Points one after the other, each of ``POINT_BYTES``; what does not fit is as much as does."""
    return b"".join(_SHAPE.pack(*map(max, EMPTY, map(min, each, _MOST))) for each in points)


def unpacked(data: bytes) -> list[UsagePoint]:
    """The points that were packed so; what stands behind the last whole one is left out."""
    whole = len(data) - len(data) % POINT_BYTES
    return [UsagePoint._make(each) for each in _SHAPE.iter_unpack(data[:whole])]


def packed_table(points: Mapping[str, Sequence[UsagePoint]], count: int) -> bytes:
    """The points of many targets, ``count`` of each."""
    rows = [_HEAD.pack(_VERSION, count)]
    for target, each in points.items():
        if len(each) != count:
            raise ValueError(f"{target} has {len(each)} points and not {count}")
        rows.append(_key(target) + packed(each))
    return b"".join(rows)


def points_of(table: bytes, target: str) -> list[UsagePoint]:
    """The points of one of them, none where it is not among them: found without reading what the others have."""
    count = _count_of(table)
    key, size = _key(target), TARGET_BYTES + count * POINT_BYTES
    at = table.find(key, _HEAD.size)
    while at >= 0:
        if (at - _HEAD.size) % size == 0:  # else it is the same bytes by chance, within somebody's points
            return unpacked(table[at + TARGET_BYTES : at + size])
        at = table.find(key, at + 1)
    return []


def unpacked_table(table: bytes) -> Iterator[tuple[str, list[UsagePoint]]]:
    """Each target with its points."""
    count = _count_of(table)
    size = TARGET_BYTES + count * POINT_BYTES
    for at in range(_HEAD.size, len(table) - size + 1, size) if count else ():
        key = table[at : at + TARGET_BYTES].rstrip(b"\0").decode(errors="replace")
        yield key, unpacked(table[at + TARGET_BYTES : at + size])


def with_hour(day: bytes, hour: int, point: UsagePoint) -> bytes:
    """A day's points with those of one of its hours in their place."""
    points = [*unpacked(day), *([EMPTY] * HOURS)][:HOURS]
    points[hour] = point
    return packed(points)


def service_target(service_id: str) -> str:
    """What a service's points go by."""
    return f"service:{service_id}"


def host_target(host_id: str) -> str:
    """What those of a machine go by."""
    return f"host:{host_id}"


def sampler_target(host_id: str) -> str:
    """What those of the sampling on a machine go by."""
    return f"sampler:{host_id}"


def _count_of(table: bytes) -> int:
    """How many points each target has; of a version that is not known there are none to be read."""
    if len(table) < _HEAD.size:
        return 0
    version, count = _HEAD.unpack_from(table)
    return count if version == _VERSION else 0


def _key(target: str) -> bytes:
    return target.encode().ljust(TARGET_BYTES, b"\0")
