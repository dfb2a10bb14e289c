"""Looks through a whole log by GNU grep: a process of its own, which is ended when it takes too long."""

from __future__ import annotations

import os
import re
import resource
import select
import shutil
import subprocess
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from headway.infra.logs.lines import BegunAnew, CountedLog, LineReader
from headway.infra.logs.logfile import in_thread
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, Unavailable

LONGEST_SECONDS = 2.0
KEPT_HITS = 5_000  # the first and the last of them
_PIECE_BYTES = 64 << 10
_PREFIX_BYTES = 32  # as much of a line of grep's as holds a number
_ROOM_BYTES = 512 << 20  # it holds a whole line, and a line may have hundreds of megabytes
_READ_AHEAD_BYTES = 256 << 10  # its buffer has 96 KiB at first
_NUMBER = re.compile(rb"(?m)^(\d+):")
_PLACE = re.compile(r"^/dev/fd/\d++:\d++: ")  # of the pattern, which newer ones tell before what is wrong with it
_SPECIAL = re.compile(r"[.\[\\()*+?{|^$]")
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")
_COLOURS = b"(\x1b\\[[0-?]*[A-Za-z])*"  # what may stand between two letters that a page shows side by side
_NO_CODE = b"(^|[^0-?[\x1b]|(^|[^\x1b])\\[)[0-?]*"  # what stands before a letter that is of no colour's code
# With which a text might begin within a code. To look for those takes three times as long, so others are not asked.
_OF_CODES = re.compile(r"[\[0-?hjklm]", re.IGNORECASE)


