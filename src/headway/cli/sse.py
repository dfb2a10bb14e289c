"""Reads server-sent events out of bytes, however they were cut on their way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headway.kernel.dataclass import dataclass

_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: its kind, its data and the id that resumes behind it (None: it had none)."""

    kind: str
    data: str
    id: str | None


class EventReader:
    """Turns pieces of a stream into events; an event is complete at the empty line behind it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._kind = "message"
        self._data: list[str] = []
        self._id: str | None = None

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that ``piece`` completes."""
        if not (b"\n" in piece or b"\r" in piece):
            self._pieces.append(piece)  # a long line is joined once, when its end is there
            return
        text = b"".join((*self._pieces, piece))
        # A CR at the very end may be half of a line end: it waits for what follows.
        held = text.endswith(b"\r")
        *lines, rest = _LINE_END.split(text[:-1] if held else text)
        self._pieces = [rest + b"\r" if held else rest]
        for line in lines:
            if (event := self._take(line.decode("utf-8", "replace"))) is not None:
                yield event

    def _take(self, line: str) -> Event | None:
        if not line:
            event = Event(kind=self._kind, data="\n".join(self._data), id=self._id) if self._data else None
            self._kind, self._data, self._id = "message", [], None
            return event
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._kind = value
            case "data":
                self._data.append(value)
            case "id":
                self._id = value
            case _:
                pass  # a comment (heartbeat) or a field that we have no use for
        return None
