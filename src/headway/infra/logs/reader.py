"""Reads finished and growing logs: the last lines, a range, the line that says what went wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headway.infra.logs.logfile import in_thread

MOST_TAIL_BYTES = 16 << 20
MOST_CHARACTERS_OF_A_LINE = 300

_BLOCK_BYTES = 64 << 10
_LINES_SEARCHED = 20
_RAW_LINES_SEARCHED = 200
_ESCAPE_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor movement
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # titles, links
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_STATES_AN_ERROR = re.compile(
    r"^(?:\S+\s+){0,3}(?:npm err!|npm error|e:|error|err!|fatal|panic|critical)\b"
    r"|^thread '.*' panicked at\b|^\*\* \(\w|\(\w+(?:Error|Exception)\)$|^Unhandled exception\b"
    r"|\b\w*(?:error|exception|fault|panic)\b(?:\[\w+\])?:"
    r"|\b(?:command not found|no such file or directory|permission denied|no space left on device|out of memory)\b"
    r"|\bsegmentation fault\b",
    re.IGNORECASE,
)
_LOOKS_LIKE_AN_ERROR = re.compile(
    r"\b(?:errors?|fatal|fail(?:ed|ure|s)?|panic|exception|cannot|can't|could not|couldn't|unable|denied|refused|"
    r"not found|no such|undefined|unknown|invalid|missing|killed|abort(?:ed)?|timed out|unexpected)\b",
    re.IGNORECASE,
)
_SAYS_NOTHING = re.compile(
    r"complete log of this run|^\W*(?:hint|note|tip|warning)\b|for more information|see above|0 errors"
    r"|^\W*error\W*$|^(?:make|gmake)(?:\[\d+\])?: \*\*\*"
    r"|npm err(?:!|or)\s*(?:(?:code|errno|syscall|path|command|signal|workspace|location|cwd|lifecycle script)\b.*)?$"
    r"|^exit status \d+$|^(?:\S+\s+){0,5}worker (?:exiting|\(pid:|failed to boot)|^error: script .* exited with code"
    r"|^ELIFECYCLE\b|^\W*ELIFECYCLE\b",
    re.IGNORECASE,
)
_LEADS_ON = re.compile(r"^thread '.*' panicked at .*:$")
# Where a program was when it broke; a trace may be longer than all that is looked at.
_OF_A_TRACE = re.compile(
    r"^at \S|^from \S+:\d+|^\.\.\. \d+ (?:more|common frames)|^File \".*\", line \d+|^#\d+ |^goroutine \d+ \[|^\d+: 0x|"
    r"^\S+\.(?:go|rs|cc?|exs?|erl|rb|php):\d+(?::\d+)?(?::in\b.*|\s+\+0x[0-9a-f]+)?$|^[\w./*()-]+\(.*\)$|^[\^~\s|]+$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of a log, whole characters: ``text`` reaches from byte ``offset`` to ``end_offset``."""

    offset: int
    text: str
    end_offset: int


async def tail(path: Path, lines: int, limit_bytes: int = MOST_TAIL_BYTES) -> str:
    """The last ``lines`` lines of a log, counted as the tool counts them, "" where there is no log; of more than
    ``limit_bytes`` only the end. Raises OSError.
    """
    return await in_thread(lambda: _tail(path, lines, limit_bytes))


async def read_range(path: Path, offset: int, limit_bytes: int) -> Passage:
    """The text from ``offset`` (from the next character on, if that is within one) of at most ``limit_bytes`` bytes,
    four or more; an empty one at the end or where there is no log. Raises OSError.
    """
    return await in_thread(lambda: read_passage(path, offset, limit_bytes))


async def size_of(path: Path) -> int:
    """The size of a log in bytes; 0 where there is none."""
    return await in_thread(lambda: path.stat().st_size if path.exists() else 0)


