"""Follows a deployment: its log as it comes, a heading for each step where it began, and its end. A person's terminal
also shows, in its last line, which step is under way and for how long.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Self, TextIO

from headway.cli import output
from headway.cli.client import Client
from headway.cli.sse import Event
from headway.cli.terminal import Screened
from headway.kernel.errors import Unavailable

_SECONDS_UNTIL_TOLD_TO_WAIT = 1.0
_SECONDS_BETWEEN_TICKS = 1.0
_CLOSING = re.compile(rb"^Deployment [a-z_]+: ", re.MULTILINE)
_DEPLOYMENT = b"Deployment "
_PARTLY = re.compile(rb"Deployment [a-z_]*:?")
_SERVES = re.compile(rb"Deployment done: release \S+ serves( at \S+)?")
_LONGEST_CLOSING = 16 << 10
_ERASE_LINE = "\r\x1b[K"


def to_the_end(client: Client, deployment_id: str, *, as_json: bool, noun: str = "deployment") -> Mapping[str, Any]:
    """The row of a deployment that was followed to its end, its log on standard output, or on standard error where that
    is for JSON. Who breaks off, or loses the panel, is told that it goes on (``noun`` is what it is called) and how to
    follow it again and to end it.
    """
    try:
        return watch(client, deployment_id, sys.stderr if as_json else sys.stdout, tells_the_end=True)
    except (KeyboardInterrupt, Unavailable):
        output.warn(f"\nThe {noun} goes on. To follow it again: headway deployments logs -f {deployment_id}")
        output.warn(f"To end it: headway deployments cancel {deployment_id}")
        raise


def tail_offset(client: Client, deployment_id: str, lines: int) -> int:
    """At which byte of its log the last so many of the lines begin that it has now."""
    total = client.get("deployment.lines", deploymentId=deployment_id, count=1)["total"]
    if total <= lines:
        return 0
    rows = client.get("deployment.lines", deploymentId=deployment_id, count=1, **{"from": total - lines + 1})["rows"]
    return int(rows[0]["offset"]) if rows else 0  # none: it was begun anew meanwhile


def watch(
    client: Client, deployment_id: str, stream: TextIO | None = None, *, start: int = 0, tells_the_end: bool = False
) -> Mapping[str, Any]:
    """Shows a deployment from a byte of its log until its end; the row as it then is. Whoever ``tells_the_end`` in
    words of its own, the row's error and the address among them, has the log's last sentence left out where it says no
    more than that.
    """
    stream = stream or sys.stdout
    screen = Screen.on(stream, holds_closing=tells_the_end)
    waits = threading.Timer(_SECONDS_UNTIL_TOLD_TO_WAIT, lambda: screen.note("waiting in the queue"))
    try:
        with _ticking(screen.tick, wanted=output.takes_back(stream)):
            for event in client.follow(deployment_id, start):
                if not (event.kind == "status" and json.loads(event.data)["status"] == "pending"):
                    waits.cancel()
                elif waits.ident is None:
                    waits.start()
                screen.show(event)
        row: Mapping[str, Any] = client.get("deployment.one", deploymentId=deployment_id)
        screen.drop_closing(row)
    finally:
        waits.cancel()
        screen.finish()
    return row


def relay(client: Client, deployment_id: str, start: int = 0) -> Mapping[str, Any]:
    """Passes a deployment's events on to a program, one JSON object to a line; the row at its end."""
    for event in client.follow(deployment_id, start):
        data = json.loads(event.data) if event.data else None
        output.say(json.dumps({"event": event.kind, "offset": event.id, "data": data}, ensure_ascii=False))
    row: Mapping[str, Any] = client.get("deployment.one", deploymentId=deployment_id)
    return row


