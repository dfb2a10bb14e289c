"""By when a process had written how much: its lines have no times, so what it wrote since one is told by marks beside
its log.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from headway.drivers.runtimes.private_file import write_privately

_MARK = re.compile(r"([0-9]{1,12}[.][0-9]{3}) (\S{1,64})")
_MOST_BYTES = 128 << 10
_SHARE = 256  # what is so much nearer to the next mark than to now is not kept apart from it


def note(log: Path, place: str) -> None:
    """Marks that what stands before the place was written by now; nothing is left where the log itself is gone. Raises
    OSError.
    """
    file = _file(log)
    opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(opened, f"{time.time():.3f} {place}\n".encode())
        is_long = os.fstat(opened).st_size > _MOST_BYTES
    finally:
        os.close(opened)
    if is_long:
        write_privately(file, "".join(f"{at:.3f} {place}\n" for at, place in _thinned(_read(file))))
    if not log.exists():
        file.unlink(missing_ok=True)


def places_by(log: Path, seconds: float) -> Iterator[str]:
    """The marks of a moment (in seconds since 1970) and before, the last first."""
    return (place for at, place in reversed(_read(_file(log))) if at <= seconds)


def _file(log: Path) -> Path:
    return log.with_name(f"{log.name}.times")


def _read(file: Path) -> list[tuple[float, str]]:
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return []
    # A power cut may have left half of a line.
    return [(float(mark[1]), mark[2]) for mark in map(_MARK.fullmatch, lines) if mark is not None]


def _thinned(marks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    kept: list[tuple[float, str]] = []
    now = time.time()
    for at, place in reversed(marks):
        if not kept or abs(kept[-1][0] - at) * _SHARE >= now - at:
            kept.append((at, place))
    return kept[::-1]
