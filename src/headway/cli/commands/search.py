"""`headway deployments search`: finds deployments by what is known of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.commands.deployments import COLUMNS, cells
from headway.cli.options import AsJson
from headway.cli.session import Session
from headway.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from headway.cli.client import Client

_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS: Mapping[str, str] = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOST_OF_A_PAGE = 1_000
_STATUSES = ("pending", "running", "done", "error")


def search(
    context: typer.Context,
    text: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORD]...",
            help="Each must stand in title, description, error, or the commit's message or hash.",
            show_default=False,
        ),
    ] = None,
    *,
    application: Annotated[str | None, typer.Option(metavar="NAME", help="Of one application, by name or id.")] = None,
    project: Annotated[str | None, typer.Option(metavar="NAME", help="Of one project, by name or id.")] = None,
    environment: Annotated[str | None, typer.Option(metavar="NAME", help="Of one environment, by name or id.")] = None,
    status: Annotated[
        str | None, typer.Option(metavar="WORD", help="pending, running, done, error; by commas.")
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="WORD", help="failed, killed, timed_out, …; by commas.")] = None,
    trigger: Annotated[str | None, typer.Option(metavar="WORD", help="manual, api, webhook, …; by commas.")] = None,
    kind: Annotated[str | None, typer.Option(metavar="NAME", help="Like application.deploy; by commas.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="From then on: 2h, 3d, or a date or time.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before then, likewise.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")] = 20,
    count: Annotated[bool, typer.Option("--count", help="Only say how many there are, by status.")] = False,
    as_json: AsJson = False,
) -> None:
    """Finds deployments of every type, the newest first."""
    with Session.of(context).client() as client:
        query = {
            "text": " ".join(text or ()),
            "status": status,
            "reason": reason,
            "trigger": trigger,
            "kind": kind,
            "from": _moment("--since", since),
            "to": _moment("--until", until),
            **_places(client, application, project, environment),
        }
        given = {name: value for name, value in query.items() if value}
        if count:
            _say_counts(client.get("deployment.search", **given, counts="true", limit=1)["counts"], as_json=as_json)
            return
        rows, more = found(client, given, limit)
    if as_json:
        output.say_json(rows)
        return
    now = output.now()
    output.say_table(COLUMNS, [cells(row, now) for row in rows])
    if more:
        output.say_rest(len(rows))


def found(client: Client, given: Mapping[str, str], limit: int) -> tuple[list[Mapping[str, Any]], bool]:
    """The newest matches, however often the panel has to be asked until it has looked far enough; whether there may be
    more.
    """
    rows: list[Mapping[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("deployment.search", **given, **cursor, limit=min(limit - len(rows), _MOST_OF_A_PAGE))
        rows += page["rows"]
        if page["nextCursor"] is None or len(rows) >= limit:
            return rows, page["nextCursor"] is not None
        cursor = {"cursor": page["nextCursor"]}


def _places(client: Client, application: str | None, project: str | None, environment: str | None) -> dict[str, str]:
    from headway.cli import lookup

    if application is not None:
        return {"type": "application", "id": lookup.find_application(client, application, project).application_id}
    if environment is not None:
        return {"environmentId": lookup.find_environment(client, environment, project)}
    return {"projectId": lookup.find_project(client, project)["projectId"]} if project is not None else {}


def _moment(option: str, given: str | None) -> str | None:
    if given is None:
        return None
    if ago := _AGO.fullmatch(given):
        return (output.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})).isoformat()
    try:
        return output.moment(given).astimezone().isoformat()  # without an offset it is meant as the clock here shows it
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{option}: {given!r} is not possible; it takes 90m, 2h, 3d, 1w, or 2026-11-24T18:30."
        ) from None


def _say_counts(counts: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.say_json(counts)
        return
    many = "at least " if counts["atLeast"] else ""
    output.say(f"{many}{sum(counts[status] for status in _STATUSES)}")
    output.say_fields((status, str(counts[status])) for status in _STATUSES if counts[status])
