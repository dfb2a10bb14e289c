"""Follows a deployment on the terminal: its log as it comes, its steps, and its end."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from headway.faces.cli import output
from headway.faces.cli.client import Client
from headway.faces.cli.sse import Event


class Screen:
    """Writes events in their order; what a broken connection brings again is written once."""

    def __init__(self) -> None:
        self._at_line_start = True
        self._seen: set[tuple[str, str]] = set()

    def show(self, event: Event) -> None:
        """Writes what an event has for a reader."""
        match event.kind:
            case "log":
                self._write(json.loads(event.data))
            case "step":
                self._step(json.loads(event.data))
            case "status":
                self._status(json.loads(event.data))
            case _:
                pass

    def finish(self) -> None:
        """Ends the last line, should the log not have."""
        if not self._at_line_start:
            self._write("\n")

    def _step(self, step: Mapping[str, Any]) -> None:
        begins = not step.get("finishedAt")
        name = str(step["name"])
        if begins and ("begin", name) not in self._seen:
            self._seen.add(("begin", name))
            self._line(f"==> {output.clean(name)}")
        elif not begins and ("end", name) not in self._seen:
            self._seen |= {("begin", name), ("end", name)}

    def _status(self, status: Mapping[str, Any]) -> None:
        if status["status"] == "pending" and ("status", "pending") not in self._seen:
            self._seen.add(("status", "pending"))
            self._line("waiting in the queue")

    def _line(self, text: str) -> None:
        self.finish()
        self._write(f"\x1b[1m{text}\x1b[0m\n" if output.is_terminal() else f"{text}\n")

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self._at_line_start = text.endswith("\n")


def watch(client: Client, deployment_id: str) -> Mapping[str, Any]:
    """Shows a deployment until its end; the row as it then is."""
    screen = Screen()
    try:
        for event in client.follow(deployment_id):
            screen.show(event)
    finally:
        screen.finish()
    row: Mapping[str, Any] = client.get("deployment.one", deploymentId=deployment_id)
    return row
