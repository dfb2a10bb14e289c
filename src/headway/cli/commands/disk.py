"""`headway disk`: what services hold on the disk, and what of it may go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from headway.cli import output
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, Yes
from headway.cli.output import Column
from headway.cli.session import Session

_PARTS = ("images", "containers", "volumes", "releases", "cache", "sources", "files", "logs")
_KINDS: Mapping[str, str] = {"buildCache": "build cache"}


def usage(
    context: typer.Context,
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Measures anew, not at most half a minute ago.")] = False,
    as_json: AsJson = False,
) -> None:
    """Shows what each service holds on the disk, and how full it is."""
    with Session.of(context).client() as client:
        shown = client.measure(fresh=fresh)
    if as_json:
        output.say_json(shown)
        return
    names = {each["serverId"]: each["name"] for each in shown["servers"]}
    parts = [part for part in _PARTS if any(row[part] for row in shown["services"])]  # a terminal is narrow
    output.say_table(
        (
            Column(title="NAME", whole=True, most=24),
            *((Column(title="SERVER", whole=True, most=12),) if names else ()),
            *(Column(title=part.upper(), whole=True, right=True) for part in (*parts, "total")),
        ),
        [
            (
                row["name"],
                *((names.get(row["serverId"], "-"),) if names else ()),
                *(output.size(row[part]) if row[part] else "-" for part in (*parts, "total")),
            )
            for row in shown["services"]
        ],
    )
    if not shown["engine"]:
        output.warn("No container engine answers: what it holds is not counted.")
    for server in shown["servers"]:
        _say_server(server)
    if shown["machine"] is not None:
        output.say()
        output.say_fields(_of_machine(shown["machine"]).items())


def _say_server(server: Mapping[str, Any]) -> None:
    """What of a server is not in the table, and what is free there."""
    if server["away"] is not None:
        output.warn(f"{server['name']} could not be asked, so what lies there is not counted: {server['away']}")
    elif not server["engine"]:
        output.warn(f"No container engine answers on {server['name']}: what it holds is not counted.")
    if server["free"] is None:
        return
    told = [f"Free on {server['name']}: {output.size(server['free'])}"]
    if server["cache"] is not None:
        told.append(f"build cache {output.size(server['cache'])}")
    if server["caches"]:
        told.append(f"caches of builds {output.size(sum(each['bytes'] for each in server['caches']))}")
    if server["left"]:
        told.append(f"needed by nobody {output.size(server['left'])}")
    output.say("; ".join(told))


def clean(
    context: typer.Context,
    service: Annotated[
        str | None, typer.Argument(metavar="SERVICE", help="The id of one service; default: all of them.")
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only shows what would go.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Removes releases that are not kept, images of no release, and caches beyond their bound; never a volume."""
    with Session.of(context).client() as client:
        if not dry_run and not yes:
            would = client.clean(service, dry_run=True)
            if not would["items"]:
                output.say_json(would) if as_json else _show(would)
                return
            with output.aside(wanted=as_json):
                _show(would)
            confirm(f"Remove this ({output.size(would['bytes'])})?")
        done = client.clean(service, dry_run=dry_run)
    if as_json:
        output.say_json(done)
        return
    if dry_run or yes:
        _show(done)
    output.say(f"{output.size(done['bytes'])} {'would be' if dry_run else 'are'} free by that")


def _show(found: Mapping[str, Any]) -> None:
    names = {each["serverId"]: each["name"] for each in found["servers"]}
    for server in found["servers"]:
        if server["away"] is not None:
            output.warn(f"{server['name']} is left to the next time: {server['away']}")
    if not found["items"]:
        output.say("Nothing is there that nobody needs.")
        return
    output.say_table(
        (
            Column(title="WHAT", whole=True),
            *((Column(title="SERVER"),) if names else ()),
            Column(title="NAME"),
            Column(title="WHY"),
            Column(title="SIZE", whole=True, right=True),
        ),
        [
            (
                _KINDS.get(each["kind"], each["kind"]),
                *((names.get(each["serverId"], "-"),) if names else ()),
                each["name"],
                each["why"],
                output.size(each["bytes"]),
            )
            for each in found["items"]
        ],
    )


def _of_machine(machine: Mapping[str, int]) -> dict[str, str]:
    bound = f" (at most {output.size(machine['cacheBound'])})" if machine["cacheBound"] else ""
    return {
        "Free": f"{output.size(machine['free'])} of {output.size(machine['total'])}",
        "Needed for a build": output.size(machine["floor"]),
        "Build cache": f"{output.size(machine['cache'])}{bound}",
        "Shared layers": output.size(machine["shared"]),
        "Of nobody here": output.size(machine["foreign"]),
    }
