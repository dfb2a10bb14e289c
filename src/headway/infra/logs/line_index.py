"""The sparse index beside a log: where lines begin, which ones they are, and when they were read."""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import field, replace
from hashlib import blake2b
from pathlib import Path

from headway.infra.logs.paths import lines_beside
from headway.kernel.dataclass import dataclass

Read = Callable[[int, int], bytes]  # (offset, most bytes): what a log has there

BLOCK_BYTES = 256 << 10
_APART_BYTES = 128 << 10  # less than what is read at once, so that each such read has its record
_RECORD_SECONDS = 1.0
_CLOCK_SECONDS = 1.0  # by which a file may be younger than what is noted of it
_MOST_COUNTED_BYTES = 4 << 20  # when a log is taken over: what has more to count is counted when somebody reads it
_MAGIC = b"hw-lines"
_GENERATION_BYTES = 8
_HEADER = struct.Struct(f"<8s{_GENERATION_BYTES}sI")
_RECORD = struct.Struct("<QQQ")  # offset, lines before it, milliseconds and flags
_SUM = struct.Struct("<I")
_RECORD_BYTES = _RECORD.size + _SUM.size
_LATE, _ESCAPE = 1, 2
_FLAG_BITS = 2
_NEAR_RECORDS = 64
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_ESC = b"\x1b"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRecord:
    """A line begins at byte ``offset``, with ``line`` lines before it. It and those after it, up to the next record,
    were read at ``milliseconds`` or within a second after it; 0 where nobody knows. ``is_late``: they may have been
    written long before. ``has_escape``: of what terminals are told there was some by then.
    """

    offset: int = 0
    line: int = 0
    milliseconds: int = 0
    is_late: bool = False
    has_escape: bool = False

    @property
    def packed(self) -> bytes:
        """The record as the file has it."""
        flags = _LATE * self.is_late | _ESCAPE * self.has_escape
        held = _RECORD.pack(self.offset, self.line, self.milliseconds << _FLAG_BITS | flags)
        return held + _SUM.pack(zlib.crc32(held))


_BEGIN = LineRecord()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineIndex:
    """What an index says: of which ``generation`` the log is (another when it was begun anew) and the records, as far
    as they are whole. All that was written until ``noted_at`` is told of, so far as a line began; 0 where its end is
    lost.
    """

    generation: str
    records: tuple[LineRecord, ...] = ()
    noted_at: float = field(default=0.0, compare=False)

    def is_outlived(self, written_at: float) -> bool:
        """Whether more came than it tells of the time of, into a log that was written last then: the index was given
        up, or its end was lost.
        """
        last = self.records[-1].milliseconds if self.records else 0
        return last > 0 and written_at - max(last / 1000, self.noted_at) > _RECORD_SECONDS + _CLOCK_SECONDS

    def before(self, offset: int) -> LineIndex:
        """What it says of the text before ``offset``."""
        return replace(self, records=tuple(record for record in self.records if record.offset < offset))


