"""What a container or a task wrote behind a place of what its engine keeps of it: nothing twice, nothing left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from headway.infra.docker.api import DockerApi
from headway.seams.runtimes.base import Behind, Piece
from headway.seams.runtimes.container_state import unwrapped
from headway.seams.runtimes.log_pieces import parted

_ID = 25  # letters that tell it from every other
_CONTEXT = 400  # lines before the wanted ones, since a secret of several lines may have begun there
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
        if known is not None and known[1] == self.id[:_ID]:
            lines, shown = await self._lines(since=known[2]), int(known[3])
            before, after = ("".join(line for _, line in part) for part in (lines[:shown], lines[shown:]))
            lost = len(lines) < shown
            place = self._place(lines) if after or lost else known[0]
            return Piece(process=process, text=parted(before, after, masked), place=place, lost=lost)
        lines = await self._lines(tail="all" if place else str(behind.tail + _CONTEXT))
        text = masked("".join(line for _, line in lines))
        last = text if place else "".join(_LINE.findall(text)[-behind.tail :])
        return Piece(process=process, text=last, place=self._place(lines))

    async def _lines(self, *, tail: str = "all", since: str = "0") -> _Lines:
        data = await self.api.read(self.path, stdout=True, stderr=True, timestamps=True, tail=tail, since=since)
        return _stamped(data, terminal=self.terminal)

    def _place(self, lines: _Lines) -> str:
        since = lines[-_CONTEXT:][0][0] if lines else "0.000000000"
        return f"{self.id[:_ID]} {since} {sum(at >= since for at, _ in lines)}"


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
