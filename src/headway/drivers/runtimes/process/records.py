"""What the records of a runtime's releases say together: which there are, whose ports they hold, what they wrote."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from headway.drivers.runtimes.contract.runtime import Behind, Piece
from headway.drivers.runtimes.process import app_logs, log_pieces, record
from headway.drivers.runtimes.process.programs import Layout, Program
from headway.infra.hosts import sockets

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Records:
    """The records below a layout. All of it blocks for as long as it takes to read a few small files."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._kept: dict[str, record.ReleaseRecord] = {}
        self._sizes: dict[Path, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def names(self) -> set[str]:
        """The releases that have one, running or stopped."""
        folder = self._layout.root / "releases"
        return {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()

    def all(self) -> list[record.ReleaseRecord]:
        """All of them; what was read once is not read again until it is written."""
        with self._lock:
            kept = {
                each: self._kept.get(each) or record.read_record(self._layout.release(each)) for each in self.names()
            }
            self._kept = {each: found for each, found in kept.items() if found is not None}
            return list(self._kept.values())

    def written(self, release_id: str) -> None:
        """A record was written, or removed."""
        with self._lock:
            self._kept.pop(release_id, None)

    def programs(self, release_id: str) -> tuple[Program, ...]:
        """What supervisord keeps up of a release; nothing where it is unknown."""
        found = record.read_record(self._layout.release(release_id))
        return () if found is None else found.programs

    def marked(self, release_id: str, name: str) -> datetime:
        """When it was marked so. A release that was started again counts from there, also when it had been healthy
        before.
        """
        folder = self._layout.release(release_id)
        times = [record.marked(folder, wanted) for wanted in {name, record.STARTED}]
        return max((time for time in times if time is not None), default=_LONG_AGO)

    def usurped(self) -> set[str]:
        """Those on whose port another account listens, as the kernel's list of sockets tells it."""
        led = [each for each in self.all() if each.ports and each.uid is not None]
        if not led:
            return set()
        foreign = sockets.foreign_holders({port: each.uid for each in led for port in each.ports})
        return {each.release_id for each in led if foreign.keys() & set(each.ports)}

    def read_logs(self, app_name: str, release_id: str | None, tail: int, masked: Callable[[str], str]) -> str:
        """The last lines of each process; with several, each line is led by the name of its process."""
        of_app = [
            found for found in self.all() if found.app_name == app_name and release_id in {None, found.release_id}
        ]
        if not of_app:
            return ""
        started = {found.release_id: self.marked(found.release_id, record.STARTED) for found in of_app}
        newest = max(of_app, key=lambda found: started[found.release_id])
        written = {
            program.label: app_logs.shown_lines(self._layout.log(app_name, program), tail, masked)
            for program in newest.programs
        }
        if len(written) == 1:
            return "".join(f"{line}\n" for lines in written.values() for line in lines)
        return "".join(f"{label} | {line}\n" for label, lines in written.items() for line in lines)

    def watch(self) -> None:
        """Marks how much each process has written by now, where that is more than at the last look."""
        seen: dict[Path, tuple[int, int]] = {}
        for log in [self._layout.log(each.app_name, program) for each in self.all() for program in each.programs]:
            with suppress(OSError):  # it is gone, or the disk is full: the marks of before hold
                now = log.stat()
                if self._sizes.get(log) != (now.st_ino, now.st_size):
                    log_pieces.note(log)
                seen[log] = (now.st_ino, now.st_size)
        self._sizes = seen

    def pieces(self, release_id: str, behind: Behind, masked: Callable[[str], str]) -> list[Piece]:
        """What each process of a release wrote behind its place."""
        found = record.read_record(self._layout.release(release_id))
        programs = () if found is None else found.programs
        return [
            log_pieces.piece_of(self._layout.log(found.app_name, each), each.label, behind, masked)
            for each in programs
            if found is not None and behind.process in {None, each.label}
        ]