class LineCount:
    """Counts lines as the text of a log comes, from where a line begins, and tells where a record is due: each 128 KiB,
    and each second in which anything came. Where the time of a record is that of its own line and no other
    (``is_alone``), one is due at the next line.
    """

    def __init__(self, record: LineRecord = _BEGIN, *, is_first: bool = False, is_alone: bool = False) -> None:
        self.offset = record.offset
        self.lines = record.line  # that have ended
        self.has_escape = record.has_escape
        self.is_at_begin = True  # of a line
        self._last = record
        self._is_first = is_first
        self.is_alone = is_alone

    def count(self, text: bytes) -> None:
        """Counts the next text."""
        if text:
            self.lines += text.count(b"\n")
            self.offset += len(text)
            self.has_escape = self.has_escape or _ESC in text
            self.is_at_begin = text.endswith(b"\n")

    def take(self, text: bytes, milliseconds: int = 0, *, is_late: bool = False) -> LineRecord | None:
        """Counts the next text, of 256 KiB at most, and gives the record that is due for it."""
        has_escape = self.has_escape or _ESC in text
        record = None
        if text and self._is_due(milliseconds) and (begin := self._begin(text)) is not None:
            record = LineRecord(
                offset=self.offset + begin,
                line=self.lines if begin == 0 else self.lines + 1,
                milliseconds=milliseconds,
                is_late=is_late,
                has_escape=has_escape,
            )
            self._last, self._is_first, self.is_alone = record, False, False
        self.count(text)
        return record

    def _is_due(self, milliseconds: int) -> bool:
        waited = abs(milliseconds - self._last.milliseconds)
        grown = self.offset - self._last.offset
        is_now = self._is_first or self.is_alone
        return is_now or grown >= _APART_BYTES or (milliseconds > 0 and waited >= _RECORD_SECONDS * 1000)

    def _begin(self, text: bytes) -> int | None:
        """Where the first line begins of which something stands in this text, but for that of a lone record."""
        if self.is_at_begin and not (self.is_alone and self.offset == self._last.offset):
            return 0
        begin = text.find(b"\n") + 1
        return begin if 0 < begin < len(text) else None


