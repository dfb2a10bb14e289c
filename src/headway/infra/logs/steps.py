"""The sidecar of a log: which step began and ended at which place in it."""

from __future__ import annotations

import json
import os
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from headway.infra.logs.logfile import in_thread
from headway.kernel.dataclass import dataclass

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class StepEvent(StrEnum):
    """What happened to a step."""

    BEGUN = "begun"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMark:
    """A step's beginning or end: ``offset`` is the log's size in bytes at that ``time``."""

    name: str
    event: StepEvent
    offset: int
    time: datetime


async def mark_step(path: Path, mark: StepMark) -> None:
    """Adds a mark to the sidecar, once per name and event: the first stays. Raises OSError."""
    await in_thread(lambda: _add(path, mark))


async def read_steps(path: Path) -> tuple[StepMark, ...]:
    """The marks in the order in which they were made; none where there is no sidecar."""
    return await in_thread(lambda: _read(path))


def _add(path: Path, mark: StepMark) -> None:
    file = os.open(path, _FLAGS, 0o600)
    try:
        content = _content(file)
        whole = content[: content.rfind(b"\n") + 1]  # what a crash left of a line that was being added is written over
        if any((kept.name, kept.event) == (mark.name, mark.event) for kept in _parse(whole)):
            return
        os.pwrite(file, _line(mark), len(whole))
        os.ftruncate(file, len(whole) + len(_line(mark)))
    finally:
        os.close(file)


def _read(path: Path) -> tuple[StepMark, ...]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    return tuple(_parse(content[: content.rfind(b"\n") + 1]))


def _content(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


def _line(mark: StepMark) -> bytes:
    record = {"name": mark.name, "offset": mark.offset, "time": mark.time.isoformat(), "event": mark.event}
    return json.dumps(record).encode() + b"\n"


def _parse(content: bytes) -> list[StepMark]:
    marks = []
    for line in content.splitlines():
        try:
            record = json.loads(line)
            marks.append(
                StepMark(
                    name=str(record["name"]),
                    event=StepEvent(record["event"]),
                    offset=int(record["offset"]),
                    time=datetime.fromisoformat(record["time"]),
                )
            )
        except (ValueError, KeyError, TypeError):
            continue  # a power cut may leave a line of zeros; the others still stand
    return marks
