"""What the commands about backups of every kind share: finding one by its name, following its runs, what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.statuses import Status
from headway.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from headway.cli.client import Client

Row = Mapping[str, Any]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the run to its end, or print its id.")]
File = Annotated[
    str | None, typer.Option("--file", metavar="PATH", help="Which one, as 'files' shows it; without it the newest.")
]
Cron = Annotated[
    str, typer.Option(metavar="EXPRESSION", help="When it is due, such as '30 4 * * *'; without it, never.")
]
Zone = Annotated[str, typer.Option(metavar="ZONE", help="Such as Europe/Berlin.")]
To = Annotated[
    str | None, typer.Option("--to", metavar="DESTINATION", help="Where it goes; without it, the panel's disk.")
]
Keep = Annotated[int | None, typer.Option(min=1, metavar="N", help="How many are kept; without it, all.")]
KeepDays = Annotated[
    int | None, typer.Option(min=1, metavar="DAYS", help="How long they are kept; without it, for ever.")
]

_MIB = 1 << 20


def find(rows: Sequence[Row], named: str, key: str, what: str) -> Row:
    """The row of that name or id. Raises NotFound, and InvalidInput when several have the name."""
    found = [each for each in rows if each[key] == named] or [each for each in rows if each["name"] == named]
    if not found:
        known = ", ".join(sorted({str(each["name"]) for each in rows})[:8])
        raise NotFound(f"There is no {what} {named}. " + (f"There are: {known}." if known else "There is none yet."))
    if len(found) > 1:
        ids = ", ".join(str(each[key]) for each in found)
        raise InvalidInput(f"Several are named {named}; give an id: {ids}.")
    return found[0]


def service_of(row: Row) -> str:
    """The name of the service that a backup is of, as people know it."""
    known = (
        each["name"] for each in row.values() if isinstance(each, Mapping) and each.get("appName") == row["appName"]
    )
    return str(next(known, row["appName"]))


def destination_of(client: Client, named: str | None) -> str | None:
    """The id of the destination of that name or id. Raises NotFound."""
    if named is None:
        return None
    return str(find(client.get("destination.all"), named, "destinationId", "destination")["destinationId"])


def chosen(files: Sequence[Row], path: str | None) -> Row:
    """The kept file of that path, the newest where none is given. Raises NotFound."""
    if not files:
        raise NotFound("Nothing has been kept yet; run it first.")
    found = [each for each in files if path in {None, each["path"]}]
    if not found:
        raise NotFound(f"{path} is not kept. The newest is {files[0]['path']}.")
    return found[0]


def say_files(files: Sequence[Row], *, as_json: bool) -> None:
    """What is kept, newest first."""
    if as_json:
        output.say_json(list(files))
        return
    for each in files:  # no table: a path that is cut off is of no use
        proven = f"restored on trial {moment(each['provenAt'], '')}" if each.get("provenAt") else "read back when made"
        output.say(f"{each['path']}  {each['bytes'] / _MIB:.1f} MiB, {proven}")


def follow(client: Client, deployment_id: str, name: str, *, noun: str, wait: bool, as_json: bool) -> None:
    """Shows a run to its end, or says its id; ``noun`` is what the run is. Exits with 1 where it ends in an error."""
    from headway.cli.follower import to_the_end

    if not wait:
        output.say_json({"deploymentId": deployment_id}) if as_json else output.say(deployment_id)
        return
    row = to_the_end(client, deployment_id, as_json=as_json, noun=noun)
    if as_json:
        output.say_json(row)
    if row["status"] != "done":
        output.warn(f"headway: {name} has failed: {row.get('errorMessage') or output.state_of(row)}")
        raise typer.Exit(Status.ERROR)


def moment(text: str | None, none: str) -> str:
    """A time as people read it."""
    return none if text is None else f"{output.moment(text).astimezone():%Y-%m-%d %H:%M:%S}"
