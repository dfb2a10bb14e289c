"""What a process wrote behind a place of its log, over the files that were rotated away: nothing twice, nothing left
out.
"""

from __future__ import annotations

import codecs
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from headway.drivers.runtimes.contract.runtime import Behind, LinesAt, Piece, parted
from headway.drivers.runtimes.process.programs import LOG_BACKUPS
from headway.infra.hosts.private_file import write_privately
from headway.kernel.dataclass import dataclass

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_PLACE = re.compile(r"([0-9]{1,20}):([0-9]{1,18}):[0-9a-f]{16}")
# By when how much was written: lines have no times, so what was written since one is told by marks beside the log.
_MARKED = re.compile(r"([0-9]{1,12}[.][0-9]{3}) (\S{1,64})")
_MOST_TIMES_BYTES = 128 << 10
_SHARE = 256  # what is so much nearer to the next mark than to now is not kept apart from it
_PIECE_BYTES = 256 << 10
_CONTEXT_BYTES = 64 << 10  # before a place, since a secret of several lines may have begun there
_CONTEXT_LINES = 400
_PRINT_BYTES = 64
_COARSE_SECONDS = 0.1  # a kernel writes down when a file was changed by a clock that ticks so often
_QUIET_SECONDS = 1.0  # after which a line that nothing has ended is shown as it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One open file of a log. ``base`` is where it begins in the whole log, as far as that is still there."""

    fd: int
    inode: int
    size: int
    base: int


class _Log:
    """The files of one log, oldest first, seen as one text."""

    def __init__(self, files: Sequence[_File]) -> None:
        self._files = files
        self.end = files[-1].base + files[-1].size if files else 0

    def read(self, start: int, end: int) -> bytes:
        """The bytes between two positions."""
        parts = []
        for file in self._files:
            first, last = max(start, file.base), min(end, file.base + file.size)
            if first < last:
                parts.append(os.pread(file.fd, last - first, first - file.base))
        return b"".join(parts)

    def place(self, position: int) -> str:
        """A position as something that can be found again after the files have changed their names: the file by its
        inode, which another may have later, so by what stands before the position too.
        """
        file = next((each for each in reversed(self._files) if each.base <= position), None)
        return "" if file is None else self.place_in(file, position)

    def position(self, place: str) -> int | None:
        """Where a place is now; None where its file is gone."""
        if told := _PLACE.fullmatch(place):
            offset = int(told[2])
            for file in self._files:
                position = file.base + offset
                if offset <= file.size and self.place_in(file, position) == place:
                    return position
        return None

    def written_by(self, log: Path, seconds: float) -> int:
        """A position before which all was written by that moment, as late as is known, at the beginning of a line."""
        past = (each for each in self._files if os.fstat(each.fd).st_mtime + _COARSE_SECONDS < seconds)
        found = max((each.base + each.size for each in past), default=0)
        marked = (self.position(place) for place in _places_by(log, seconds))
        found = max(found, next((each for each in marked if each is not None), 0))
        before = self.read(max(0, found - _CONTEXT_BYTES), found)
        return found - (len(before) - before.rfind(b"\n") - 1)

    def written(self, log: Path, start: int, end: int) -> Iterator[tuple[int, float]]:
        """Positions behind ``start``, in their order, with moments by which all before each was written; the last one
        that is told is at ``end`` or behind it.
        """
        told = [(file.base + file.size, os.fstat(file.fd).st_mtime) for file in self._files]
        bases = {file.inode: file.base for file in self._files}
        for at, place in _marks(_times_of(log)):
            inode, offset, _ = place.split(":") if _PLACE.fullmatch(place) else ("-1", "0", "")
            position = bases.get(int(inode), -1) + int(offset)
            # There are thousands of them: those that count alone are looked at.
            if int(inode) in bases and position > start and self.position(place) == position:
                told.append((position, at))
                if position >= end:
                    break
        for position, at in sorted(told):
            if position > start:
                yield position, at
            if position >= end:
                return

    def place_in(self, file: _File, position: int) -> str:
        """A position of one file."""
        before = self.read(max(file.base, position - _PRINT_BYTES), position)
        return f"{file.inode}:{position - file.base}:{blake2b(before, digest_size=8).hexdigest()}"


def piece_of(log: Path, process: str, behind: Behind, masked: Callable[[str], str]) -> Piece:
    """What stands behind the place of a process. A line that is not ended is left for the next call, unless nothing
    more comes.
    """
    place, ended = behind.places.get(process), behind.ended or _is_quiet(log)
    with _opened(log) as opened:
        if place is None:
            start = 0 if behind.since is None else opened.written_by(log, behind.since.timestamp())
            return _last(opened, process, start, behind.tail, masked, ended=ended)
        if opened.end == 0:
            return Piece(process=process, text="", place=place)
        found = opened.position(place) if place else 0
        start = found or 0
        data = opened.read(start, start + _PIECE_BYTES)
        data = data[: _whole(data, ended=ended)]
        return Piece(
            process=process,
            text=_masked(opened, start, data, masked),
            place=opened.place(start + len(data)),
            more=len(data) > 0 and opened.end - start > _PIECE_BYTES,
            lost=found is None,
            times=tuple(_times(opened, log, start, data)) if behind.timed else (),
        )