class LineNotes:
    """Writes the index of a log while the log is written; every call blocks. Nothing that goes wrong here is raised:
    ``problem`` says what did, and nothing more is noted then. What is missing is counted when somebody reads it.
    """

    def __init__(self, log: Path, begin: int, read: Read, *, is_new: bool) -> None:
        """The text is written from byte ``begin`` on; ``is_new``: the log is an empty file."""
        self.problem: Exception | None = None
        self._path = lines_beside(log)
        self._file: int | None = None
        self._end = 0
        self._noted_at = 0
        self._count = LineCount(is_first=True)
        try:
            self._open(log, begin, read, is_new=is_new)
        except Exception as error:  # noqa: BLE001 - a log waits for nothing that stands beside it
            self._give_up(error)

    def add(self, text: bytes, *, is_late: bool = False) -> None:
        """Notes the next text of the log; ``is_late``: it may have waited to be read."""
        if self._file is None:
            return
        try:
            now = int(time.time() * 1000)
            for at in range(0, len(text), BLOCK_BYTES):
                record = self._count.take(text[at : at + BLOCK_BYTES], now, is_late=is_late)
                if record is not None:
                    self._append(self._file, record.packed)
            # Where no line begins, as in what draws a bar of progress, the time of the file tells that all is noted.
            if abs(now - self._noted_at) >= _RECORD_SECONDS * 1000:
                os.utime(self._file, (now / 1000, now / 1000))
                self._noted_at = now
        except Exception as error:  # noqa: BLE001 - a log waits for nothing that stands beside it
            self._give_up(error)

    def add_written(self, read: Read, begin: int, end: int) -> None:
        """Notes the next text of the log, which is read from it."""
        try:
            text = read(begin, end - begin)
        except OSError as error:
            self._give_up(error)
        else:
            self.add(text)

    def close(self) -> None:
        """Gives the file back."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                os.close(file)

    def _open(self, log: Path, begin: int, read: Read, *, is_new: bool) -> None:
        file = self._file = os.open(self._path, _FLAGS, 0o600)
        index = None if is_new else _index_in(file)
        kept = index.before(begin) if index else LineIndex(generation="")
        last = kept.records[-1] if kept.records else _BEGIN
        if begin - last.offset > _MOST_COUNTED_BYTES:
            self.close()
            return
        if index is None:
            os.ftruncate(file, 0)
            self._append(file, _header(os.urandom(_GENERATION_BYTES) if is_new else generation_of(log)))
        self._end = _HEADER.size + len(kept.records) * _RECORD_BYTES
        os.ftruncate(file, self._end)
        self._count = LineCount(last, is_first=not kept.records, is_alone=kept.is_outlived(log.stat().st_mtime))
        if begin and not kept.records:  # when that was read nobody knows any more
            self._append(file, _BEGIN.packed)
            self._count = LineCount()
        while (offset := self._count.offset) < begin and (text := read(offset, min(BLOCK_BYTES, begin - offset))):
            if not self._count.is_alone:
                self._count.count(text)
            elif (record := self._count.take(text)) is not None:
                self._append(file, record.packed)

    def _append(self, file: int, content: bytes) -> None:
        if os.pwrite(file, content, self._end) != len(content):
            raise OSError("there is no room for the whole of a record")
        self._end += len(content)

    def _give_up(self, error: Exception) -> None:
        self.problem = error
        self.close()


def load_index(log: Path) -> LineIndex | None:
    """The index beside a log, as far as it is whole; None where there is none. Raises OSError."""
    try:
        file = os.open(lines_beside(log), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        return _index_in(file)
    finally:
        os.close(file)


def load_ending(log: Path, offset: int) -> LineIndex | None:
    """The end of the index beside a log: its records from the last one on that is not behind ``offset``. It is short
    where that is near the end of the log. Raises OSError.
    """
    try:
        file = os.open(lines_beside(log), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        size = os.fstat(file).st_size
        begin = max(_HEADER.size, size - _HEADER.size - _NEAR_RECORDS * _RECORD_BYTES)
        begin -= (begin - _HEADER.size) % _RECORD_BYTES
        head, content = os.pread(file, _HEADER.size, 0), os.pread(file, size - begin, begin)
        index = _index_of(head + content, os.fstat(file).st_mtime, is_end=begin > _HEADER.size)
        is_near = index is not None and index.records and index.records[0].offset <= offset
        return index if is_near or begin == _HEADER.size else _index_in(file)
    finally:
        os.close(file)


def packed_index(generation: str, records: Iterator[LineRecord]) -> bytes:
    """An index as its file has it."""
    return _header(bytes.fromhex(generation)) + b"".join(record.packed for record in records)


def generation_of(log: Path) -> bytes:
    """What tells this file of a log from another, where no index does. Raises OSError."""
    found = log.stat()
    return blake2b(f"{found.st_dev}.{found.st_ino}".encode(), digest_size=_GENERATION_BYTES).digest()


def _header(generation: bytes) -> bytes:
    return _HEADER.pack(_MAGIC, generation, zlib.crc32(generation))


def _index_in(file: int) -> LineIndex | None:
    found = os.fstat(file)
    return _index_of(os.pread(file, found.st_size, 0), found.st_mtime)


def _index_of(content: bytes, written_at: float, *, is_end: bool = False) -> LineIndex | None:
    """What a head and records say; ``is_end``: of the records these are the last."""
    if len(content) < _HEADER.size:
        return None
    magic, generation, checked = _HEADER.unpack_from(content)
    if magic != _MAGIC or zlib.crc32(generation) != checked:
        return None
    records = tuple(_rising(_records(content), is_end=is_end))
    is_whole = _HEADER.size + len(records) * _RECORD_BYTES == len(content)
    return LineIndex(generation=generation.hex(), records=records, noted_at=written_at if is_whole else 0.0)


def _records(content: bytes) -> Iterator[LineRecord]:
    """The records to the first that is not whole: a crash leaves one torn, a power cut whole blocks of zeros."""
    for at in range(_HEADER.size, len(content) - _RECORD_BYTES + 1, _RECORD_BYTES):
        held = content[at : at + _RECORD.size]
        if zlib.crc32(held) != _SUM.unpack_from(content, at + _RECORD.size)[0]:
            return
        offset, line, told = _RECORD.unpack(held)
        yield LineRecord(
            offset=offset,
            line=line,
            milliseconds=told >> _FLAG_BITS,
            is_late=bool(told & _LATE),
            has_escape=bool(told & _ESCAPE),
        )


def _rising(records: Iterator[LineRecord], *, is_end: bool) -> Iterator[LineRecord]:
    before = None
    for record in records:
        is_next = is_end or record.offset == record.line == 0 if before is None else _follows(record, before)
        if not is_next:
            return
        before = record
        yield record


def _follows(record: LineRecord, before: LineRecord) -> bool:
    return record.offset > before.offset and record.line > before.line
