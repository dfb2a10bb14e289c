"""The layers of processes, looked after from outside: none outlives its process, and none grows beyond its bound."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

from headway.drivers.runtimes.launch import layer
from headway.drivers.runtimes.process import app_logs
from headway.drivers.runtimes.process.disks import held_by
from headway.drivers.runtimes.process.programs import Layout
from headway.infra.hosts import processes, procfs
from headway.kernel.dataclass import dataclass

_LEAST_REST, _SHARE = 1.0, 20.0  # a look rests twenty times as long as it took
_MIB = 1 << 20
_FORMS: Mapping[str, str] = {
    layer.OVERLAY: "an overlay",
    layer.OWNERS: "an overlay that was given each file but what was installed, since the kernel lends none here",
    layer.COPY: "a copy of the release without what was installed, since the kernel refuses an overlay here",
}


@dataclass(frozen=True, slots=True)
class _Layer:
    """The folder of one, and what its process has told of it; nothing where it had not come so far."""

    place: Path
    told: Mapping[str, Any]

    @property
    def release_id(self) -> str:
        return self.place.parent.name

    @property
    def bytes(self) -> int:
        return int(self.told.get("bytes", layer.BYTES))

    def sentence(self, held: int) -> str:
        return (
            f"it has written {held // _MIB} MiB in its release and goes on, where a process may write "
            f"{self.bytes // _MIB} MiB there, which are thrown away with it (let it write what is to stay in DATA_DIR, "
            f"{self.told.get('home', '')}, or raise {layer.SETTING})"
        )


@dataclass(slots=True, kw_only=True)
class Layers:
    """All of it blocks for as long as a walk through what was written takes."""

    layout: Layout
    _held: dict[Path, int] = field(default_factory=dict)
    _over: dict[tuple[str, str], str] = field(default_factory=dict)
    _next: float = 0.0

    def watch(self) -> None:
        """One look, unless the last was a moment ago: takes away what the dead have left, and ends who is above its
        bound and grows.
        """
        began = time.monotonic()
        if began < self._next:
            return
        started, held = cache(layer.all_started), dict[Path, int]()
        for found in self._all():
            pid = layer.pid_of(found.place.name, started) or layer.pid_of(found.place.name, layer.all_started)
            if pid is None:  # after a look that came later than its folder
                layer.clear(str(found.place))
                continue
            now = held[found.place] = held_by(str(found.place / "upper"))
            if now > max(found.bytes, self._held.get(found.place, 0)):
                self._end(found, pid, now)
        self._held = held
        self._next = time.monotonic() + max(_LEAST_REST, (time.monotonic() - began) * _SHARE)

    def end(self, release_id: str) -> None:
        """Takes away what the ended processes of a release have left."""
        for found in self._of(self.layout.layers / release_id):
            if not layer.is_alive(found.place.name, layer.all_started):
                layer.clear(str(found.place))
        with suppress(OSError):
            (self.layout.layers / release_id).rmdir()

    def said(self, release_id: str) -> str | None:
        """What a run is to know of the layers of a release's processes, as a sentence; None where there are none."""
        told = [each.told for each in self._of(self.layout.layers / release_id) if each.told.get("program")]
        forms = sorted({str(each["form"]) for each in told})
        if not forms:
            return None
        how = " and ".join(_FORMS.get(form, form) for form in forms)
        return (
            f"What a process writes in its release goes to a layer of its own ({how}; {told[0]['bytes'] // _MIB} MiB "
            f"at most, {layer.SETTING}) and is thrown away with the process."
        )

    def reason(self, release_id: str, program: str, how: str) -> str | None:
        """How a process ended, with why, where that was the bound of its layer."""
        sentence = self._over.get((release_id, program))
        return f"{how}, since {sentence}" if sentence is not None and "SIGKILL" in how else None

    def _all(self) -> Iterator[_Layer]:
        for folder in _folders(self.layout.layers):
            yield from self._of(folder)
            with suppress(OSError):
                folder.rmdir()  # where nothing is left in it

    def _of(self, folder: Path) -> Iterator[_Layer]:
        for place in _folders(folder):
            told: Mapping[str, Any] = {}
            with suppress(OSError, ValueError):
                told = json.loads((place / layer.TOLD).read_text())
            yield _Layer(place, told)

    def _end(self, found: _Layer, pid: int, held: int) -> None:
        sentence, program = found.sentence(held), str(found.told.get("program", ""))
        line = f"headway: ended, since {sentence}."
        if program:
            self._over[found.release_id, program] = sentence
            app_logs.append(self.layout.log_of(found.release_id, str(found.told["app_name"]), program), line)
        else:
            _tell(pid, line)
        its = _in_mounts_of(pid, found.told)
        born = {each: started for each in its if (started := procfs.start_time(each)) is not None}
        with suppress(processes.WontDie):  # who grows on is met again at the next look
            processes.kill_until_gone(lambda: {each for each, seen in born.items() if processes.is_alive(each, seen)})


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            return [Path(each.path) for each in found if each.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _in_mounts_of(pid: int, told: Mapping[str, Any]) -> set[int]:
    """The process, and those that share its mounts and its account."""
    mounts = _mounts(pid)
    if mounts is None or mounts == _mounts(os.getpid()):
        return {pid}
    uid = told.get("uid")
    own = (each for each in procfs.pids() if _mounts(each) == mounts)
    return {pid, *(each for each in own if uid is None or procfs.owner(each) == uid)}


def _mounts(pid: int) -> int | None:
    try:
        return procfs.namespace(procfs.folder_of(pid), "mnt")
    except OSError:
        return None


def _tell(pid: int, line: str) -> None:
    """Writes a line to where a process of a run complains, if that is a pipe: else it is the process' own choice of a
    file, which root is not to write to.
    """
    with suppress(OSError):
        seen = os.open(f"{procfs.folder_of(pid)}/fd/2", os.O_PATH)
        try:
            if stat.S_ISFIFO(os.fstat(seen).st_mode):
                writing = os.open(procfs.opened(seen), os.O_WRONLY | os.O_NONBLOCK)
                with os.fdopen(writing, "w") as pipe:
                    pipe.write(f"{line}\n")
        finally:
            os.close(seen)
