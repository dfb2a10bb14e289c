"""How supervised processes ended: supervisord tells a caller the last exit status at most, its log tells every end."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from headway.kernel.dataclass import dataclass

_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \w+ exited: (\S+) \((.*); (?:not )?expected\)")
_KEPT_PER_PROGRAM = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """An end that nobody had asked for: of which program, when, and how, in words."""

    program: str
    at: datetime
    how: str

    @property
    def killed(self) -> bool:
        """Whether it was ended by SIGKILL, which is what a memory bound does, or says so of its child, as shells do."""
        return "SIGKILL" in self.how or self.how == "exit status 137"


def read_line(line: str) -> Exit | None:
    """The end that a line of supervisord's log tells; None where it tells something else."""
    match = _LINE.match(line)
    if match is None:
        return None
    at = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC)
    return Exit(program=match[2], at=at, how=_in_words(match[3]))


class ExitLog:
    """Follows supervisord's log, through its rotation, and keeps the newest ends of every program."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rotated = path.with_name(f"{path.name}.1")
        self._inode: int | None = None
        self._offset = 0
        self._exits: dict[str, deque[Exit]] = {}

    def of(self, programs: Collection[str], *, since: datetime) -> list[Exit]:
        """The ends of these programs since then, oldest first."""
        self._catch_up()
        found = [end for program in programs for end in self._exits.get(program, ()) if end.at >= since]
        return sorted(found, key=lambda end: end.at)

    def drop(self, programs: Collection[str]) -> None:
        """Forgets programs that will not come again."""
        for program in programs:
            self._exits.pop(program, None)

    def _catch_up(self) -> None:
        newest = _inode(self._path)
        if newest != self._inode:
            older = _inode(self._rotated)
            if older is not None and self._inode in {None, older}:
                self._read(self._rotated)
            self._inode, self._offset = newest, 0
        if newest is not None:
            self._read(self._path)

    def _read(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                file.seek(self._offset)
                whole = file.read()
        except FileNotFoundError:
            return
        complete, newline, _ = whole.rpartition(b"\n")
        self._offset += len(complete) + len(newline)
        for line in complete.decode(errors="replace").split("\n"):
            if (end := read_line(line)) is not None:
                self._exits.setdefault(end.program, deque(maxlen=_KEPT_PER_PROGRAM)).append(end)


def _in_words(status: str) -> str:
    if status.startswith("terminated by "):
        return status.replace("terminated by", "signal")
    return status


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
