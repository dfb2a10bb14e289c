"""The lines of what a process writes, by their numbers: counted once, and read again from where a piece begins."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import field
from hashlib import blake2b

from headway.drivers.runtimes.contract.runtime import Piece
from headway.drivers.runtimes.contract.written_lines import LineCollector, LogMark, WrittenLine, dropped_line
from headway.drivers.runtimes.contract.written_log import BEGINNING, WrittenLog
from headway.kernel.ansi import without_escapes
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, Unavailable

MOST_LINES = 1_000
KEPT_HITS = 5_000  # the first and the last of them
LONGEST_FIND_SECONDS = 5.0
_COUNT_SECONDS = 4.0  # for which somebody waits while lines are counted
_TRIES = 3


class LogBegunAnew(Conflict):
    """The log is another than the one whose lines were asked for."""

    def __init__(self) -> None:
        super().__init__("This log was begun anew. Read its lines again from the first.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLines:
    """Which lines: ``count`` from number ``start`` on (the first is 1), or around number ``around``, or the last.
    ``generation`` is of the log that they belong to, as an earlier answer told it ("": any).
    """

    count: int = 500
    start: int | None = None
    around: int | None = None
    generation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenLines:
    """Lines of a log of one ``generation`` ("": it has no whole line yet), of ``total`` that there are. There may be
    fewer than were asked for. Lines before number ``kept`` are not kept any more.
    """

    generation: str
    total: int
    kept: int
    lines: tuple[WrittenLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedText:
    """What to look for, as it is shown; where ``ignore_case``, upper and lower case are the same. The next hit is
    wanted from line ``start`` on (None: from the end that comes first), ``backwards`` or not.
    """

    text: str
    ignore_case: bool = False
    start: int | None = None
    backwards: bool = False
    generation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextHits:
    """The numbers of lines that have it, of ``total`` the first and the last 5,000; ``following`` is the hit that was
    wanted. ``cut_at``: it took too long, and what is behind that line was not looked at.
    """

    generation: str
    lines: tuple[int, ...]
    total: int
    following: int | None
    cut_at: int | None
    seconds: float


class _Gone(Exception):
    """What stood behind a mark is not kept any more."""


class NumberedLog:
    """Where the lines of one log are, as far as they were counted. Numbers stay, also where the oldest lines are
    dropped; where that happens while nobody looks, or the panel is started anew, it is another generation.

    What is behind the last mark is read anew each time: so the same bytes always come in the same pieces, and a secret
    that is masked over several lines counts as often as it is shown.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._marks = [LogMark(place=BEGINNING)]
        self._generation = ""
        self._times_anew = 0

    async def read(self, log: WrittenLog, wanted: WantedLines) -> WrittenLines:
        """The lines that are wanted. Raises LogBegunAnew, Unavailable, HeadwayError."""
        async with self._turn:
            last = await self._counted(log)
            self._require(wanted.generation)
            for _ in range(_TRIES):
                try:
                    return await self._wanted(log, last, wanted)
                except _Gone:
                    last = await self._forget_gone(log)
                    self._require(wanted.generation)
        raise Unavailable("This log is written too fast to be read by its lines; ask for its last ones.")

    async def find(self, log: WrittenLog, wanted: WantedText) -> TextHits:
        """Which lines have a text, in all that is kept. Raises LogBegunAnew, Unavailable, HeadwayError."""
        began = time.monotonic()
        async with self._turn:
            last = await self._counted(log)
            self._require(wanted.generation)
            for _ in range(_TRIES):
                try:
                    return await self._found(log, last, wanted, began)
                except _Gone:
                    last = await self._forget_gone(log)
                    self._require(wanted.generation)
        raise Unavailable("This log is written too fast to be searched; search for it again.")

    def _require(self, generation: str) -> None:
        if generation not in {"", self._generation}:
            raise LogBegunAnew

    async def _counted(self, log: WrittenLog) -> Piece:
        """Counts on to the end, and gives what stands behind the last mark. Raises Unavailable after a while; then the
        next who asks goes on from there.
        """
        try:
            async with asyncio.timeout(_COUNT_SECONDS):
                return await self._count(log)
        except TimeoutError as error:
            raise Unavailable("The lines of this log are still being counted; ask for them again.") from error

    async def _count(self, log: WrittenLog) -> Piece:
        timed = True  # most often there is one piece to read, and that is the last
        while True:
            mark = self._marks[-1]
            piece = await log.behind(mark.place, timed=timed)
            if mark.place == BEGINNING:
                self._begin(log, piece)
            elif piece.lost:
                self._marks = [LogMark(place=BEGINNING)]
                self._times_anew += 1
                continue
            if not piece.more:
                return piece if timed else await self._at_end(log)
            timed = False
            is_open = not piece.text.endswith("\n") if piece.text else mark.is_open
            self._marks.append(LogMark(place=piece.place, ends=mark.ends + piece.text.count("\n"), is_open=is_open))

    async def _at_end(self, log: WrittenLog) -> Piece:
        piece = await log.behind(self._marks[-1].place, timed=True)
        return await self._count(log) if piece.more or piece.lost else piece

    def _begin(self, log: WrittenLog, piece: Piece) -> None:
        """What a log is known by is its first line that is kept: that stays the same where the panel does not."""
        line, end, _ = piece.text.partition("\n")
        told = f"{log.key}\n{self._times_anew}\n{line}".encode("utf-8", "replace")
        self._generation = blake2b(told, digest_size=8).hexdigest() if end or piece.more else ""

    async def _forget_gone(self, log: WrittenLog) -> Piece:
        """Forgets the marks behind which nothing is kept any more, and counts on from the last."""
        low, high = 1, len(self._marks) - 1
        while low < high:
            middle = (low + high) // 2
            piece = await log.behind(self._marks[middle].place)
            if not piece.lost and piece.place == self._marks[middle + 1].place:
                high = middle
            else:
                low = middle + 1
        self._marks = self._marks[low:] or [LogMark(place=BEGINNING)]
        return await self._counted(log)

    async def _read(self, log: WrittenLog, at: int, last: Piece) -> Piece:
        """What stands behind a mark, up to the next one. Raises _Gone."""
        if at == len(self._marks) - 1:
            return last
        piece = await log.behind(self._marks[at].place, timed=True)
        if piece.lost or piece.place != self._marks[at + 1].place:
            raise _Gone
        return piece

    async def _wanted(self, log: WrittenLog, last: Piece, wanted: WantedLines) -> WrittenLines:
        """The lines that are wanted. Raises _Gone."""
        total = _total(self._marks[-1], last)
        among = total if wanted.around is None else min(wanted.around, total)
        first = wanted.start or max(1, among - (wanted.count // 2 if wanted.around else wanted.count - 1))
        while True:
            lines = await self._lines(log, last, first, min(wanted.count, MOST_LINES))
            # Long ones may leave no room for that for which all are wanted.
            if wanted.start is not None or not lines or lines[-1].number >= among:
                break
            first += max(1, (among - first + 1) // 2)
        kept = self._marks[0].first
        return WrittenLines(generation=self._generation, total=total, kept=kept, lines=tuple(lines))

    async def _lines(self, log: WrittenLog, last: Piece, first: int, count: int) -> list[WrittenLine]:
        kept = self._marks[0].first
        dropped = [dropped_line(number) for number in range(first, min(first + count, kept))]
        first, count = first + len(dropped), count - len(dropped)
        if not count:
            return dropped
        at = max((at for at, mark in enumerate(self._marks) if mark.first <= first), default=0)
        collected = LineCollector(self._marks[at], first, count)
        while at < len(self._marks) and not collected.is_full:
            collected.take(await self._read(log, at, last))
            at += 1
        return dropped + await asyncio.to_thread(collected.shown)

    async def _found(self, log: WrittenLog, last: Piece, wanted: WantedText, began: float) -> TextHits:
        text = wanted.text.lower() if wanted.ignore_case else wanted.text
        hits, cut_at = _Hits(wanted), None
        for at, mark in enumerate(self._marks):
            if time.monotonic() - began > LONGEST_FIND_SECONDS:
                cut_at = mark.ends
                break
            piece = await self._read(log, at, last)
            numbers = await asyncio.to_thread(_hits, piece.text, text, mark.ends + 1, lower=wanted.ignore_case)
            hits.take(numbers)
        return TextHits(
            generation=self._generation,
            lines=(*hits.first, *hits.last),
            total=hits.total,
            following=hits.following,
            cut_at=cut_at,
            seconds=time.monotonic() - began,
        )


@dataclass(slots=True)
class NumberedLogs:
    """The logs of which somebody has asked for lines, those that were asked last."""

    most: int = 256
    kept: dict[str, NumberedLog] = field(default_factory=dict)

    def of(self, log: WrittenLog) -> NumberedLog:
        """Where its lines are."""
        found = self.kept.pop(log.key, None) or NumberedLog()
        self.kept[log.key] = found
        while len(self.kept) > self.most:
            self.kept.pop(next(iter(self.kept)))
        return found


class _Hits:
    """Keeps of all hits what is told of them: there may be millions."""

    def __init__(self, wanted: WantedText) -> None:
        self._wanted = wanted
        self.first = list[int]()
        self.last = deque[int](maxlen=KEPT_HITS)
        self.total = 0
        self.following: int | None = None
        self._newest = 0

    def take(self, numbers: Sequence[int]) -> None:
        """Those of the next piece, of which the first may be in the line that the one before it ended in."""
        for number in numbers:
            if number != self._newest:
                self._newest = number
                self.total += 1
                (self.first if len(self.first) < KEPT_HITS else self.last).append(number)
                self._follow(number)

    def _follow(self, number: int) -> None:
        start = self._wanted.start
        if self._wanted.backwards:
            self.following = number if start is None or number <= start else self.following
        elif self.following is None and (start is None or number >= start):
            self.following = number


def _total(mark: LogMark, last: Piece) -> int:
    """How many lines there are, with one at the end that is open."""
    is_open = not last.text.endswith("\n") if last.text else mark.is_open
    return mark.ends + last.text.count("\n") + is_open


def _hits(text: str, wanted: str, number: int, *, lower: bool) -> list[int]:
    """The numbers of the lines of a text that have another, the first of them being ``number``."""
    text = without_escapes(text)
    searched = text.lower() if lower else text
    found, counted = list[int](), 0
    at = searched.find(wanted)
    while at >= 0:
        number += searched.count("\n", counted, at)
        counted = at
        found.append(number)
        end = searched.find("\n", at)
        at = searched.find(wanted, end) if end >= 0 else -1
    return found
