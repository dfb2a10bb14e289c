"""What applications of processes leave free of a machine's disks, and who fills one that has no more than that."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import NamedTuple

from headway.infra.hosts.private_file import write_privately
from headway.kernel.dataclass import dataclass

SETTING = "HEADWAY_DISK_RESERVE"
SPARED = "spared.json"
_SHARE = 20
_BYTES, _FILES = range(2)
_MIB = 1 << 20


class Amount(NamedTuple):
    """What is on a disk, or may be: the bytes, and the files and folders, which may be used up without a byte."""

    bytes: int = 0
    files: int = 0

    def and_(self, other: Amount) -> Amount:
        """Both together."""
        return Amount(self.bytes + other.bytes, self.files + other.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A file system, by the first of the folders looked at that lies on it, with what is free of it now and what of
    that stays free.
    """

    place: str
    device: int
    free: Amount
    kept: Amount

    def short(self, times: int = 1) -> tuple[int, ...]:
        """In which parts of an amount there is less than what stays free, so many times over."""
        return tuple(part for part in (_BYTES, _FILES) if self.free[part] < times * self.kept[part])

    def sentence(self, part: int, held: Amount) -> str:
        """Why whoever holds so much of it is ended."""
        told = (
            f"it has {held.bytes // _MIB} MiB on a disk of which {self.free.bytes // _MIB} MiB are free and goes on, "
        )
        told += f"where {self.kept.bytes // _MIB} MiB stay free of applications"
        if part == _FILES:
            told = (
                f"it has {held.files} files on a disk on which {self.free.files} more can be made and goes on, where "
            )
            told += f"{self.kept.files} stay free of applications"
        return (
            f"{told} ({SETTING}): until there is room again it may read and remove files and write none (remove "
            "some, or free some of the disk: 'headway disk usage' shows what takes it)"
        )


@dataclass(slots=True)
class Reserve:
    """``most`` bytes at most, and a twentieth of each disk at most; 0: none of them is looked at. A disk that had less
    when it was first looked at is left as it is until it has had as much twice over: nobody is to be ended by that an
    upgrade looks. ``folder`` keeps which these are.
    """

    folder: Path
    most: int
    places: tuple[str, ...]
    _spared: set[str] | None = field(default=None, init=False)

    def disks(self) -> list[Disk]:
        """Each disk once."""
        if not self.most:
            return []
        found: dict[int, Disk] = {}
        for place in (str(self.folder), *self.places):
            with suppress(OSError):
                device, seen = Path(place).stat().st_dev, os.statvfs(place)
                kept = Amount(min(self.most, seen.f_blocks * seen.f_frsize // _SHARE), seen.f_files // _SHARE)
                free = Amount(seen.f_bavail * seen.f_frsize, seen.f_ffree)
                found.setdefault(device, Disk(place=place, device=device, free=free, kept=kept))
        return list(found.values())

    def known(self) -> set[str] | None:
        """The places of disks that are left as they are; None where nobody has looked yet."""
        if self._spared is None:
            with suppress(OSError, ValueError):
                self._spared = set(json.loads((self.folder / SPARED).read_text()))
        return self._spared

    def near(self) -> list[Disk]:
        """Those on which there is little more than what stays free, or less; but for those left as they are."""
        if not self.most:
            return []  # nor is it noted that one has looked: whoever sets a bound later is not surprised by it
        disks, known = self.disks(), self.known()
        short = {each.place for each in disks if each.short(1 if known is None else 2)}
        spared = short if known is None else known & short
        if spared != known:
            self._spared = spared
            with suppress(OSError):  # on a full disk: it is known until the panel starts again, and found again then
                write_privately(self.folder / SPARED, json.dumps(sorted(spared)))
        return [each for each in disks if each.place not in spared and each.short(2)]


def filling(held: Mapping[int, Amount], owners: Mapping[int, str], disk: Disk, part: int) -> set[int]:
    """Which of these accounts fill a disk, by what each has there. An organisation does that has at least what stays
    free, and as much as each would have if all had the same; and of its applications those of which that is true.
    """
    totals = defaultdict[str, int](int)
    for account, amount in held.items():
        totals[owners[account]] += amount[part]
    if not totals:
        return set()
    equal, members = sum(totals.values()) / len(totals), Counter(owners[account] for account in held)
    large = {owner for owner, total in totals.items() if total >= max(disk.kept[part], equal)}
    return {
        account
        for account, amount in held.items()
        if (owner := owners[account]) in large and amount[part] * members[owner] >= totals[owner]
    }
