"""What the records of a runtime's releases say together: which there are, whose ports they hold, what they wrote."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from headway.seams.runtimes import app_logs, ports, record
from headway.seams.runtimes.programs import Layout, Program

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Records:
    """The records below a layout. All of it blocks for as long as it takes to read a few small files."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._led: dict[str, record.ReleaseRecord] = {}

    def names(self) -> set[str]:
        """The releases that have one, running or stopped."""
        folder = self._layout.root / "releases"
        return {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()

    def all(self) -> list[record.ReleaseRecord]:
        """All of them."""
        found = (record.read_record(self._layout.release(known)) for known in self.names())
        return [each for each in found if each is not None]

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
        names = self.names()
        records = {each: self._led.get(each) or record.read_record(self._layout.release(each)) for each in names}
        self._led = {each: found for each, found in records.items() if found is not None}
        foreign = ports.foreign_holders({port: led.uid for led in self._led.values() for port in led.ports})
        return {each for each, led in self._led.items() if foreign.keys() & set(led.ports)}

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
