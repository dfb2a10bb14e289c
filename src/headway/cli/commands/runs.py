"""`headway apps run`: a command inside what serves of an application, and what was run so."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.commands.apps import Named
from headway.cli.commands.deployments import COLUMNS, cells
from headway.cli.options import AsJson
from headway.cli.session import Session
from headway.cli.statuses import Status
from headway.kernel.errors import Unavailable

if TYPE_CHECKING:
    from headway.cli.client import Client

# As shells and timeout(1) have them, for a command that did not end by itself.
_STATUSES: Mapping[str, int] = MappingProxyType({"killed": 137, "cancelled": 130, "timed_out": 124})
_SIGNALLED = 128


def run(
    context: typer.Context,
    application: Named,
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="The program and its arguments; no shell reads them.")
    ],
    *,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=1, help="How long it may take; else as long as a deploy.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What lists call it, in place of the command.")] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Print its id, and let it go on by itself.")] = False,
    as_json: AsJson = False,
) -> None:
    """Runs a command once inside what serves of an application.

    As in: headway apps run shop -- python manage.py migrate. It has the files, variables, account and bounds of what
    serves, and no input. What it writes comes as it is written, on standard output; its exit status is this command's.
    Ctrl-C cancels it. Where it did not end by itself the exit status is 137 (killed), 130 (cancelled), 124 (its time
    was up) or 1. No shell reads the command; a line for one is given as: -- sh -c 'echo $DATA_DIR'
    """
    from headway.cli.lookup import find_application

    with Session.of(context).client() as client:
        given = {"applicationId": find_application(client, application).application_id, "command": command}
        deployment_id = client.start("application.run", given | {"title": title, "timeoutSeconds": timeout})
        if detach:
            output.say_json({"deploymentId": deployment_id}) if as_json else output.say(deployment_id)
            output.warn(f"It goes on by itself. To follow it: headway deployments logs -f {deployment_id}")
            return
        row = _followed(client, deployment_id, as_json=as_json)
    if as_json:
        output.say_json(row)
    if row["status"] != "done":
        output.warn(f"headway: {row.get('errorMessage') or output.state_of(row)}")
        raise typer.Exit(_status(row))


def list_runs(
    context: typer.Context,
    application: Named,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Lists what was run inside an application, the newest first."""
    from headway.cli.lookup import find_application

    with Session.of(context).client() as client:
        application_id = find_application(client, application).application_id
        page = client.get("deployment.search", type="run", id=application_id, limit=limit)
    if as_json:
        output.say_json(page["rows"])
        return
    now = output.now()
    output.say_table(COLUMNS, [cells(row, now) for row in page["rows"]])
    if page["nextCursor"] is not None:
        output.say_rest(limit)


def _followed(client: Client, deployment_id: str, *, as_json: bool) -> Mapping[str, Any]:
    """The row of a run whose output was shown to its end. Whoever breaks off ends it."""
    from headway.cli.run_output import show

    try:
        show(client, deployment_id, sys.stderr if as_json else sys.stdout)
        row: Mapping[str, Any] = client.get("application.readRun", deploymentId=deployment_id)
    except KeyboardInterrupt:
        output.warn("\nCancelling the command; what is to go on without you is run with --detach.")
        client.end("deployment.cancel", deployment_id)
        raise
    except Unavailable:
        output.warn(f"\nThe command goes on. To follow it: headway deployments logs -f {deployment_id}")
        output.warn(f"To end it: headway deployments cancel {deployment_id}")
        raise
    return row


def _status(row: Mapping[str, Any]) -> int:
    told = row["exitStatus"]
    if told is None:
        return _STATUSES.get(str(row.get("reason")), Status.ERROR)
    return int(told) if told > 0 else _SIGNALLED - int(told)
