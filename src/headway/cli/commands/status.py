"""`headway status`: what serves, since when and from which commit, and what is under way, in one look."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.errors import NotFound

if TYPE_CHECKING:
    from headway.cli.client import Client
    from headway.cli.overview import Overview

_COLUMNS = (
    Column(title="NAME", most=20),
    Column(title="KIND", whole=True),
    Column(title="STATE", whole=True, states=True),
    Column(title="SERVES"),
    Column(title="SINCE", whole=True, right=True),
    Column(title="LAST DEPLOYMENT", most=22),
)
_MOST_UNDER_WAY = 20


def status(
    context: typer.Context,
    service: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only this service, by name or id, in full.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Shows every service: what serves since when from which commit, where it answers, and what is deployed now."""
    from headway.cli.lookup import service as find
    from headway.cli.lookup import services
    from headway.cli.overview import overviews

    with Session.of(context).client() as client:
        found = overviews(client, services(client) if service is None else [find(client, service)])
        moving = _under_way(client) if service is None else []
    if service is not None and not found:
        raise NotFound(f"{service} was removed meanwhile.")
    if as_json:
        rows = [each.as_json() for each in found]
        output.say_json({"services": rows, "underWay": moving} if service is None else rows[0])
    elif service is None:
        _say_all(found, moving)
    else:
        _say_one(found[0])


def _under_way(client: Client) -> list[dict[str, Any]]:
    page = client.get("deployment.search", status="pending,running", limit=_MOST_UNDER_WAY)
    rows: list[dict[str, Any]] = page["rows"]
    return rows


def _say_one(found: Overview) -> None:
    from headway.cli.overview import fields_of

    output.say_fields(fields_of(found, output.now()))


def _say_all(found: list[Overview], moving: list[dict[str, Any]]) -> None:
    from headway.cli.commands import deployments
    from headway.cli.overview import line_of

    now = output.now()
    if not found:
        output.say("Nothing is set up here yet: 'headway deploy FOLDER' deploys a folder or a repository.")
    for number, (project, members) in enumerate(groupby(found, key=lambda each: each.project)):
        inside = list(members)
        if number:
            output.say()
        output.say(f"Project {output.clean(project)}")
        below = [[f"  {output.clean(address)}" for address in each.addresses] for each in inside]
        output.say_table(_COLUMNS, [line_of(each, now) for each in inside], below)
    if moving:
        output.say()
        output.say_table(deployments.COLUMNS, [deployments.cells(row, now) for row in moving])