class NoExpression(InvalidInput):
    """The text is no expression that can be looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """What to look for in all of a log: ``text``, which is an extended regular expression if ``is_regex``; where
    ``ignore_case``, ASCII letters of either case are the same. The next hit is wanted from line ``start`` on (None:
    from the end that comes first), ``backwards`` or not. ``generation`` as in ``LinesAsked``.
    """

    text: str
    is_regex: bool = False
    ignore_case: bool = False
    start: int | None = None
    backwards: bool = False
    generation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """The numbers of lines that have it, of ``total`` the first and the last 5,000; ``following`` is the hit that was
    wanted. ``cut_at``: the search was ended, and what is behind that line may not have been looked at.
    """

    generation: str = ""
    lines: tuple[int, ...] = ()
    total: int = 0
    following: int | None = None
    cut_at: int | None = None
    seconds: float = 0.0


async def find(reader: LineReader, path: Path, wanted: Find, *, has_ended: bool) -> Hits:
    """Looks through a log. Raises NoExpression, BegunAnew, Unavailable, OSError."""
    if wanted.is_regex and _BACK_REFERENCE.search(wanted.text):
        raise NoExpression("An expression must not refer back (\\1): what it costs to look for that has no bound.")
    async with reader.opened(path, has_ended=has_ended) as log:
        if wanted.generation not in {"", "" if log is None else log.generation}:
            raise BegunAnew
        return Hits() if log is None else await in_thread(lambda: _find(log, wanted))


def pattern_of(wanted: Find, *, has_escape: bool) -> tuple[str, bytes]:
    """How grep is to read the pattern, and the pattern."""
    if wanted.is_regex:
        return "-E", wanted.text.encode()
    if not has_escape:
        return "-F", wanted.text.encode()
    letters = (_SPECIAL.sub(lambda found: f"\\{found[0]}", letter).encode() for letter in wanted.text)
    might = len(wanted.text) == 1 or _OF_CODES.match(wanted.text)
    return "-E", (_NO_CODE if might else b"") + _COLOURS.join(letters)


def _find(log: CountedLog, wanted: Find) -> Hits:
    begun = time.monotonic()
    collected = _Collected(wanted)
    failure = _search(log, wanted, collected, begun + LONGEST_SECONDS)
    position = log.position
    if failure and position == 0:
        raise NoExpression(f"This cannot be looked for: {failure}")
    hits = replace(collected.hits(), generation=log.generation, seconds=time.monotonic() - begun)
    return hits if failure is None else replace(hits, cut_at=_reached(log, collected, min(position, log.size)))


def _reached(log: CountedLog, collected: _Collected, position: int) -> int:
    """A line up to which all was searched. grep reads ahead, by a buffer that grows by half until it holds a line."""
    ahead = max(_READ_AHEAD_BYTES, 2 * log.longest_line(position))
    return max(log.number_at(max(0, position - ahead)), collected.line)


def _search(log: CountedLog, wanted: Find, collected: _Collected, deadline: float) -> str | None:
    """Gives the hits to who collects them; what kept it from looking through all of the log, if anything did."""
    form, pattern = pattern_of(wanted, has_escape=log.has_escape)
    case = ["-i"] if wanted.ignore_case else []
    program = shutil.which("grep")
    if program is None:
        raise Unavailable("There is no grep on this machine; install it to search in logs.")
    inner, outer = os.pipe()
    try:
        process = subprocess.Popen(
            # Line by line, or else it holds hits back, which are lost when it is ended.
            [program, "-a", "-h", "-n", "-o", "--line-buffered", form, *case, "-f", f"/dev/fd/{inner}"],
            stdin=log.file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(inner,),
            start_new_session=True,
            env={"LC_ALL": "C"},
        )
    except BaseException:
        os.close(outer)
        raise
    finally:
        os.close(inner)
    with process:
        try:
            _start(process, outer, pattern)
            return _take(process, collected, deadline)
        finally:
            process.kill()


def _start(process: subprocess.Popen[bytes], pattern_to: int, pattern: bytes) -> None:
    """Bounds what it may take and lets it begin, which waits for the whole pattern. That is in no argument list, for
    those are for everybody on the machine to read.
    """
    try:
        with suppress(ProcessLookupError):
            _, most = resource.prlimit(process.pid, resource.RLIMIT_AS)  # which nobody may raise
            room = _ROOM_BYTES if most == resource.RLIM_INFINITY else min(_ROOM_BYTES, most)
            resource.prlimit(process.pid, resource.RLIMIT_AS, (room, room))
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
        with suppress(BrokenPipeError):
            os.write(pattern_to, pattern + b"\n")
    finally:
        os.close(pattern_to)


def _take(process: subprocess.Popen[bytes], collected: _Collected, deadline: float) -> str | None:
    if process.stdout is None or process.stderr is None:
        return "it has no output"
    waiting = select.poll()
    waiting.register(process.stdout, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        if not waiting.poll(left * 1000):
            break
        piece = os.read(process.stdout.fileno(), _PIECE_BYTES)
        if not piece:
            failed = process.wait() > 1
            return _sentence(process.stderr.read(_PIECE_BYTES)) if failed else None
        collected.take(piece)
    process.kill()
    while piece := os.read(process.stdout.fileno(), _PIECE_BYTES):  # what it had found by then
        collected.take(piece)
    return "it takes too long"


def _sentence(said: bytes) -> str:
    return _PLACE.sub("", said.decode("utf-8", "replace").strip().rpartition("grep: ")[2]) or "grep failed"


class _Collected:
    """Keeps of all hits what is shown of them."""

    def __init__(self, wanted: Find) -> None:
        self._wanted = wanted
        self._first: list[int] = []
        self._last = deque[int](maxlen=KEPT_HITS)
        self._total = 0
        self.line = 0  # of the last hit
        self._following: int | None = None
        self._rest = b""

    def take(self, piece: bytes) -> None:
        """Reads the next piece of what grep prints: a number, a colon and the text, for each hit."""
        told = self._rest + piece
        self._rest = told[told.rfind(b"\n") + 1 :][:_PREFIX_BYTES]
        for number in map(int, _NUMBER.findall(told)):
            if number != self.line:
                self.line = number
                self._add(number)

    def hits(self) -> Hits:
        """What was found."""
        behind = self._first[-1] if self._first else 0
        lines = (*self._first, *(line for line in self._last if line > behind))
        return Hits(lines=lines, total=self._total, following=self._following)

    def _add(self, line: int) -> None:
        self._total += 1
        if len(self._first) < KEPT_HITS:
            self._first.append(line)
        else:
            self._last.append(line)
        start = self._wanted.start
        if self._wanted.backwards:
            if start is None or line <= start:
                self._following = line
        elif self._following is None and (start is None or line >= start):
            self._following = line