def read_passage(path: Path, offset: int, limit_bytes: int) -> Passage:
    """``read_range`` for a caller on a thread of its own, or of so few and fresh bytes that it needs none."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return Passage(offset=offset, text="", end_offset=offset)
    try:
        raw = os.pread(file, limit_bytes, offset)
    finally:
        os.close(file)
    return passage_of(raw, offset)


def passage_of(raw: bytes, offset: int) -> Passage:
    """The whole characters among bytes that stand at ``offset``."""
    begin = _whole_from(raw)
    end = _whole_until(raw)
    return Passage(offset=offset + begin, text=raw[begin:end].decode("utf-8", "replace"), end_offset=offset + end)


def last_meaningful_line(text: str) -> str:
    """The line of a log's end that best says what went wrong, at most 300 characters, "" where there is none: the last
    of the last 20 that states an error, else the last that looks like one, else the last that is not empty. The lines
    of a stack trace do not count.
    """
    near = [line for raw in text.split("\n")[-_RAW_LINES_SEARCHED:] if (line := _visible(raw))]
    lines = [line for line in near if not _OF_A_TRACE.search(line)][-_LINES_SEARCHED:] or near
    telling = [_with_next(line, lines) for line in lines if not _SAYS_NOTHING.search(line)]
    for looks in (_STATES_AN_ERROR, _LOOKS_LIKE_AN_ERROR):
        for line in reversed(telling):
            if looks.search(line):
                return _shortened(line)
    return _shortened((telling or lines or [""])[-1])


def _with_next(line: str, lines: Sequence[str]) -> str:
    """The line; where it only leads to what is said in the next one, both."""
    at = lines.index(line) + 1
    return f"{line} {lines[at]}" if _LEADS_ON.search(line) and at < len(lines) else line


def _tail(path: Path, lines: int, limit_bytes: int) -> str:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return ""
    try:
        raw = _last_lines(file, lines, limit_bytes)
    finally:
        os.close(file)
    return raw[_whole_from(raw) : _whole_until(raw)].decode("utf-8", "replace")


def _last_lines(file: int, lines: int, limit_bytes: int) -> bytes:
    """Reads backwards, block by block, until the line end before the wanted lines is met."""
    if lines <= 0:
        return b""
    size = position = os.fstat(file).st_size
    blocks: list[bytes] = []
    missing = lines
    while position > 0 and size - position < limit_bytes:
        start = max(0, position - _BLOCK_BYTES)
        block = os.pread(file, position - start, start)
        # The line end that closes the last line stands before no further one.
        last = len(block) - 1 if not blocks and block.endswith(b"\n") else len(block)
        found = block.count(b"\n", 0, last)
        if found >= missing:
            cut = last
            for _ in range(missing):
                cut = block.rfind(b"\n", 0, cut)
            blocks.append(block[cut + 1 :])
            break
        missing -= found
        blocks.append(block)
        position = start
    return b"".join(reversed(blocks))[-limit_bytes:]


def _whole_from(raw: bytes) -> int:
    """Where the first whole character begins."""
    begin = 0
    while begin < min(3, len(raw)) and raw[begin] & 0xC0 == 0x80:
        begin += 1
    return begin


def _whole_until(raw: bytes) -> int:
    """Where the last whole character ends."""
    for back in range(1, min(4, len(raw)) + 1):
        byte = raw[-back]
        if byte & 0xC0 == 0xC0:
            need = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(raw) - back if need > back else len(raw)
        if byte < 0x80:
            break
    return len(raw)


def _visible(line: str) -> str:
    """What a terminal would show of a line in the end: what a carriage return has overwritten is gone."""
    parts = [_CONTROL.sub("", part).strip() for part in _ESCAPE_SEQUENCES.sub("", line).split("\r")]
    return next((part for part in reversed(parts) if part), "")


def _shortened(line: str) -> str:
    return line if len(line) <= MOST_CHARACTERS_OF_A_LINE else line[: MOST_CHARACTERS_OF_A_LINE - 1] + "…"
