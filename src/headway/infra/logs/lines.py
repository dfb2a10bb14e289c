"""The lines of logs by their numbers, as a page shows them: some from a number on, around one, or the last."""

from __future__ import annotations

import asyncio
import logging
import os
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path

from headway.infra.logs.line_index import (
    BLOCK_BYTES,
    LineCount,
    LineIndex,
    LineRecord,
    generation_of,
    load_index,
    packed_index,
)
from headway.infra.logs.log_line import LogLine, RawLine, line_of
from headway.infra.logs.logfile import in_thread
from headway.infra.logs.paths import draft_beside, lines_beside
from headway.kernel.ansi import LONGEST_READ, NO_STYLE, Style, style_after
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, Unavailable

log = logging.getLogger(__name__)

MOST_LINES = 1_000
_MOST_BYTES = 1 << 20  # of one answer
_SLICE_BYTES = 4 << 20  # counted in one go of a thread
_PAUSE_SECONDS = 0.005
_COUNTED_AT_A_TIME = 2
_LONGEST_COUNT_SECONDS = 30.0
_WORTH_KEEPING_BYTES = 1 << 20  # so much counted makes an index that is kept
_REMEMBERED = 256  # faults that were told of
_LOOKED_BACK_BYTES = 256 << 10  # for what colours a line from before it


