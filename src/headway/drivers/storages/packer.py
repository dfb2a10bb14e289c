"""Packs a stream on its way to a storage, and unpacks and proves it on its way back.

It is compressed, with its length and a sum at its end, so that a stream that was cut off or altered is never taken for
a whole one. Before and after what ``zstd`` writes stands a frame that every zstd skips: the first says what it is, the
last closes it. This runs as a process of its own:

``python -I packer.py pack NOTE HEADER`` compresses standard input; ``pass NOTE`` lets it through as it is;
``unpack NOTE ENGINE [END]`` gives the contents back, of what ENGINE made only, on trial with its events switched off;
with END it gives nothing, and a line that begins so must be the last. NOTE is a file for the length and the sum of what
lies at the storage. Before all that may stand ``--as=NUMBER``: it becomes that account, user and group, before it reads
a byte.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import hashlib
import json
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import zstandard

REFUSED = 3  # its exit status
SPEAKER = "headway"  # what its sentences begin with
AHEAD = "HEADWAY_AHEAD"
ON_TRIAL = "HEADWAY_ON_TRIAL"
_PIECE = 1 << 20
_LEVEL = 3
_SKIPPED_FIRST, _SKIPPED_LAST = 0x184D2A5E, 0x184D2A5F  # frames that decompressors skip (RFC 8878, 3.1.2)
_CLOSING = 256  # bytes of the closing frame, always
_LONGEST_HEADER = 1 << 16
_TAIL = 4096
_WITH_EVENTS = frozenset({"mariadb", "mysql"})
_EVENT = b"\n/*!50106 CREATE*/ "  # as mysqldump and mariadb-dump begin each
_ENABLED, _DISABLED = b" PRESERVE ENABLE", b" PRESERVE DISABLE"
_LONGEST_EVENT_HEAD = 1 << 16
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS of prctl(2)


class Refused(Exception):
    """The stream is not taken; the text says why."""


class Summing:
    """A stream whose bytes are counted and summed as they pass."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._sum = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        return self._sum.hexdigest()

    def write(self, piece: bytes) -> int:
        self._count(piece)
        self._stream.write(piece)
        return len(piece)

    def read(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self._count(piece)
        return piece

    def flush(self) -> None:
        self._stream.flush()

    def _count(self, piece: bytes) -> None:
        self._sum.update(piece)
        self.bytes += len(piece)


class ButItsEnd:
    """A stream without its last bytes, which ``end`` has once it is read."""

    def __init__(self, stream: Summing, held: int) -> None:
        self._stream = stream
        self._held = held
        self.end = b""

    def read(self, size: int = _PIECE) -> bytes:
        while len(self.end) <= self._held:
            piece = self._stream.read(max(size, 4096))
            if not piece:
                return b""
            self.end += piece
        given = self.end[: min(size, len(self.end) - self._held)]
        self.end = self.end[len(given) :]
        return given


def pack(source: IO[bytes], sink: IO[bytes], header: bytes) -> dict[str, object]:
    """Compresses everything; gives what the note holds."""
    summing = Summing(sink)
    summing.write(_frame(_SKIPPED_FIRST, header))
    contents = 0
    compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=_threads(), write_checksum=True)
    with compressor.stream_writer(summing, closefd=False) as writer:  # type: ignore[arg-type]  # it only writes
        while piece := source.read(_PIECE):
            contents += len(piece)
            writer.write(piece)
    closing = json.dumps({"contents": contents, "sum": summing.sha256}).encode()
    summing.write(_frame(_SKIPPED_LAST, closing.ljust(_CLOSING - 8)))
    summing.flush()
    return {"bytes": summing.bytes, "sha256": summing.sha256, "contents": contents}


def let_pass(source: IO[bytes], sink: IO[bytes]) -> dict[str, object]:
    """Gives on everything as it is."""
    summing = Summing(sink)
    while piece := source.read(_PIECE):
        summing.write(piece)
    summing.flush()
    return {"bytes": summing.bytes, "sha256": summing.sha256, "contents": summing.bytes}


def unpack(source: IO[bytes], give: Callable[[bytes], object], engine: str) -> dict[str, object]:
    """Decompresses everything, and compares it with what its end says. Raises Refused."""
    summing = Summing(source)
    header = _header(summing, engine)
    body = ButItsEnd(summing, _CLOSING)
    contents = 0
    before_end = hashlib.sha256()
    try:
        reader = zstandard.ZstdDecompressor().stream_reader(_Watched(body, before_end, header[1]))  # type: ignore[arg-type]
        while piece := reader.read(_PIECE):
            contents += len(piece)
            give(piece)
    except zstandard.ZstdError as error:
        raise Refused(f"The backup is damaged: {error}.") from error
    if body.read():
        raise Refused("The backup is damaged: something follows on what was written.")
    if _closing(body.end) != (contents, before_end.hexdigest()):
        raise Refused("The backup is not whole: its end is missing, or is not that of what precedes it.")
    return {"bytes": summing.bytes, "sha256": summing.sha256, "contents": contents, "header": header[0]}


class _Watched:
    """What a decompressor reads, summed from the header on: the closing frame's sum is that of all before it."""

    def __init__(self, body: ButItsEnd, total: hashlib._Hash, header: bytes) -> None:
        self._body = body
        self._total = total
        total.update(header)

    def read(self, size: int = _PIECE) -> bytes:
        piece = self._body.read(size)
        self._total.update(piece)
        return piece


