"""What a container or a task wrote behind a place of what its engine keeps of it: nothing twice, nothing left out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import accumulate, groupby, takewhile

from headway.drivers.runtimes.container.state import unwrapped
from headway.drivers.runtimes.contract.runtime import Behind, LinesAt, Piece, parted
from headway.infra.docker.api import DockerApi, EngineAway
from headway.kernel.dataclass import dataclass

_ID = 25  # letters that tell it from every other
_MOST_CHARACTERS = 256 << 10  # of a piece
_CONTEXT = 400  # lines before the wanted ones, since a secret of several lines may have begun there
_CONTEXT_SECONDS = 5.0  # the same, where it is a time from which they are wanted
_READ_BYTES = 1 << 20  # that are looked at first: a piece with what stands before it is shorter as a rule
_SECONDS = 60.0
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
        lines = await self._read_on("0" if known is None else known[2], 0 if known is None else int(known[3]))
        # To mask it takes a while, in which others are to be answered.
        return await asyncio.to_thread(self._behind, lines, process, known, masked, timed=behind.timed)

    async def _read(self, *, tail: str = "all", since: str = "0") -> bytes:
        return await self.api.read(self.path, stdout=True, stderr=True, timestamps=True, tail=tail, since=since)

    async def _read_on(self, since: str, shown: int) -> _Lines:
        """The lines that are kept since then, as many as a piece takes behind those that were ``shown``, and one more
        where there is one.
        """
        data, wanted = bytearray(), _READ_BYTES
        asked = self.api.stream(self.path, stdout=True, stderr=True, timestamps=True, tail="all", since=since)
        try:
            async with asyncio.timeout(_SECONDS), aclosing(asked) as pieces:
                async for piece in pieces:
                    data += piece
                    if len(data) >= wanted:
                        lines = await asyncio.to_thread(_stamped, bytes(data), terminal=self.terminal)
                        if _fitting(lines[shown:]) < len(lines) - shown - 1:  # of the last there may be more to come
                            return lines[:-1]
                        wanted *= 2
        except TimeoutError as error:
            raise EngineAway(f"no end of a log within {_SECONDS:g} s", self.api.place) from error
        return await asyncio.to_thread(_stamped, bytes(data), terminal=self.terminal)

    def _last(self, data: bytes, process: str, began: str, tail: int, masked: Callable[[str], str]) -> Piece:
        lines = _stamped(data, terminal=self.terminal)
        before = "".join(line for at, line in lines if at < began)
        text = parted(before, "".join(line for at, line in lines if at >= began), masked)
        place = self._place(lines) if lines else f"{self.id[:_ID]} {began} 0"
        return Piece(process=process, text="".join(_LINE.findall(text)[-tail:]), place=place)

    def _behind(
        self, lines: _Lines, process: str, known: re.Match[str] | None, masked: Callable[[str], str], *, timed: bool
    ) -> Piece:
        shown = 0 if known is None else int(known[3])
        # One of those that were shown is of the place's own time. Where it is gone, others stand in its place.
        lost = known is not None and shown > 0 and (len(lines) < shown or not _are_of(known[2], lines[:shown]))
        shown = 0 if lost else shown
        end = shown + _fitting(lines[shown:])
        before, after = ("".join(line for _, line in part) for part in (lines[:shown], lines[shown:end]))
        return Piece(
            process=process,
            text=parted(before, after, masked),
            place=known[0] if known is not None and not after and not lost else self._place(lines[:end]),
            more=end < len(lines),
            lost=lost,
            times=tuple(_times(lines[shown:end])) if timed else (),
        )

    def _place(self, lines: _Lines) -> str:
        since = lines[-_CONTEXT:][0][0] if lines else "0.000000000"
        return f"{self.id[:_ID]} {since} {sum(at >= since for at, _ in lines)}"


def _stamp(seconds: float) -> str:
    """As lines have their times: texts of which the earlier is the lesser."""
    return f"{max(0.0, seconds):020.9f}"


def _are_of(stamp: str, lines: _Lines) -> bool:
    """Whether one of the lines is of this time."""
    return any(at == stamp for at, _ in lines)


def _fitting(lines: _Lines) -> int:
    """How many of the lines make a piece, at least one."""
    lengths = accumulate(len(line) for _, line in lines)
    return max(1, sum(1 for _ in takewhile(lambda length: length <= _MOST_CHARACTERS, lengths)))


def _times(lines: _Lines) -> Iterator[LinesAt]:
    """When the lines were written: an engine notes of each of its own when that came, and may part a long line."""
    seconds, is_open = list[int](), False
    for at, line in lines:
        if not is_open:
            seconds.append(int(at.partition(".")[0]))
        is_open = not line.endswith("\n")
    for second, same in groupby(seconds):
        yield LinesAt(lines=len(list(same)), at=datetime.fromtimestamp(second, UTC))


def _stamped(data: bytes, *, terminal: bool) -> _Lines:
    """The lines with their times, in seconds since 1970: without a terminal each comes with a head of eight bytes, and
    one that is not there to its end is left out.
    """
    if terminal:
        pieces = _LINE.findall(unwrapped(data, has_terminal=True))
    else:
        pieces = []
        position = 0
        while position + 8 <= len(data):
            end = position + 8 + int.from_bytes(data[position + 4 : position + 8])
            if end > len(data):
                break
            pieces.append(data[position + 8 : end].decode(errors="replace"))
            position = end
    found: _Lines = []
    for piece in pieces:
        if match := _STAMPED.fullmatch(piece):
            seconds = int(datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp())
            found.append((f"{seconds:010}.{match[2]}", match[3]))
    return found