class BegunAnew(Conflict):
    """The log is another than the one whose lines were asked for."""

    def __init__(self) -> None:
        super().__init__("This log was begun anew. Read its lines again from the first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesAsked:
    """Which lines: ``count`` from number ``start`` on (the first is 1), or around number ``around``, or the last.
    ``generation`` is of the log they belong to, as an earlier answer told it. ``places`` are bytes whose lines are
    wanted.
    """

    count: int = 500
    start: int | None = None
    around: int | None = None
    generation: str = ""
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """Lines of a log of one ``generation`` ("": there is no log yet), which has so many in all and so many bytes. There
    may be fewer than were asked for: an answer is bounded, and the rest is asked for again. ``numbers`` are those of
    the lines in which the bytes are whose places were given.
    """

    generation: str
    total: int
    size: int
    lines: tuple[LogLine, ...] = ()
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePlace:
    """Where a line begins, of a log of this ``generation``, and what colours it from before."""

    generation: str
    number: int
    offset: int
    style: Style


_NO_LOG = LogLines(generation="", total=0, size=0)


class LineReader:
    """Reads lines through the index that lies beside a log. What the index does not tell yet is counted first, in
    slices, so that nobody else waits long for a thread; where much was missing of a log that has ended, the index is
    kept.
    """

    def __init__(self) -> None:
        self._counting = asyncio.Semaphore(_COUNTED_AT_A_TIME)
        self._told = deque[tuple[Path, str]](maxlen=_REMEMBERED)

    async def read(self, path: Path, asked: LinesAsked, *, has_ended: bool) -> LogLines:
        """The lines. ``has_ended``: nobody writes the log any more. Raises BegunAnew, Unavailable, OSError."""
        async with self.opened(path, has_ended=has_ended) as lines:
            if asked.generation not in {"", "" if lines is None else lines.generation}:
                raise BegunAnew
            return _NO_LOG if lines is None else await in_thread(lambda: lines.asked(asked))

    async def place(self, path: Path, number: int, *, has_ended: bool) -> LinePlace | None:
        """Where the line of this number begins, or the last where there are fewer; None where there is no log. Raises
        Unavailable, OSError.
        """
        async with self.opened(path, has_ended=has_ended) as lines:
            return None if lines is None else await in_thread(lambda: lines.place(number))

    @asynccontextmanager
    async def opened(self, path: Path, *, has_ended: bool) -> AsyncIterator[CountedLog | None]:
        """The log with all of its lines counted; None where there is none. Raises Unavailable, OSError."""
        with ExitStack() as kept:  # who is cancelled here has opened it all the same
            opened = await in_thread(lambda: self._open(path, kept))
            if opened is not None and not await in_thread(opened.count):
                await self._count(opened, path, has_ended=has_ended)
            yield opened

    async def _count(self, opened: CountedLog, path: Path, *, has_ended: bool) -> None:
        before, is_whole = opened.counted, True
        try:
            async with asyncio.timeout(_LONGEST_COUNT_SECONDS), self._counting:
                while True:
                    if await in_thread(opened.count):
                        break
                    await asyncio.sleep(_PAUSE_SECONDS)  # a thread is there for others, too
        except TimeoutError:
            is_whole = False
        if has_ended and opened.counted - before >= _WORTH_KEEPING_BYTES:
            await in_thread(lambda: self._keep(opened, path))
        if not is_whole:
            raise Unavailable("The lines of this log are still being counted; ask for them again.")

    def _open(self, path: Path, kept: ExitStack) -> CountedLog | None:
        """The log with what its index tells; ``kept`` gives it back. Raises OSError."""
        while True:
            try:
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                return None
            try:
                found = os.fstat(file)
                index = self._index_beside(path) or LineIndex(generation=generation_of(path).hex())
                if os.path.samestat(found, path.stat()):  # or else it was begun anew, and the index is of another
                    opened = CountedLog(file, found.st_size, found.st_mtime, index)
                    kept.callback(opened.close)
                    return opened
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(file)
                raise
            os.close(file)

    def _index_beside(self, path: Path) -> LineIndex | None:
        """What is noted; where that cannot be read, the lines are counted."""
        try:
            return load_index(path)
        except OSError as error:
            self._tell("what is noted of a log's lines cannot be read", path, error)
            return None

    def _keep(self, counted: CountedLog, path: Path) -> None:
        """Puts the index in its place. What hinders that costs the next reader the time to count."""
        place = lines_beside(path)
        draft = draft_beside(place)
        try:
            draft.unlink(missing_ok=True)
            made = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(made, "wb") as file:
                file.write(packed_index(counted.generation, iter(counted.records)))
            draft.replace(place)
            if not path.exists():  # it was removed meanwhile, which took away what lay beside it then
                place.unlink(missing_ok=True)
        except OSError as error:
            self._tell("the lines of a log are counted, but not kept", path, error)

    def _tell(self, sentence: str, path: Path, error: OSError) -> None:
        """Warns once: a log is read again and again, and it stays as it is."""
        if (path, sentence) not in self._told:
            self._told.append((path, sentence))
            log.warning(sentence, extra={"log": str(path), "reason": str(error)})


class CountedLog:
    """An open log, and where its lines are; every call blocks."""

    def __init__(self, file: int, size: int, written_at: float, index: LineIndex) -> None:
        index = index.before(size)
        self.generation = index.generation
        self.size = size
        self.records = [*index.records]
        if self.records and not self._begins_line(file, self.records[-1]):
            self.records = []
        last = self.records[-1] if self.records else LineRecord()
        self.file = file
        is_alone = bool(self.records) and index.is_outlived(written_at)
        self._count = LineCount(last, is_first=not self.records, is_alone=is_alone)

    @property
    def position(self) -> int:
        """How far who reads through ``file`` has come; whatever is read here moves nothing."""
        return os.lseek(self.file, 0, os.SEEK_CUR)

    @property
    def counted(self) -> int:
        """How many bytes of the log the lines are counted of."""
        return self._count.offset

    @property
    def has_escape(self) -> bool:
        """Whether anything in it is meant for terminals."""
        return self._count.has_escape

    @property
    def total(self) -> int:
        """How many lines it has, with one at the end that is open."""
        return self._count.lines + (not self._count.is_at_begin)

    def count(self) -> bool:
        """Counts on for a slice; whether that was all."""
        until = min(self.size, self._count.offset + _SLICE_BYTES)
        while (offset := self._count.offset) < until:
            text = os.pread(self.file, min(BLOCK_BYTES, until - offset), offset)
            if not text:  # it was cut since
                self.size = offset
                return True
            if (record := self._count.take(text)) is not None:
                self.records.append(record)
        return self._count.offset >= self.size

    def asked(self, asked: LinesAsked) -> LogLines:
        """The lines that are asked for, as many as an answer holds. Raises OSError."""
        count = min(asked.count, MOST_LINES)
        if asked.start is not None:
            lines = self._lines(asked.start, count)
        else:
            wanted = self.total if asked.around is None else min(asked.around, self.total)
            lines = self._lines_with(wanted, count, before=count - 1 if asked.around is None else count // 2)
        numbers = tuple(self.number_at(min(each, self.size)) for each in asked.places)
        return LogLines(generation=self.generation, total=self.total, size=self.size, lines=lines, numbers=numbers)

    def place(self, number: int) -> LinePlace:
        """Where the line of this number begins, or the last where there are fewer. Raises OSError."""
        number = max(1, min(number, self.total))
        offset = self._offset_of(number - 1, self._record_of(number - 1))
        return LinePlace(generation=self.generation, number=number, offset=offset, style=self._style_at(offset))

    def number_at(self, offset: int) -> int:
        """The number of the line in which this byte is. Raises OSError."""
        found = bisect_right(self.records, offset, key=lambda each: each.offset)
        count = LineCount(self.records[found - 1] if found else LineRecord())
        while count.offset < offset and (
            text := os.pread(self.file, min(BLOCK_BYTES, offset - count.offset), count.offset)
        ):
            count.count(text)
        return count.lines + 1

    def longest_line(self, offset: int) -> int:
        """So many bytes no line before this byte exceeds."""
        begins = [record.offset for record in self.records if record.offset < offset]
        return max(end - begin for begin, end in pairwise([0, *begins, offset]))

    def close(self) -> None:
        """Gives the file back."""
        os.close(self.file)

    def _lines_with(self, number: int, count: int, *, before: int) -> tuple[LogLine, ...]:
        """Lines among which is this one, ``before`` it so many, or fewer where they are too long for an answer."""
        while True:
            lines = self._lines(max(1, number - before), count)
            if not lines or lines[-1].number >= number:
                return lines
            before //= 2

    def _lines(self, first: int, count: int) -> tuple[LogLine, ...]:
        if not self.records or first > self.total:
            return ()
        record = self._record_of(first - 1)
        offset = self._offset_of(first - 1, record)
        style = self._style_at(offset)
        lines, held = list[LogLine](), 0
        for raw in self._raw(offset, first):
            if raw.number > record.line + 1 and record is not self.records[-1]:
                record = self._record_of(raw.number - 1)
            line, style = line_of(raw, style, record)
            lines.append(line)
            held += len(raw.text)
            if len(lines) >= count or held >= _MOST_BYTES:
                break
        return tuple(lines)

    def _record_of(self, line: int) -> LineRecord:
        """The last record that is not behind a line."""
        found = bisect_right(self.records, line, key=lambda each: each.line)
        return self.records[max(0, found - 1)] if self.records else LineRecord()

    def _offset_of(self, line: int, record: LineRecord) -> int:
        """Where a line begins that has ``line`` lines before it."""
        offset, missing = record.offset, line - record.line
        while missing:
            block = os.pread(self.file, min(BLOCK_BYTES, self.size - offset), offset)
            if not block:
                break
            ends = block.count(b"\n")
            if ends >= missing:
                return offset + len(block) - len(block.split(b"\n", missing)[-1])
            offset, missing = offset + len(block), missing - ends
        return offset

    def _raw(self, offset: int, number: int) -> Iterator[RawLine]:
        """The lines from where one begins that has this number."""
        while offset < self.size:
            block = os.pread(self.file, min(BLOCK_BYTES, self.size - offset), offset)
            if not block:
                return
            begin = 0
            while (end := block.find(b"\n", begin)) >= 0:
                text = block[begin : min(end, begin + LONGEST_READ)]
                yield RawLine(number=number, offset=offset + begin, text=text, length=end - begin, is_open=False)
                begin, number = end + 1, number + 1
            rest = block[begin : begin + LONGEST_READ]
            if offset + len(block) < self.size and begin:
                offset += begin
            elif rest:
                length, is_open = self._length(offset + begin)
                yield RawLine(number=number, offset=offset + begin, text=rest, length=length, is_open=is_open)
                offset, number = offset + begin + length + 1, number + 1
            else:
                return

    def _length(self, offset: int) -> tuple[int, bool]:
        """How long the line is that begins here, and whether its end is not there yet."""
        at = offset
        while at < self.size and (block := os.pread(self.file, min(BLOCK_BYTES, self.size - at), at)):
            end = block.find(b"\n")
            if end >= 0:
                return at + end - offset, False
            at += len(block)
        return at - offset, True

    def _style_at(self, offset: int) -> Style:
        """What still colours the line that begins here, of the text near before it."""
        if not self.has_escape:
            return NO_STYLE
        begin = max(0, offset - _LOOKED_BACK_BYTES)
        text = os.pread(self.file, offset - begin, begin)
        lines = text.split(b"\n")[1 if begin else 0 :]
        return style_after([line[:LONGEST_READ].decode("utf-8", "ignore") for line in lines if b"\x1b" in line])

    @staticmethod
    def _begins_line(file: int, record: LineRecord) -> bool:
        return record.offset == 0 or os.pread(file, 1, record.offset - 1) == b"\n"
