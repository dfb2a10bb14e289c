"""`headway machine`: whose the machine is, and to which organisations it was given."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.errors import NotFound

if TYPE_CHECKING:
    from headway.cli.client import Client

Row = Mapping[str, Any]
Named = Annotated[str, typer.Argument(metavar="ORGANISATION", help="Its name or its id.")]


class Least(StrEnum):
    """The lowest role that may use the machine."""

    OWNER = "owner"
    ADMIN = "admin"


def show(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Shows who may use the machine: of every organisation where it is yours to give, else of your own."""
    with Session.of(context).client() as client:
        rows: list[Row] = client.get("organization.machine")
    if as_json:
        output.say_json(rows)
        return
    output.say_table(
        (
            Column(title="ORGANISATION"),
            Column(title="MACHINE"),
            Column(title="GIVEN BY"),
            Column(title="ID", whole=True),
        ),
        [(each["name"], _whom(each), each["grantedBy"] or "", each["organizationId"]) for each in rows],
    )


def grant(
    context: typer.Context,
    organization: Named,
    *,
    least: Annotated[Least, typer.Option(help="The lowest role that may use it there.")] = Least.OWNER,
    as_json: AsJson = False,
) -> None:
    """Gives the machine to an organisation: who may use it there is as good as root on it."""
    with Session.of(context).client() as client:
        given = {"organizationId": _find(client, organization)["organizationId"], "least": least.value}
        made: Row = client.post("organization.grantMachine", given)
    _say(made, as_json=as_json)


def withdraw(context: typer.Context, organization: Named, *, as_json: AsJson = False) -> None:
    """Takes the machine back: what runs with it goes on, and is not started again."""
    with Session.of(context).client() as client:
        found = _find(client, organization)["organizationId"]
        made: Row = client.post("organization.withdrawMachine", {"organizationId": found})
    _say(made, as_json=as_json)


def _say(row: Row, *, as_json: bool) -> None:
    if as_json:
        output.say_json(row)
    else:
        output.say(f"{output.clean(row['name'])}: {_whom(row)}")


def _whom(row: Row) -> str:
    whom = {"owner": "its owners", "admin": "its owners and admins", None: "nobody"}[row["least"]]
    return f"{whom}, as the first organisation" if row["owns"] else whom


def _find(client: Client, wanted: str) -> Row:
    rows: list[Row] = client.get("organization.machine")
    found = [each for each in rows if wanted in {each["organizationId"], each["name"]}]
    if len(found) != 1:
        why = "several organisations are" if found else "no organisation that you may give the machine to is"
        raise NotFound(f"{why.capitalize()} called {wanted!r}; headway machine show lists them with their ids.")
    return found[0]
