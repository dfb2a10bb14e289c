"""`headway deployments wait`: comes back when a deployment is where it was to get."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from headway.cli import output
from headway.cli.commands.deployments import Identifier
from headway.cli.options import AsJson
from headway.cli.session import Session
from headway.cli.statuses import Status

_A_DAY = 86_400.0


class Until(StrEnum):
    """What is waited for."""

    ENDED = "ended"
    RUNNING = "running"


def wait(
    context: typer.Context,
    identifier: Identifier,
    *,
    until: Annotated[Until, typer.Option(help="Until it runs no more, or until it waits no more.")] = Until.ENDED,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, max=_A_DAY, help="How long at most.", show_default="a day")
    ] = _A_DAY,
    as_json: AsJson = False,
) -> None:
    """Waits for a deployment without showing its log; goes on when the panel restarts.

    Exits with 0 when it is done (or runs, where that was waited for), with 1 when it ended in an error, and with 6
    when the time was up.
    """
    from headway.cli.lookup import deployment_id

    with Session.of(context).client() as client:
        answer = client.wait(deployment_id(client, identifier), until, timeout)
    row = answer["deployment"]
    output.say_json(row) if as_json else output.say(output.state_of(row))
    if row["status"] == "error":
        output.warn(f"headway: {row.get('errorMessage') or 'It ended in an error.'}")
        raise typer.Exit(Status.ERROR)
    if not answer["reached"]:
        raise typer.Exit(Status.TIMED_OUT)
