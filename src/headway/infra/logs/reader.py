"""Reads finished and growing logs: the last lines, a range."""

from __future__ import annotations

import os
import re
from pathlib import Path

from headway.infra.logs.logfile import in_thread
from headway.kernel.dataclass import dataclass

MOST_TAIL_BYTES = 16 << 20

_BLOCK_BYTES = 64 << 10
_SEARCHED_BYTES = 4 << 20
_PASSAGE_BYTES = 8 << 10
_FIRST_ERROR = re.compile(rb"(?i:\berror(?:\[\w{1,8}\])?:|\bfatal\b|\bfailed to )|npm (?:error|ERR!)|ERR_|error TS\d")


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


async def ending(path: Path, since: int) -> str:
    """What a log says from byte ``since`` on: its last 64 KiB, and before them where the first error is told, of the
    last 4 MiB; "" where there is no log. Raises OSError.
    """
    return await in_thread(lambda: _ending(path, since))


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
    return passage_of(read_bytes(path, offset, limit_bytes), offset)


def read_bytes(path: Path, offset: int, limit_bytes: int) -> bytes:
    """At most so many bytes from ``offset`` on; none at the end or where there is no log. Raises OSError."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(file, limit_bytes, offset)
    finally:
        os.close(file)


def passage_of(raw: bytes, offset: int) -> Passage:
    """The whole characters among bytes that stand at ``offset``."""
    begin = _whole_from(raw)
    end = _whole_until(raw)
    return Passage(offset=offset + begin, text=raw[begin:end].decode("utf-8", "replace"), end_offset=offset + end)


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


def _ending(path: Path, since: int) -> str:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return ""
    try:
        size = os.fstat(file).st_size
        begin = max(since, size - _SEARCHED_BYTES)
        raw = os.pread(file, max(0, size - begin), begin)
    finally:
        os.close(file)
    if len(raw) > _BLOCK_BYTES:
        before, raw = raw[:-_BLOCK_BYTES], raw[-_BLOCK_BYTES:]
        first = _FIRST_ERROR.search(before)
        if first is not None:
            line = before.rfind(b"\n", 0, first.start()) + 1
            raw = before[line : line + _PASSAGE_BYTES] + b"\n" + raw
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
