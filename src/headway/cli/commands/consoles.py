"""`headway apps exec`: a command inside what runs now of an application."""

from __future__ import annotations

from typing import Annotated

import typer

from headway.cli.commands.apps import Named
from headway.cli.session import Session


def carry_out(
    context: typer.Context,
    application: Named,
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="The program and its arguments; no shell reads them.")
    ],
    *,
    process: Annotated[
        str | None, typer.Option(metavar="NAME", help="Inside which process of it, as worker or web.2; default: web.")
    ] = None,
    terminal: Annotated[
        bool | None,
        typer.Option("--terminal/--no-terminal", "-t/-T", help="Give it a terminal; default: where this is one."),
    ] = None,
) -> None:
    """Carries a command out inside a process that runs now, and ends it with you.

    As in: headway apps exec shop -- sh. It has the files as the process has changed them, its variables, account and
    bounds; what is given on standard input it reads, and its exit status is this command's (128 and the number of the
    signal that ended it). It ends with this command, with the process, and when nothing was written to or fro for half
    an hour. What is to go on without you is for: headway apps run.
    """
    from headway.cli.console import Console
    from headway.cli.lookup import application as find

    session = Session.of(context)
    with session.client() as client:
        console = Console.of(terminal=terminal)
        given = {"applicationId": find(client, application).application_id, "command": command, **console.asked}
        answer = client.post("application.exec", given | ({} if process is None else {"process": process}))
    raise typer.Exit(console.hold(session.target(), str(answer["path"])))
