"""`headway audit`: who has changed what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session

_MOST = 500


def audit(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="At most so many rows.")] = 50,
    action: Annotated[
        str | None, typer.Option(metavar="ACTION", help="create, update, delete, deploy, redeploy or cancel.")
    ] = None,
    procedure: Annotated[
        str | None, typer.Option(metavar="NAME", help="One procedure of the API: application.deploy.")
    ] = None,
    subject: Annotated[str | None, typer.Option(metavar="ID", help="What was changed, by its id.")] = None,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="What was changed, by a part of its name.")] = None,
    user: Annotated[str | None, typer.Option(metavar="MAIL", help="Who changed it, by the mail address.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="From then on: 2026-01-31.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Up to then.")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows who has changed what, newest first, with which key."""
    given = {
        "limit": limit,
        "action": action,
        "procedure": procedure,
        "resourceId": subject,
        "resourceName": name,
        "userEmail": user,
        "from": since,
        "to": until,
    }
    with Session.of(context).client() as client:
        found = client.get("auditLog.all", **{field: value for field, value in given.items() if value is not None})
    if as_json:
        output.say_json(found)
        return
    _show(found["logs"])
    if found["total"] > len(found["logs"]):
        output.say_rest(len(found["logs"]), found["total"], most=_MOST)


def _show(rows: Sequence[Mapping[str, Any]]) -> None:
    output.say_table(
        (
            Column(title="WHEN (UTC)", whole=True),
            Column(title="WHO"),
            Column(title="KEY"),
            Column(title="WHAT"),
            Column(title="OF"),
        ),
        [
            (
                row["createdAt"][:19].replace("T", " "),
                row["userEmail"] or row["userName"],
                row["apiKeyName"] or f"({row['credential']})",
                row["procedure"],
                row["resourceName"] or row["resourceId"] or "",
            )
            for row in rows
        ],
    )
