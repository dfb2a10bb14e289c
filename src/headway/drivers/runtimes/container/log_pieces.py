"""What a container or a task wrote behind a place of what its engine keeps of it: nothing twice, nothing left out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, takewhile

from headway.drivers.runtimes.container.state import unwrapped
from headway.drivers.runtimes.contract.runtime import Behind, Piece, parted
from headway.infra.docker.api import DockerApi

_ID = 25  # letters that tell it from every other
_MOST_CHARACTERS = 256 << 10  # of a piece
_CONTEXT = 400  # lines before the wanted ones, since a secret of several lines may have begun there
_CONTEXT_SECONDS = 5.0  # the same, where it is a time from which they are wanted
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_PLACE = re.compile(r"(\S{1,64}) (\d{1,20}\.\d{9}) (\d{1,9})")
_STAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z ?(.*)", re.DOTALL)

_Lines = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLog:
    """What an engine keeps at ``path`` of a container or task, which has this ``id``."""

    api: DockerApi
    path: str
    id: str
    terminal: bool = False

    async def piece(self, process: str, behind: Behind, masked: Callable[[str], str]) -> Piece:
        """What stands behind the place of a process: a time, and how many lines of since then were shown. One that was
        made anew is read from its beginning. Raises EngineAway, EngineRefused.
        """
        place = behind.places.get(process)
        known = _PLACE.fullmatch(place or "")
        if place is None:
            began = 0.0 if behind.since is None else behind.since.timestamp()
            data = await self._read(tail=str(behind.tail + _CONTEXT), since=_stamp(began - _CONTEXT_SECONDS))
            return await asyncio.to_thread(self._last, data, process, _stamp(began), behind.tail, masked)
        if known is None or known[1] != self.id[:_ID]:
            known = None
        data = await self._read(since="0" if known is None else known[2])
        # Of all that is kept it takes seconds, in which others are to be answered.
        return await asyncio.to_thread(self._behind, data, process, known, masked)

    async def _read(self, *, tail: str = "all", since: str = "0") -> bytes:
        return await self.api.read(self.path, stdout=True, stderr=True, timestamps=True, tail=tail, since=since)

    def _last(self, data: bytes, process: str, began: str, tail: int, masked: Callable[[str], str]) -> Piece:
        lines = _stamped(data, terminal=self.terminal)
        before = "".join(line for at, line in lines if at < began)
        text = parted(before, "".join(line for at, line in lines if at >= began), masked)
        place = self._place(lines) if lines else f"{self.id[:_ID]} {began} 0"
        return Piece(process=process, text="".join(_LINE.findall(text)[-tail:]), place=place)

    def _behind(self, data: bytes, process: str, known: re.Match[str] | None, masked: Callable[[str], str]) -> Piece:
        lines, shown = _stamped(data, terminal=self.terminal), 0 if known is None else int(known[3])
        end = shown + _fitting(lines[shown:])
        before, after = ("".join(line for _, line in part) for part in (lines[:shown], lines[shown:end]))
        lost = len(lines) < shown
        return Piece(
            process=process,
            text=parted(before, after, masked),
            place=known[0] if known is not None and not after and not lost else self._place(lines[:end]),
            more=end < len(lines),
            lost=lost,
        )

    def _place(self, lines: _Lines) -> str:
        since = lines[-_CONTEXT:][0][0] if lines else "0.000000000"
        return f"{self.id[:_ID]} {since} {sum(at >= since for at, _ in lines)}"


def _stamp(seconds: float) -> str:
    """As lines have their times: texts of which the earlier is the lesser."""
    return f"{max(0.0, seconds):020.9f}"


def _fitting(lines: _Lines) -> int:
    """How many of the lines make a piece, at least one."""
    lengths = accumulate(len(line) for _, line in lines)
    return max(1, sum(1 for _ in takewhile(lambda length: length <= _MOST_CHARACTERS, lengths)))


def _stamped(data: bytes, *, terminal: bool) -> _Lines:
    """The lines with their times, in seconds since 1970: without a terminal each comes with a head of eight bytes."""
    if terminal:
        pieces = _LINE.findall(unwrapped(data, has_terminal=True))
    else:
        pieces = []
        position = 0
        while position + 8 <= len(data):
            end = position + 8 + int.from_bytes(data[position + 4 : position + 8])
            pieces.append(data[position + 8 : end].decode(errors="replace"))
            position = end
    found: _Lines = []
    for piece in pieces:
        if match := _STAMPED.fullmatch(piece):
            seconds = int(datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp())
            found.append((f"{seconds:010}.{match[2]}", match[3]))
    return found
