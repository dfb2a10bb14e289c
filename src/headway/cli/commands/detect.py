"""`headway apps detect`: what a deploy would build and start, before it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from headway.cli import output
from headway.cli.build_options import Detection, rules_of
from headway.cli.build_summary import chosen
from headway.cli.commands.apps import Named
from headway.cli.options import AsJson
from headway.cli.session import Session
from headway.cli.statuses import Status


def detect(
    context: typer.Context,
    application: Named,
    *,
    build_command: Annotated[str | None, typer.Option(metavar="LINE", help="Tries this build command.")] = None,
    start_command: Annotated[str | None, typer.Option(metavar="LINE", help="Tries this start command.")] = None,
    publish: Annotated[str | None, typer.Option(metavar="FOLDER", help="Tries this publish directory.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Tries this port.")] = None,
    detection: Detection = None,
    as_json: AsJson = False,
) -> None:
    """Shows what a deploy would build of an application and start, and why; nothing is deployed or kept.

    Exits with 1 where a deploy would find no way to build it.
    """
    from headway.cli.lookup import find_application

    tried = {"buildCommand": build_command, "startCommand": start_command, "publishDirectory": publish, "port": port}
    tried["detection"] = None if detection is None else rules_of(detection)
    with Session.of(context).client() as client:
        application_id = find_application(client, application).application_id
        row = client.detect(application_id, {name: value for name, value in tried.items() if value is not None})
    output.say_json(row) if as_json else output.say_fields(_fields(row))
    if row["problem"] is not None:
        raise typer.Exit(Status.ERROR)


def _fields(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    commit = row["commit"]
    yield "Commit", f"{commit['hash'][:12]} {commit['message']}".strip()
    yield "Problem", row["problem"] or ""
    yield "Language", row["language"] or ""
    yield from chosen(row)
    for phase in row["phases"]:
        yield f"Build: {phase['name']}", phase["command"]
    yield "Release command", row["releaseCommand"] or ""
    for process in row["processes"]:
        times = "" if process["scale"] == 1 else f"{process['scale']} times "
        yield f"Start: {process['name']}", f"{times}{process['command']}"
    yield "Files served", " ".join(row["staticFolders"])
    yield "Port", str(row["port"] or "") if row["takesRequests"] else "none, it takes no requests"