def _header(source: Summing, engine: str) -> tuple[object, bytes]:
    """What it says of itself, and the bytes that say it. Raises Refused."""
    start = _exactly(source, 8)
    magic, size = struct.unpack("<II", start) if len(start) == 8 else (0, 0)
    if magic != _SKIPPED_FIRST or size > _LONGEST_HEADER:
        raise Refused("This is no backup that Headway made: it does not begin like one.")
    text = _exactly(source, size)
    try:
        header = json.loads(text)
        made_by = header["engine"]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("This is no backup that Headway made: it does not say what it is.") from error
    if engine and made_by != engine:
        raise Refused(f"This is a backup of {made_by}, and it was to be restored as one of {engine}.")
    return header, start + text


def _closing(end: bytes) -> tuple[object, object] | None:
    if len(end) != _CLOSING or struct.unpack("<II", end[:8]) != (_SKIPPED_LAST, _CLOSING - 8):
        return None
    with contextlib.suppress(ValueError, KeyError):
        told = json.loads(end[8:])
        return told["contents"], told["sum"]
    return None


class Ending:
    """Keeps the end of a stream only."""

    def __init__(self) -> None:
        self._tail = b""

    def give(self, piece: bytes) -> None:
        self._tail = (self._tail + piece)[-_TAIL:]

    def check(self, expected: str) -> None:
        """Raises Refused where the last line does not begin so."""
        lines = self._tail.decode(errors="replace").strip().splitlines()
        if not lines or not lines[-1].startswith(expected):
            raise Refused(f"The dump is not whole: its last line is not {expected!r}.")


class WithoutEvents:
    """Gives a dump of MySQL or MariaDB on with its events switched off: their server would carry them out by itself, in
    a database that is filled on trial too, and what they name may be another, which lives.
    """

    def __init__(self, give: Callable[[bytes], object]) -> None:
        self._give = give
        self._held = b"\n"  # one that is not given: a line begins
        self._has_begun = False

    def give(self, piece: bytes) -> None:
        text, begin = self._held + piece, 0
        while (at := text.find(_EVENT, begin)) >= 0:
            end = text.find(b"\n", at + 1)
            if end < 0 and len(text) - at < _LONGEST_EVENT_HEAD:
                break
            end = len(text) if end < 0 else end
            self._on(text[begin:at] + text[at:end].replace(_ENABLED, _DISABLED, 1))
            begin = end
        else:
            at = max(begin, len(text) - len(_EVENT) + 1)  # what may go on to be one
        self._on(text[begin:at])
        self._held = text[at:]

    def finish(self) -> None:
        """There is no more."""
        is_event = self._held.startswith(_EVENT)
        self._on(self._held.replace(_ENABLED, _DISABLED, 1) if is_event else self._held)

    def _on(self, text: bytes) -> None:
        if text:
            self._give(text if self._has_begun else text[1:])
            self._has_begun = True


def environment(ahead: bytes, *, on_trial: bool) -> dict[str, str]:
    """By what it is told what whoever reads the contents reads before them, and that they are restored on trial."""
    told = {AHEAD: base64.b64encode(ahead).decode()} if ahead else {}
    return {**told, ON_TRIAL: "yes"} if on_trial else told


def main(argv: list[str]) -> int:
    # The pipes stay narrow: with wide ones the stages wait for each other, on a busy machine twice as long.
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    number = int(argv.pop(0).removeprefix("--as=")) if argv[:1] and argv[0].startswith("--as=") else None
    with Path(argv[1]).open("w") as note:
        if number is not None:
            _become(number)
        match [argv[0], *argv[2:]]:
            case ["pack", header]:
                told = pack(source, sink, header.encode())
            case ["pass"]:
                told = let_pass(source, sink)
            case ["unpack", engine]:
                sink.write(base64.b64decode(os.environ.get(AHEAD, "")))
                quiet = WithoutEvents(sink.write) if ON_TRIAL in os.environ and engine in _WITH_EVENTS else None
                told = unpack(source, sink.write if quiet is None else quiet.give, engine)
                if quiet is not None:
                    quiet.finish()
                sink.flush()
            case ["unpack", engine, end]:
                ending = Ending()
                told = unpack(source, ending.give, engine)
                ending.check(end)
            case _:
                raise Refused("unknown arguments")
        # Of one that does not end well nobody reads the note.
        json.dump(told, note)
        note.flush()
        os.fsync(note.fileno())
    return 0


def _become(number: int) -> None:
    """What was opened stays open; nothing else can be had any more, by nothing that is started either."""
    os.setgroups([])
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)
    if ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or os.getresuid() != (number,) * 3:
        raise Refused("the account cannot be changed")


def _frame(magic: int, payload: bytes) -> bytes:
    return struct.pack("<II", magic, len(payload)) + payload


def _exactly(source: Summing, size: int) -> bytes:
    found = b""
    while len(found) < size and (piece := source.read(size - len(found))):
        found += piece
    return found


def _threads() -> int:
    """One less than there are processors, so that the dump has one too; 0 compresses where it is read."""
    return max((os.cpu_count() or 1) - 1, 1)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as refused:
        sys.stderr.write(f"{SPEAKER}: {refused}\n")
        sys.exit(REFUSED)
    except BrokenPipeError:
        if sys.argv[1] == "unpack":  # who failed says so; of who ended well nobody would know that there was more
            sys.stderr.write(f"{SPEAKER}: What reads the backup has ended before its end.\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python would fail once more
        sys.exit(1)