class Screen:
    """Writes the log with a heading where each step began, which is never within a line. What a broken connection
    brings again is written once. ``steers``: a terminal reads it; ``colours``: what is ours may have some.
    """

    def __init__(self, stream: TextIO, *, colours: bool, steers: bool, holds_closing: bool = False) -> None:
        self._stream = stream
        self._colours = colours
        self._steers = steers
        self._holds_closing = holds_closing
        self._held = b""
        self._screened = Screened()
        self._at_line_start = True
        self._within_line = False
        self._offset = 0
        self._known: set[str] = set()
        self._headings: list[tuple[int, str]] = []
        self._lock = threading.RLock()
        self._under_way: tuple[str, float] | None = None
        self._ticked = False

    @classmethod
    def on(cls, stream: TextIO, *, holds_closing: bool) -> Self:
        """One that suits the stream."""
        return cls(stream, colours=output.has_colours(stream), steers=stream.isatty(), holds_closing=holds_closing)

    def show(self, event: Event) -> None:
        """Writes what an event has for a reader."""
        with self._lock:
            match event.kind:
                case "step":
                    self._step(json.loads(event.data))
                case "log":
                    self._log(json.loads(event.data).encode(), int(event.id or 0))
                case _:
                    pass

    def note(self, text: str) -> None:
        """Writes a line of our own."""
        with self._lock:
            self._end_line()
            self._write(f"{text}\n".encode())

    def tick(self) -> None:
        """Brings the last line up to date: the step that is under way, and for how long. Never in the middle of a line
        of the log.
        """
        with self._lock:
            if self._under_way is None or not self._at_line_start:
                return
            name, since = self._under_way
            told = f"{name} … {output.rounded(time.monotonic() - since)}"
            told = told[: shutil.get_terminal_size().columns - 1]
            self._stream.write(_ERASE_LINE + (f"\x1b[2m{told}\x1b[0m" if self._colours else told))
            self._stream.flush()
            self._ticked = True

    def finish(self) -> None:
        """Writes what was held, and ends the last line should the log not have."""
        with self._lock:
            self._under_way = None
            self._holds_closing, held, self._held = False, self._held, b""
            self._show(held)
            self._write(self._screened.rest().encode())
            self._write_headings(None)
            self._end_line()
            self._erase()

    def drop_closing(self, row: Mapping[str, Any] | None = None) -> None:
        """Leaves out the held end of the log where the row says the same: why it ended, or that it serves. Without a
        row, whatever it says.
        """
        with self._lock:
            if row is None:
                self._held = b""
                return
            held, message = b" ".join(self._held.split()), " ".join((row.get("errorMessage") or "").split())
            if (message and message.encode() in held) or _SERVES.fullmatch(held):
                self._held = b""

    def _step(self, step: Mapping[str, Any]) -> None:
        name = str(step["name"])
        if name not in self._known:
            self._known.add(name)
            self._headings.append((int(step.get("logOffset") or 0), name))
            self._under_way = (output.clean(name), time.monotonic() - _seconds_since(step.get("startedAt")))
            self._write_headings(self._offset)
        if step.get("finishedAt") and self._under_way is not None and self._under_way[0] == output.clean(name):
            self._under_way = None
            self._erase()

    def _log(self, text: bytes, end: int) -> None:
        start = end - len(text)
        while self._headings and self._headings[0][0] < end:
            cut = self._next_line(text, max(0, self._headings[0][0] - start))
            if cut is None:
                break
            self._show(text[:cut])
            text, start = text[cut:], start + cut
            self._write_headings(start)
        self._show(text)
        self._offset = end
        self._write_headings(end)

    def _next_line(self, text: bytes, place: int) -> int | None:
        """Where the next line begins from a place in a piece of the log on, None where none does in it."""
        if text[place - 1 : place] == b"\n" or (place == 0 and not self._within_line):
            return place
        return text.find(b"\n", place) + 1 or None

    def _write_headings(self, until: int | None) -> None:
        """The headings up to an offset of the log, unless that is within a line; None: all."""
        while self._headings and (until is None or (self._headings[0][0] <= until and not self._within_line)):
            self._write(self._screened.rest().encode())
            self._end_line()
            heading = f"==> {output.clean(self._headings.pop(0)[1])}"
            self._write((f"\x1b[1m{heading}\x1b[0m\n" if self._colours else f"{heading}\n").encode())

    def _show(self, text: bytes) -> None:
        """Writes a piece of the log: as it is where a program reads it, and without what would steer a terminal."""
        text = self._released(text)
        self._write(self._screened.feed(text.decode(errors="replace")).encode() if self._steers else text)
        if text:
            self._within_line = not text.endswith(b"\n")

    def _released(self, text: bytes) -> bytes:
        """What of a piece of the log may be written now: all but what may be the sentence that it ends with."""
        if not self._holds_closing:
            return text
        text, self._held = self._held + text, b""
        found = [each.start() for each in _CLOSING.finditer(text) if each.start() or not self._within_line]
        at = found[-1] if found else self._begins_to_close(text)
        if at is not None and len(text) - at < _LONGEST_CLOSING:
            text, self._held = text[:at], text[at:]
        return text

    def _begins_to_close(self, text: bytes) -> int | None:
        """Where the last line begins, if it may become the sentence that the log ends with."""
        before, line_end, last = text.rpartition(b"\n")
        if not last or (not line_end and self._within_line):
            return None
        may = _DEPLOYMENT.startswith(last) or _PARTLY.fullmatch(last)
        return len(before) + len(line_end) if may else None

    def _end_line(self) -> None:
        if not self._at_line_start:
            self._write(b"\n")

    def _write(self, text: bytes) -> None:
        if text:
            self._erase()
            self._stream.write(text.decode(errors="replace"))
            self._stream.flush()
            self._at_line_start = text.endswith(b"\n")

    def _erase(self) -> None:
        if self._ticked:
            self._stream.write(_ERASE_LINE)
            self._stream.flush()
            self._ticked = False


def _seconds_since(moment: object) -> float:
    """How long ago it was, by this machine's clock; 0 where that cannot be told."""
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(str(moment))).total_seconds())
    except (ValueError, TypeError):
        return 0.0


@contextmanager
def _ticking(tick: Callable[[], None], *, wanted: bool) -> Iterator[None]:
    """Calls ``tick`` every second beside the block, if that is wanted."""
    ended = threading.Event()

    def turn() -> None:
        while not ended.wait(_SECONDS_BETWEEN_TICKS):
            tick()

    thread = threading.Thread(target=turn, daemon=True)
    if wanted:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if wanted:
            thread.join()
