"""`headway apps exec`, `headway composes exec`: a command inside what runs now."""

from __future__ import annotations

from typing import Annotated

import typer

from headway.cli.commands import apps, composes
from headway.cli.session import Session

Command = Annotated[
    list[str], typer.Argument(metavar="COMMAND", help="The program and its arguments; no shell reads them.")
]
Terminal = Annotated[
    bool | None,
    typer.Option("--terminal/--no-terminal", "-t/-T", help="Give it a terminal; default: where this is one."),
]


def carry_out(
    context: typer.Context,
    application: apps.Named,
    command: Command,
    *,
    process: Annotated[
        str | None, typer.Option(metavar="NAME", help="Inside which process of it, as worker or web.2; default: web.")
    ] = None,
    terminal: Terminal = None,
) -> None:
    """Carries a command out inside a process that runs now, and ends it with you.

    As in: headway apps exec shop -- sh. It has the files as the process has changed them, its variables, account and
    bounds; what is given on standard input it reads, and its exit status is this command's (128 and the number of the
    signal that ended it). It ends with this command, with the process, and when nothing was written to or fro for half
    an hour. What is to go on without you is for: headway apps run.
    """
    from headway.cli.console import Console
    from headway.cli.lookup import find_application

    session = Session.of(context)
    with session.client() as client:
        console = Console.of(terminal=terminal)
        given = {
            "applicationId": find_application(client, application).application_id,
            "command": command,
            **console.asked,
        }
        answer = client.post("application.exec", given | ({} if process is None else {"process": process}))
    raise typer.Exit(console.hold(session.target(), str(answer["path"])))


def carry_out_in_compose(
    context: typer.Context,
    compose: composes.Named,
    service: Annotated[
        str, typer.Argument(metavar="SERVICE", help="Inside which of its services, as its file has it.")
    ],
    command: Command,
    *,
    terminal: Terminal = None,
) -> None:
    """Carries a command out inside a container of a compose service, and ends it with you.

    As in: headway composes exec shop db -- psql -U shop. It is in the newest container of that service, with the
    variables and bounds of it; what is given on standard input it reads, and its exit status is this command's (128 and
    the number of the signal that ended it). It ends with this command, with the container, and when nothing was written
    to or fro for half an hour.
    """
    from headway.cli.console import Console

    session = Session.of(context)
    with session.client() as client:
        console = Console.of(terminal=terminal)
        given = {
            "composeId": composes.find_compose(client, compose).compose_id,
            "serviceName": service,
            "command": command,
        }
        answer = client.post("compose.exec", given | dict(console.asked))
    raise typer.Exit(console.hold(session.target(), str(answer["path"])))
