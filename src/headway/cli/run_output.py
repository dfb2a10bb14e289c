"""Shows what the command of a run writes, and nothing else of its log."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TextIO

from headway.cli import output
from headway.cli.client import Client
from headway.cli.follower import Screen
from headway.cli.sse import Event

_STEP, _END = "command", "end"
_SECONDS_UNTIL_TOLD_TO_WAIT = 1.0


def show(client: Client, deployment_id: str, stream: TextIO) -> None:
    """Writes it as it comes, until the run has ended."""
    screen = Screen.on(stream, holds_closing=True)
    waits = threading.Timer(_SECONDS_UNTIL_TOLD_TO_WAIT, lambda: output.warn("waiting in the queue"))
    waits.daemon = True
    part = _Part()
    try:
        for event in client.follow(deployment_id):
            match event.kind:
                case "status" if json.loads(event.data)["status"] != "pending":
                    waits.cancel()
                case "status" if waits.ident is None:
                    waits.start()
                case "step":
                    part.note(json.loads(event.data))
                case "log" if (within := part.within(event)) is not None:
                    screen.show(within)
                case _:
                    pass
        if not part.has_ended:
            screen.drop_closing()
    finally:
        waits.cancel()
        screen.finish()


class _Part:
    """Which part of the log is the command's: from where its step began to where the next one did. A step is told
    before what is said in it.
    """

    def __init__(self) -> None:
        self._from: int | None = None
        self._to: int | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it is known where it ends: where the run was ended, the log's last sentence follows."""
        return self._to is not None

    def note(self, step: dict[str, object]) -> None:
        offset = int(str(step.get("logOffset") or 0))
        if step["name"] == _STEP:
            self._from = offset
        elif step["name"] == _END:
            self._to = offset

    def within(self, event: Event) -> Event | None:
        """What of a piece of the log lies within; None where nothing does."""
        if self._from is None:
            return None
        text, end = json.loads(event.data).encode(), int(event.id or 0)
        start = end - len(text)
        until = end if self._to is None else min(end, self._to)
        text = text[max(0, self._from - start) : max(0, until - start)]
        return replace(event, data=json.dumps(text.decode(errors="replace"))) if text else None
