"""Follows what an application writes: each line under the name of its process, without what would steer a terminal."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, TextIO

from headway.cli import output
from headway.cli.client import Client
from headway.cli.terminal import Screened
from headway.kernel.errors import Unavailable

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SHORTEST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0
_NEWS: Mapping[str, str] = MappingProxyType(
    {
        "serves": "==> The release of deployment {deployment} serves",
        "ended": "==> The release of deployment {deployment} has ended",
        "lost": "==> Output was rotated away before it was read",
    }
)


def show_output(
    client: Client, application_id: str, name: str, wanted: Mapping[str, str | float], *, as_json: bool
) -> None:
    """Shows what an application writes until somebody breaks off; with ``as_json`` an object to a line."""
    writer = Writer(sys.stdout, steers=sys.stdout.isatty())
    waits = True
    for items in _read(client, application_id, wanted):
        if waits and not items:
            output.warn(f"{name} has written nothing yet")
        waits = False
        for item in items:
            if as_json:
                print(json.dumps(item, ensure_ascii=False), flush=True)  # noqa: T201 - what a command line is for
            elif item["kind"] == "output":
                writer.show((item["releaseId"], item["process"]), item["text"])
            else:
                writer.end_line()
                output.warn(_NEWS[item["kind"]].format(deployment=item["deploymentId"]))


def _read(client: Client, application_id: str, wanted: Mapping[str, str | float]) -> Iterator[list[Mapping[str, Any]]]:
    """The items as they come. A panel that is away is asked again for a minute; nothing is lost meanwhile."""
    given = dict(wanted)
    pause, deadline = _SHORTEST_PAUSE_SECONDS, time.monotonic() + _PATIENCE_SECONDS
    while True:
        more = False
        try:
            answer = client.get("application.readOutput", applicationId=application_id, **given)
        except Unavailable:
            if time.monotonic() > deadline:
                raise
        else:
            given, more = {"cursor": answer["cursor"]}, answer["more"]
            deadline = time.monotonic() + _PATIENCE_SECONDS
            pause = _SHORTEST_PAUSE_SECONDS if answer["items"] else pause
            yield answer["items"]
        if not more:
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)


class Writer:
    """Writes pieces of several outputs so that each line is of one. ``steers``: a terminal reads it."""

    def __init__(self, stream: TextIO, *, steers: bool) -> None:
        self._stream = stream
        self._steers = steers
        self._last: tuple[str, str | None] | None = None
        self._at_line_start = True
        self._screened: dict[tuple[str, str | None], Screened] = {}

    def show(self, origin: tuple[str, str | None], text: str) -> None:
        """Writes a piece of what a process of a release wrote."""
        if self._steers:
            text = self._screened.setdefault(origin, Screened()).feed(text)
        if origin != self._last:
            self.end_line()
            self._last = origin
        name = output.clean(origin[1]) if origin[1] is not None else None
        for line in _LINE.findall(text):
            lead = f"{name} | " if name is not None and self._at_line_start else ""
            self._stream.write(lead + line)
            self._at_line_start = line.endswith("\n")
        self._stream.flush()

    def end_line(self) -> None:
        """Ends a line that its process has left open."""
        if not self._at_line_start:
            self._stream.write("\n")
            self._stream.flush()
            self._at_line_start = True
