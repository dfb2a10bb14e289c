"""`headway status`: what serves, since when and from which commit, and what is under way, in one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.dataclass import dataclass
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
_UNDER_WAY = "pending,running"


def status(
    context: typer.Context,
    service: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Only this service, by name or id, in full.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Shows every service: what serves since when from which commit, where it answers, and what is deployed now."""
    from headway.cli.lookup import find_service, services
    from headway.cli.overview import overviews

    with Session.of(context).client() as client:
        found = overviews(client, services(client) if service is None else [find_service(client, service)])
        moving = _Moving.of(client) if service is None else None
    if service is not None and not found:
        raise NotFound(f"{service} was removed meanwhile.")
    if as_json:
        rows = [each.as_json() for each in found]
        output.say_json(rows[0] if moving is None else {"services": rows, **moving.as_json()})
    elif moving is not None:
        _say_all(found, moving)
    else:
        _say_one(found[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moving:
    """The newest of what is under way; ``counts`` says how much that is in all, None where these are all."""

    rows: Sequence[Mapping[str, Any]]
    counts: Mapping[str, Any] | None

    @classmethod
    def of(cls, client: Client) -> Self:
        from headway.cli.commands.search import found

        given = {"status": _UNDER_WAY}
        rows, more = found(client, given, _MOST_UNDER_WAY)
        if not more:
            return cls(rows=rows, counts=None)
        return cls(rows=rows, counts=client.get("deployment.search", **given, counts="true", limit=1)["counts"])

    @property
    def count(self) -> int:
        """How many there are, as far as they were counted; others come and end meanwhile."""
        told = self.counts or {}
        return max(len(self.rows), sum(int(told.get(each, 0)) for each in _UNDER_WAY.split(",")))

    def as_json(self) -> dict[str, Any]:
        return {"underWay": self.rows, "underWayCount": self.count}

    def say(self, now: datetime) -> None:
        from headway.cli.commands import deployments

        output.say_table(deployments.COLUMNS, [deployments.cells(row, now) for row in self.rows])
        if self.counts is not None:
            many = "at least " if self.counts["atLeast"] else ""
            output.warn(
                f"These are the newest {len(self.rows)} of {many}{self.count} under way; 'headway deployments search "
                f"--status {_UNDER_WAY} --limit {self.count}' shows all."
            )


def _say_one(found: Overview) -> None:
    from headway.cli.overview import fields_of

    output.say_fields(fields_of(found, output.now()))


def _say_all(found: list[Overview], moving: _Moving) -> None:
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
    if moving.rows:
        output.say()
        moving.say(now)