def note(log: Path) -> None:
    """Marks how much stands there by now. Raises OSError."""
    with _opened(log) as opened:
        if opened.end:
            _mark(log, opened.place(opened.end))


def _last(opened: _Log, process: str, start: int, tail: int, masked: Callable[[str], str], *, ended: bool) -> Piece:
    """The last lines behind ``start``, and the place behind them."""
    window = _PIECE_BYTES
    data = opened.read(opened.end - window, opened.end)
    while window < opened.end - start + _CONTEXT_BYTES and data.count(b"\n") <= tail + _CONTEXT_LINES:
        window *= 2
        data = opened.read(opened.end - window, opened.end)
    whole = data if ended else data[: data.rfind(b"\n") + 1]
    shown = max(0, start - (opened.end - len(data)))  # what stands before it there may begin a secret
    text = parted(whole[:shown].decode(errors="replace"), whole[shown:].decode(errors="replace"), masked)
    behind = opened.end - (len(data) - len(whole))
    return Piece(process=process, text="".join(_LINE.findall(text)[-tail:]), place=opened.place(behind))


def _masked(opened: _Log, start: int, data: bytes, masked: Callable[[str], str]) -> str:
    if not data:
        return ""
    context = opened.read(max(0, start - _CONTEXT_BYTES), start)
    if start > _CONTEXT_BYTES:
        context = context[context.find(b"\n") + 1 :]
    return parted(context.decode(errors="replace"), data.decode(errors="replace"), masked)


def _times(opened: _Log, log: Path, start: int, data: bytes) -> Iterator[LinesAt]:
    """By when the lines of a text that begins at ``start`` were written: a mark tells of what stands before it."""
    begin = 0
    for position, at in opened.written(log, start, start + len(data)):
        until = min(len(data), position - start)
        is_open = until == len(data) and data[-1:] not in {b"", b"\n"}
        lines = data.count(b"\n", begin, until) + is_open
        if lines:
            yield LinesAt(lines=lines, at=datetime.fromtimestamp(at, UTC), is_late=True)
        begin = until


def _whole(data: bytes, *, ended: bool) -> int:
    """How many of the bytes are of whole lines; of a line that is longer than a piece, of whole characters."""
    if ended and len(data) < _PIECE_BYTES:
        return len(data)
    if cut := data.rfind(b"\n") + 1:
        return cut
    if len(data) < _PIECE_BYTES:
        return 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(data)
    return len(data) - len(decoder.getstate()[0])


def _is_quiet(log: Path) -> bool:
    with suppress(OSError):
        return time.time() - log.stat().st_mtime > _QUIET_SECONDS
    return True


@contextmanager
def _opened(log: Path) -> Iterator[_Log]:
    """The files as they are now. They are opened from the newest on: one that is rotated meanwhile is met twice."""
    found: dict[int, int] = {}
    try:
        for path in (log, *(log.with_name(f"{log.name}.{number}") for number in range(1, LOG_BACKUPS + 1))):
            with suppress(FileNotFoundError):
                fd = os.open(path, os.O_RDONLY)
                inode = os.fstat(fd).st_ino
                if inode in found:
                    os.close(fd)
                else:
                    found[inode] = fd
        files: list[_File] = []
        for inode, fd in reversed(found.items()):
            base = files[-1].base + files[-1].size if files else 0
            files.append(_File(fd=fd, inode=inode, size=os.fstat(fd).st_size, base=base))
        yield _Log(files)
    finally:
        for fd in found.values():
            os.close(fd)


def _mark(log: Path, place: str) -> None:
    """Marks that what stands before the place was written by now; nothing is left where the log itself is gone. Raises
    OSError.
    """
    file = _times_of(log)
    opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(opened, f"{time.time():.3f} {place}\n".encode())
        is_long = os.fstat(opened).st_size > _MOST_TIMES_BYTES
    finally:
        os.close(opened)
    if is_long:
        write_privately(file, "".join(f"{at:.3f} {place}\n" for at, place in _thinned(_marks(file))))
    if not log.exists():
        file.unlink(missing_ok=True)


def _places_by(log: Path, seconds: float) -> Iterator[str]:
    """The marks of a moment (in seconds since 1970) and before, the last first."""
    return (place for at, place in reversed(_marks(_times_of(log))) if at <= seconds)


def _times_of(log: Path) -> Path:
    return log.with_name(f"{log.name}.times")


def _marks(file: Path) -> list[tuple[float, str]]:
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return []
    # A power cut may have left half of a line.
    return [(float(mark[1]), mark[2]) for mark in map(_MARKED.fullmatch, lines) if mark is not None]


def _thinned(marks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    kept: list[tuple[float, str]] = []
    now = time.time()
    for at, place in reversed(marks):
        if not kept or abs(kept[-1][0] - at) * _SHARE >= now - at:
            kept.append((at, place))
    return kept[::-1]
