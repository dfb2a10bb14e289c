"""`headway deployments`: lists, shows, follows, ends and removes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.answers import answers_of
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.cli.statuses import Status

if TYPE_CHECKING:
    from headway.cli.client import Client

Identifier = Annotated[str, typer.Argument(metavar="ID", help="A deployment's id, or the beginning of it.")]

_TAIL = 1_000
_LONGEST_TAIL = 10_000
_SUBJECTS = ("application", "compose", "database", "server")
_BY_WISH = frozenset({"killed", "cancelled", "superseded"})
COLUMNS = (
    Column(title="ID", whole=True),
    Column(title="APPLICATION", most=16),
    Column(title="STATUS", whole=True, states=True),
    Column(title="TITLE"),
    Column(title="AGE", whole=True, right=True),
    Column(title="TOOK", whole=True, right=True),
)


def list_deployments(
    context: typer.Context,
    *,
    application: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only those of one application, by name or id.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Lists deployments, the newest first."""
    with Session.of(context).client() as client:
        rows = _rows(client, application)
    if as_json:
        output.say_json(rows[:limit])
        return
    now = output.now()
    output.say_table(COLUMNS, [cells(row, now) for row in rows[:limit]])
    if len(rows) > limit:
        output.say_rest(limit, len(rows))


def show(context: typer.Context, identifier: Identifier, *, as_json: AsJson = False) -> None:
    """Shows one deployment: how it stands, why it ended, and its steps."""
    with Session.of(context).client() as client:
        row = client.get("deployment.one", deploymentId=_whole(client, identifier))
    if as_json:
        output.say_json(row)
        return
    output.say_fields(_fields(row))
    if row.get("steps"):
        output.say()
        output.say_table(
            (Column(title="STEP"), Column(title="TOOK", whole=True, right=True)),
            [(step["name"], _step_time(step)) for step in row["steps"]],
        )


def logs(
    context: typer.Context,
    identifier: Identifier,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until the deployment ends.")] = False,
    tail: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=_LONGEST_TAIL,
            help=f"How many lines, from the end: {_TAIL}, and with --follow all.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prints the log of a deployment.

    With --follow it exits with 0 when the deployment is done and 1 when it ended in an error. With both --follow and
    --json each event (log, step, status, end) is a line of its own.
    """
    with Session.of(context).client() as client:
        deployment_id = _whole(client, identifier)
        if not follow:
            text = client.get("deployment.readLogs", deploymentId=deployment_id, tail=tail or _TAIL)
            output.say_json({"deploymentId": deployment_id, "log": text}) if as_json else output.say_text(text)
            return
        from headway.cli.follower import relay, tail_offset, watch

        start = 0 if tail is None else tail_offset(client, deployment_id, tail)
        row = relay(client, deployment_id, start) if as_json else watch(client, deployment_id, start=start)
        if row["status"] != "done":
            raise typer.Exit(Status.ERROR)


def cancel(context: typer.Context, identifier: Identifier, *, as_json: AsJson = False) -> None:
    """Cancels a deployment: its commands are asked to end and get some seconds for it."""
    _end(context, identifier, "deployment.cancel", as_json=as_json)


def kill(context: typer.Context, identifier: Identifier, *, as_json: AsJson = False) -> None:
    """Kills a deployment: returns when no process of it is left."""
    _end(context, identifier, "deployment.killProcess", as_json=as_json)


def remove(context: typer.Context, identifier: Identifier, *, as_json: AsJson = False) -> None:
    """Removes the record and the log of a deployment that has ended; what it deployed serves on."""
    with Session.of(context).client() as client:
        deployment_id = _whole(client, identifier)
        row = client.post("deployment.removeDeployment", {"deploymentId": deployment_id})
    output.say_json(row) if as_json else output.say(f"{deployment_id} is removed")


def _end(context: typer.Context, identifier: str, procedure: str, *, as_json: bool) -> None:
    with Session.of(context).client() as client:
        deployment_id = _whole(client, identifier)
        client.end(procedure, deployment_id)
        row = client.get("deployment.one", deploymentId=deployment_id)
    output.say_json(row) if as_json else output.say(f"{deployment_id} {_ended(row)}")


def _ended(row: Mapping[str, Any]) -> str:
    """How what was to be ended has ended, which may have been otherwise a moment before."""
    state = output.state_of(row)
    if state in _BY_WISH:
        return f"is {state}"
    why = f": {output.clean(row['errorMessage'])}" if row.get("errorMessage") else ""
    return f"had ended before that ({state}){why}"


def cells(row: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    """What a table shows of a deployment."""
    return (
        row["deploymentId"],
        _name(row),
        output.state_of(row),
        row["title"],
        output.age_of(row, now),
        output.time_of(row, now),
    )


def _rows(client: Client, application: str | None) -> list[Mapping[str, Any]]:
    from headway.cli.lookup import find_application

    if application is None:
        return list(client.get("deployment.allCentralized"))
    place = find_application(client, application)
    rows = client.get("deployment.all", applicationId=place.application_id)
    return [{**row, "application": {"name": place.name}} for row in rows]


def _whole(client: Client, identifier: str) -> str:
    from headway.cli.lookup import deployment_id

    return deployment_id(client, identifier)


def _name(row: Mapping[str, Any]) -> str:
    subject: Mapping[str, Any] = next(filter(None, (row.get(each) for each in _SUBJECTS)), {})
    return str(subject.get("name") or "")


def _fields(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    now = output.now()
    commit = row.get("commit") or {}
    yield "ID", row["deploymentId"]
    yield "Title", row["title"]
    yield "Description", row.get("description") or ""
    yield "Status", row["status"]
    yield "Waits for", (row.get("waitsFor") or {}).get("message") or ""
    yield "Reason", row.get("reason") or ""
    yield "Error", row.get("errorMessage") or ""
    yield "Unstable", "its release has crashed since" if row.get("unstable") else ""
    yield "Answered", answers_of(row)
    yield "Commit", " ".join(filter(None, (commit.get(part) for part in ("hash", "branch", "author"))))
    yield "Asked for by", _asker(row)
    yield "Created", f"{row['createdAt']} ({output.age_of(row, now)} ago)"
    yield "Took", output.time_of(row, now)
    yield "Left", _left(row.get("rollback"))
    yield "Process", row.get("pid") or ""
    yield "End asked for", row.get("killRequestedAt") or ""
    yield "Out of reach", row.get("outOfReachSince") or ""
    yield "Application", row.get("applicationId") or ""
    yield "Compose", row.get("composeId") or ""
    yield "Database", row.get("databaseId") or ""
    yield "Log", row["logPath"]


def _left(left: Mapping[str, Any] | None) -> str:
    from headway.cli.commands.rollback import usability

    if left is None:
        return ""
    back = f"; rolled back by {left['rolledBackBy']}" if left["rolledBackBy"] else ""
    return f"version {left['version']}, to go back to: {usability(left)}{back}"


def _asker(row: Mapping[str, Any]) -> str:
    by = row.get("triggeredBy") or {}
    key = f", key {by['apiKeyName']}" if by.get("apiKeyName") else ""
    return f"{by.get('name') or by.get('userId') or 'nobody'}{key} ({row.get('trigger')})"


def _step_time(step: Mapping[str, Any]) -> str:
    milliseconds = step.get("durationMs")
    return "running" if milliseconds is None else output.exact(milliseconds / 1000)
