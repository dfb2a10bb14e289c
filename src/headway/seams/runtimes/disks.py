"""What applications of processes have on the disk: whoever passes its bound and goes on filling it is ended."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from headway.infra.hosts import processes
from headway.seams.runtimes import app_logs
from headway.seams.runtimes.copies import Copies
from headway.seams.runtimes.processes import kill_until_gone
from headway.seams.runtimes.programs import Layout
from headway.seams.runtimes.record import ReleaseRecord
from headway.seams.runtimes.records import Records

# Where every account of the machine may leave files.
_SHARED = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - looked at, not written to
_LEAST_REST, _SHARE = 1.0, 20.0  # a look rests twenty times as long as it took
_MIB = 1 << 20
_BEYOND = 1 << 50


@dataclass(slots=True, kw_only=True)
class Disks:
    """All of it blocks for as long as a walk through the applications' folders takes."""

    layout: Layout
    records: Records
    copies: Copies
    _held: dict[int, int] = field(default_factory=dict)
    _over: dict[str, int] = field(default_factory=dict)
    _next: float = 0.0

    def watch(self) -> None:
        """One look, unless the last was a moment ago. An application that is above its bound and grows is ended; what
        starts again and does not grow lives on, so that it can clear up.
        """
        began = time.monotonic()
        bounded = [each for each in self.records.all() if each.uid is not None and each.disk_bytes is not None]
        if began < self._next or not bounded:
            return
        for uid, homes in _by_account(bounded).items():
            layers = (str(self.layout.layers / each.release_id) for each in bounded if each.uid == uid)
            held = sum(map(held_by, (*homes, *layers, *_left_by(uid))))
            before = self._held.get(uid, held)
            self._held[uid] = held
            for each in bounded:
                if each.uid == uid and held > (each.disk_bytes or 0) and held > before:
                    self._end(each, held)
        self._next = time.monotonic() + max(_LEAST_REST, (time.monotonic() - began) * _SHARE)

    def reason(self, release_id: str, how: str) -> str:
        """How a process of a release ended, with why, where that was the bound."""
        found = next((each for each in self.records.all() if each.release_id == release_id), None)
        if found is None or found.disk_bytes is None:
            return how
        if release_id in self._over and "SIGKILL" in how:
            return f"{how}, since {_sentence(found, self._over[release_id])}"
        if "SIGXFSZ" in how:
            bound = f"{found.disk_bytes // _MIB} MiB that HEADWAY_APPLICATION_DISK gives an application"
            return f"{how}, since a file would have grown beyond the {bound}"
        return how

    def _end(self, release: ReleaseRecord, held: int) -> None:
        self._over[release.release_id] = held
        app_logs.write(self.layout, release, f"headway: ended, since {_sentence(release, held)}.")
        pids = self.copies.of(release.release_id, ())
        born = {pid: seen.start_time for pid in pids if (seen := processes.look(pid)) is not None}
        kill_until_gone(lambda: {pid for pid, started in born.items() if processes.is_alive(pid, started)})


def _sentence(release: ReleaseRecord, held: int) -> str:
    return (
        f"it has {held // _MIB} MiB on the disk and goes on, where it may have {(release.disk_bytes or 0) // _MIB} MiB "
        "(let it keep less, or raise HEADWAY_APPLICATION_DISK)"
    )


def _by_account(bounded: list[ReleaseRecord]) -> dict[int, tuple[str, ...]]:
    uids = {each.uid for each in bounded if each.uid is not None}
    return {uid: tuple({each.home for each in bounded if each.uid == uid}) for uid in uids}


def _left_by(uid: int) -> list[str]:
    """What an account has made in folders that are everybody's, at their top: below, only its own is its to fill."""
    found = []
    for folder in _SHARED:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    found += [entry.path] if entry.stat(follow_symlinks=False).st_uid == uid else []
    return found


def held_by(path: str) -> int:
    """The bytes on the disk of a file or of all below a folder; following no link, through what may be gone by then.
    What lies deeper than a path can say counts as more than any bound.
    """
    held, folders = 0, [path]
    with suppress(OSError):
        held = Path(path).lstat().st_blocks * 512
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as found:
            for entry in found:
                try:
                    held += entry.stat(follow_symlinks=False).st_blocks * 512
                except OSError as error:
                    held += _BEYOND if error.errno == errno.ENAMETOOLONG else 0
                else:
                    folders += [entry.path] if entry.is_dir(follow_symlinks=False) else []
    return held
