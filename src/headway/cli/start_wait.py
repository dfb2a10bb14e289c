"""What the command line says of a start: only once it is so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from headway.cli import output
from headway.cli.statuses import Status

StartWait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it serves, or say that it was asked to.")]

_PAUSE = 0.2


def say_started(
    name: str, look: Callable[[], Mapping[str, Any]], state: str, *, wait: bool, logs: str, as_json: bool
) -> None:
    """Waits until the status called ``state`` of the row says what the start has come to. Exits with 1 where it does
    not serve; ``logs`` is the command that shows why.
    """
    row = look()
    while wait and row[state] == "running":
        time.sleep(_PAUSE)
        row = look()
    if as_json:
        output.say_json(row)
    if wait and row[state] != "done":
        output.warn(f"headway: {name} was started and does not serve ({row[state]}); {logs} shows what it wrote")
        raise typer.Exit(Status.ERROR)
    if not as_json:
        output.say(f"{name} is {'started' if wait else 'being started'}")
