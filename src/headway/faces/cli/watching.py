"""Follows a deployment on the terminal: its log as it comes, a heading for each step where it began, and its end."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from typing import Any, TextIO

from headway.faces.cli import output
from headway.faces.cli.client import Client
from headway.faces.cli.sse import Event

_SECONDS_UNTIL_TOLD_TO_WAIT = 1.0


def watch(client: Client, deployment_id: str) -> Mapping[str, Any]:
    """Shows a deployment until its end; the row as it then is."""
    screen = Screen(sys.stdout, colours=output.is_terminal())
    waits = threading.Timer(_SECONDS_UNTIL_TOLD_TO_WAIT, output.say, ("waiting in the queue",))
    try:
        for event in client.follow(deployment_id):
            if not (event.kind == "status" and json.loads(event.data)["status"] == "pending"):
                waits.cancel()
            elif waits.ident is None:
                waits.start()
            screen.show(event)
    finally:
        waits.cancel()
        screen.finish()
    row: Mapping[str, Any] = client.get("deployment.one", deploymentId=deployment_id)
    return row


class Screen:
    """Writes the log with the steps' headings at the bytes where they began, in whatever order the two arrive. What a
    broken connection brings again is written once.
    """

    def __init__(self, stream: TextIO, *, colours: bool) -> None:
        self._stream = stream
        self._colours = colours
        self._at_line_start = True
        self._offset = 0
        self._known: set[str] = set()
        self._headings: list[tuple[int, str]] = []

    def show(self, event: Event) -> None:
        """Writes what an event has for a reader."""
        match event.kind:
            case "step":
                self._step(json.loads(event.data))
            case "log":
                self._log(json.loads(event.data).encode(), int(event.id or 0))
            case _:
                pass

    def finish(self) -> None:
        """Writes what was held, and ends the last line should the log not have."""
        self._write_headings(None)
        self._end_line()

    def _step(self, step: Mapping[str, Any]) -> None:
        name = str(step["name"])
        if name not in self._known:
            self._known.add(name)
            self._headings.append((int(step.get("logOffset") or 0), name))
            self._write_headings(self._offset)

    def _log(self, text: bytes, end: int) -> None:
        start = end - len(text)
        while self._headings and self._headings[0][0] < end:
            cut = max(0, self._headings[0][0] - start)
            self._write(text[:cut])
            text, start = text[cut:], start + cut
            self._write_headings(start)
        self._write(text)
        self._offset = end
        self._write_headings(end)

    def _write_headings(self, until: int | None) -> None:
        """The headings up to an offset of the log; None: all."""
        while self._headings and (until is None or self._headings[0][0] <= until):
            self._end_line()
            heading = f"==> {output.clean(self._headings.pop(0)[1])}"
            self._write((f"\x1b[1m{heading}\x1b[0m\n" if self._colours else f"{heading}\n").encode())

    def _end_line(self) -> None:
        if not self._at_line_start:
            self._write(b"\n")

    def _write(self, text: bytes) -> None:
        if text:
            self._stream.write(text.decode(errors="replace"))
            self._stream.flush()
            self._at_line_start = text.endswith(b"\n")
