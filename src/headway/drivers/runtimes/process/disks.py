"""What applications of processes have on the disk: whoever passes a bound and goes on filling it is ended."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import os
import resource
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from datetime import UTC, datetime, timedelta
from functools import cache, cmp_to_key
from itertools import groupby
from pathlib import Path

from headway.drivers.runtimes.launch.launcher import FULL
from headway.drivers.runtimes.process import app_logs
from headway.drivers.runtimes.process.copies import Copies
from headway.drivers.runtimes.process.programs import Layout
from headway.drivers.runtimes.process.record import ReleaseRecord
from headway.drivers.runtimes.process.records import Records
from headway.drivers.runtimes.process.reserve import SETTING, Amount, Disk, Reserve, filling
from headway.infra.hosts import processes, procfs
from headway.kernel.dataclass import dataclass

log = logging.getLogger(__name__)

# Where every account of the machine may leave files.
SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - looked at, not written to
_LEAST_REST = 1.0
_SHARE, _SHORT_SHARE = 20.0, 4.0  # a look rests twenty times as long as it took of a processor; less on a short disk
_CALM_REST, _CALM_SHARE = 600.0, 100.0  # where there is room: a disk may be filled between two looks
_GROWTH = 4  # all accounts together may take a quarter of what stays free before one of them is said to fill the disk
# Who was ended may write nothing, and is ended again once it has made so much more: but folders and empty files are
# made by programs that only start.
_AGAIN, _AT_A_START = 16, Amount(1 << 20, 100)
_CLOCK, _KILLED = timedelta(seconds=1), timedelta(seconds=15)  # around a kill, which has ten seconds
_MIB = 1 << 20
_BEYOND = 1 << 50
_KCMP, _KCMP_FILES = {"x86_64": 312, "aarch64": 272}, 2
Held = Mapping[int, Amount]  # by the device


@dataclass(slots=True, kw_only=True)
class Disks:
    """All of it blocks for as long as a walk through the applications' folders takes."""

    layout: Layout
    records: Records
    copies: Copies
    reserve: Reserve
    _held: dict[int, Held] = field(default_factory=dict)
    _roomy: dict[tuple[int, int], Amount] = field(default_factory=dict)  # by the account and the device
    _over: dict[str, tuple[datetime, str]] = field(default_factory=dict)  # when it was ended, and why
    _ended: float = -_CALM_REST
    _took: float = 0.0
    _used: float = 0.0
    _calm: float = 0.0
    _looking: asyncio.Task[None] | None = None

    def look_on(self) -> None:
        """A look beside all else, unless one is under way: to go through millions of files takes minutes, in which what
        is down is to be started and what is due to end. Raises what the last look met.
        """
        before = self._looking
        if before is not None and not before.done():
            return
        self._looking = asyncio.get_running_loop().create_task(asyncio.to_thread(self.watch))
        if before is not None and not before.cancelled():
            before.result()

    def watch(self) -> None:
        """One look, unless the last was a moment ago. An application that is above its bound and grows is ended, and so
        is one that fills a disk of which no more is free than is to stay so; what starts again and does not grow lives
        on, so that it can clear up.
        """
        began = time.monotonic()
        kept = [each for each in self.records.all() if each.uid is not None]
        for sentence in self._told_first(kept):
            log.warning("upgrade: %s", sentence)
        spared = self.reserve.known()
        near = self.reserve.near()
        if self.reserve.known() != spared:
            self._calm = 0.0  # a disk is guarded from now on: what each has of it is what it has with room
        every = bool(near) or (began >= self._calm and self.reserve.most > 0)
        looked = [each for each in kept if every or each.disk_bytes is not None]
        if not near:
            self._let_go(kept)
        share = _SHORT_SHARE if any(each.short() for each in near) else _SHARE
        if began < self._ended + max(_LEAST_REST, self._took, self._used * share) or not looked:
            return
        used = time.thread_time()
        before, self._held = self._held, {**self._held, **self._look(looked, removed=bool(near) or not every)}
        for each in looked:
            held = self._sum(each)
            had = sum(amount.bytes for amount in before.get(each.uid or 0, self._held[each.uid or 0]).values())
            if each.disk_bytes is not None and held > each.disk_bytes and held > had:
                self._end([each], _sentence(each, held))
        # What is full by now grows no more: so the disks are looked at once more, after who has what of them.
        near = self.reserve.near() if every else []
        self._guard(kept, near, before)
        if every:
            self._note_room({disk.device for disk in near if before})
        self._ended = time.monotonic()
        self._took, self._used = self._ended - began, time.thread_time() - used
        if every:
            self._calm = self._ended + max(_CALM_REST, self._took * _CALM_SHARE)

    def holders(self) -> str | None:
        """Who fills a disk that has less free than is to stay so, and that is left as it is; None: there is none."""
        kept, disks = [each for each in self.records.all() if each.uid is not None], self.reserve.disks()
        known = self.reserve.known()
        short = [each for each in disks if each.short() and (known is None or each.place in known)]
        if not short or not kept:  # there may be no folder of theirs yet
            return None
        held, sentences = self._look(kept), list[str]()
        for disk in short:
            told = sorted(
                {
                    f"{each.app_name} ({held[each.uid or 0].get(disk.device, Amount()).bytes // _MIB} MiB)"
                    for part in disk.short()
                    for each in kept
                    if each.uid in self._filling(kept, held, disk, part)
                }
            )
            if not told:
                continue
            sentences.append(
                f"the disk of {disk.place}: {disk.free.bytes // _MIB} MiB of it are free, where {SETTING} keeps "
                f"{disk.kept.bytes // _MIB} MiB free of applications; "
                f"{', '.join(told)} goes on as before, and is bounded once "
                f"{2 * disk.kept.bytes // _MIB} MiB have been free"
            )
        return "; ".join(sentences) or None

    def reason(self, release_id: str, how: str, at: datetime) -> str:
        """How a process of a release ended, with why, where that was the bound: a signal that came at another time was
        somebody else's.
        """
        found = next((each for each in self.records.all() if each.release_id == release_id), None)
        began, sentence = self._over.get(release_id, (None, ""))
        if began is not None and "SIGKILL" in how and began - _CLOCK <= at <= began + _KILLED:
            return f"{how}, since {sentence}"
        if found is not None and found.disk_bytes is not None and "SIGXFSZ" in how:
            bound = f"{found.disk_bytes // _MIB} MiB that HEADWAY_APPLICATION_DISK gives an application"
            return f"{how}, since a file would have grown beyond the {bound}"
        return how

    def _told_first(self, kept: Sequence[ReleaseRecord]) -> Iterator[str]:
        if self.reserve.known() is None and kept and (sentence := self.holders()) is not None:
            yield sentence

    def _guard(self, kept: Sequence[ReleaseRecord], near: Sequence[Disk], before: Mapping[int, Held]) -> None:
        """Ends who fills a short disk, has grown since it had room, and goes on; lets write again who does not fill one
        any more.
        """
        full = set[int]()
        for disk in near:
            for part in disk.short(2):
                found = self._filling(kept, self._held, disk, part)
                full |= found
                least = disk.kept[part] // (_GROWTH * len({each.uid for each in kept}))
                for uid in found if before and part in disk.short() else ():
                    now = self._held[uid].get(disk.device, Amount())
                    grown = now[part] - self._roomy.get((uid, disk.device), Amount())[part]
                    if grown > least and now[part] > before.get(uid, {}).get(disk.device, Amount())[part]:
                        mine = [each for each in kept if each.uid == uid]
                        self._fill_no_more(mine, disk.sentence(part, now))
                        left = self._look(mine)[uid].get(disk.device, now)  # it went on until it was ended
                        had = left[part] - least + max(least // _AGAIN, _AT_A_START[part])
                        self._roomy[uid, disk.device] = left._replace(**{Amount._fields[part]: had})
        self._let_go([each for each in kept if each.uid not in full] if near else [])

    def _note_room(self, near: Collection[int]) -> None:
        """Keeps what each account has on a disk that has room: who has not grown since has not filled it, but others
        have: images, builds, programs of the machine.
        """
        for uid, held in self._held.items():
            self._roomy.update({(uid, device): amount for device, amount in held.items() if device not in near})

    def _fill_no_more(self, releases: Sequence[ReleaseRecord], sentence: str) -> None:
        """Ends an account's releases that run, each marked before any begins anew."""
        running = [each for each in releases if self.copies.of(each.release_id, ())] or releases
        for each in running:
            with suppress(OSError):
                (self.layout.release(each.release_id) / FULL).touch()
        self._end(running, sentence)

    def _filling(self, kept: Sequence[ReleaseRecord], held: Mapping[int, Held], disk: Disk, part: int) -> set[int]:
        # Releases of older versions do not know whose they are; a newer one of their account does.
        known = sorted(kept, key=lambda each: bool(each.organization_id))
        owners = {each.uid: each.organization_id or each.application_id for each in known if each.uid is not None}
        there = {uid: held.get(uid, {}).get(disk.device, Amount()) for uid in owners}
        return filling(there, owners, disk, part)

    def _let_go(self, kept: Sequence[ReleaseRecord]) -> None:
        """Lets those write again which could not while the disk was short: by a new start where root is not allowed to
        raise a bound, as in most containers.
        """
        for each in kept:
            mark = self.layout.release(each.release_id) / FULL
            if mark.exists():
                mark.unlink(missing_ok=True)
                self._calm = 0.0  # what it has now is what it has with room
                bound = resource.RLIM_INFINITY if each.disk_bytes is None else each.disk_bytes
                try:
                    for pid in self._pids(each):
                        with suppress(ProcessLookupError):
                            resource.prlimit(pid, resource.RLIMIT_FSIZE, (bound, bound))
                except (OSError, ValueError):
                    self._kill([each], "headway: started again, since there is room on the disk: it may write again.")

    def _look(self, looked: Sequence[ReleaseRecord], *, removed: bool = True) -> dict[int, Held]:
        own, uids = Path(self.layout.root).stat().st_dev, {each.uid for each in looked if each.uid is not None}
        gone = _removed(uids if removed else set(), own)
        found: dict[int, Held] = {}
        for uid, homes in _by_account(looked).items():
            layers = (str(self.layout.layers / each.release_id) for each in looked if each.uid == uid)
            held = defaultdict[int, Amount](Amount)
            for path in (*homes, *layers, *_left_by(uid)):
                with suppress(OSError):
                    device = Path(path).lstat().st_dev
                    held[device] = held[device].and_(amount_of(path))
            for device, size in gone[uid].values():
                held[device] = held[device].and_(Amount(size, 1))
            found[uid] = held
        return found

    def _sum(self, release: ReleaseRecord) -> int:
        return sum(amount.bytes for amount in self._held[release.uid or 0].values())

    def _end(self, releases: Sequence[ReleaseRecord], sentence: str) -> None:
        self._over.update(dict.fromkeys((each.release_id for each in releases), (datetime.now(UTC), sentence)))
        self._kill(releases, f"headway: ended, since {sentence}.")

    def _kill(self, releases: Sequence[ReleaseRecord], line: str) -> None:
        for each in releases:
            app_logs.write(self.layout, each, line)
        pids = set[int]().union(*(self._pids(each) for each in releases))
        born = {pid: seen.start_time for pid in pids if (seen := procfs.look(pid)) is not None}
        processes.kill_until_gone(lambda: {pid for pid, started in born.items() if processes.is_alive(pid, started)})

    def _pids(self, release: ReleaseRecord) -> set[int]:
        """Also those of its schedules and release commands, which have its account."""
        owned = {pid for pid in procfs.pids() if procfs.owner(pid) == release.uid}
        return self.copies.of(release.release_id, ()) | owned


def disks_of(layout: Layout, records: Records, copies: Copies, reserve_bytes: int) -> Disks:
    """Those below a layout, of each of which so much stays free."""
    reserve = Reserve(layout.root, reserve_bytes, SHARED)
    return Disks(layout=layout, records=records, copies=copies, reserve=reserve)


def _sentence(release: ReleaseRecord, held: int) -> str:
    return (
        f"it has {held // _MIB} MiB on the disk and goes on, where it may have {(release.disk_bytes or 0) // _MIB} MiB "
        "(let it keep less, or raise HEADWAY_APPLICATION_DISK)"
    )


def _by_account(looked: Sequence[ReleaseRecord]) -> dict[int, tuple[str, ...]]:
    uids = {each.uid for each in looked if each.uid is not None}
    return {uid: tuple({each.home for each in looked if each.uid == uid}) for uid in uids}


def _left_by(uid: int) -> list[str]:
    """What an account has made in folders that are everybody's, at their top: below, only its own is its to fill."""
    found = []
    for folder in SHARED:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    found += [entry.path] if entry.stat(follow_symlinks=False).st_uid == uid else []
    return found


def _removed(uids: set[int], own: int) -> Mapping[int, dict[tuple[int, int], tuple[int, int]]]:
    """What accounts hold that no folder has any more, for it was removed while it was open: the device and the bytes of
    each. What was removed in a layer lies on our ``own`` device; what lies on no mount is memory.
    """
    found = defaultdict[int, dict[tuple[int, int], tuple[int, int]]](dict)
    if not uids:
        return found
    known = {own, *(Path(place).stat().st_dev for place in SHARED if Path(place).exists())}
    for pid in procfs.pids():
        if (uid := procfs.owner(pid)) in uids and uid is not None:
            mounted = _devices(procfs.folder_of(pid))
            for seen in _open_files(pid):
                if seen.st_nlink == 0 and seen.st_dev in known | mounted:
                    device = seen.st_dev if seen.st_dev in known else own
                    found[uid][seen.st_dev, seen.st_ino] = (device, seen.st_blocks * 512)
    return found


def _open_files(pid: int) -> Iterator[os.stat_result]:
    threads = _with_files(procfs.threads_of(pid))
    tables = [f"{procfs.PROC}/{pid}/task/{thread}/fd" for thread in threads]
    # The kernel shows what is mapped by the number of any thread, and of a first one that has left nothing.
    for folder in (*tables, f"{procfs.PROC}/{procfs.folder_of(pid).rpartition('/')[2]}/map_files"):
        with suppress(OSError), os.scandir(folder) as opened:
            for each in opened:
                with suppress(OSError):
                    yield each.stat()


def _with_files(threads: Collection[int]) -> list[int]:
    """Of a process' threads one for each table of open files: they share one, but any may have parted with it."""
    table = cmp_to_key(_compare_files)
    return [next(sharing) for _, sharing in groupby(sorted(threads, key=table), key=table)]


def _compare_files(one: int, other: int) -> int:
    """By kcmp(2), which puts tables in an order. What it does not tell of counts as tables of their own."""
    number = _KCMP.get(os.uname().machine)
    order = -1 if number is None else _libc().syscall(number, one, other, _KCMP_FILES, 0, 0)
    return {0: 0, 1: -1}.get(order, 1)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _devices(folder: str) -> set[int]:
    """The devices of a process' mounts."""
    with suppress(OSError):
        return {os.makedev(*map(int, mount.device.split(":"))) for mount in procfs.mounts(folder)}
    return set()


def held_by(path: str) -> int:
    """The bytes on the disk of a file or of all below a folder."""
    return amount_of(path).bytes


def amount_of(path: str) -> Amount:
    """A file, or all below a folder; following no link, through what may be gone by then. What lies deeper than a path
    can say counts as more than any bound.
    """
    held, files, folders = 0, 1, [path]
    with suppress(OSError):
        held = Path(path).lstat().st_blocks * 512
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as found:
            for entry in found:
                files += 1
                try:
                    held += entry.stat(follow_symlinks=False).st_blocks * 512
                except OSError as error:
                    held += _BEYOND if error.errno == errno.ENAMETOOLONG else 0
                else:
                    folders += [entry.path] if entry.is_dir(follow_symlinks=False) else []
    return Amount(held, files)
