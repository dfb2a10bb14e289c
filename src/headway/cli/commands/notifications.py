"""`headway notifications`: who is told what happens, and what was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from headway.cli.client import Client

Events = Annotated[
    list[str] | None,
    typer.Option("--event", metavar="PATTERN", help="What is told, such as *.error or application.done."),
]
Projects = Annotated[list[str] | None, typer.Option("--project", metavar="PROJECT", help="Only news of these.")]
Apps = Annotated[list[str] | None, typer.Option("--app", metavar="APPLICATION", help="Only news of these.")]
Composes = Annotated[list[str] | None, typer.Option("--compose", metavar="COMPOSE", help="And of these.")]
Named = Annotated[str, typer.Argument(metavar="CHANNEL", help="A channel's name or id.")]
Row = Mapping[str, Any]


def list_channels(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the channels; one that takes nothing says since when."""
    with Session.of(context).client() as client:
        found = client.get("notification.all")
    if as_json:
        output.say_json(found)
        return
    output.say_table(
        (
            Column(title="NAME"),
            Column(title="TO"),
            Column(title="TOLD"),
            Column(title="STATE", whole=True, states=True),
            Column(title="ID", whole=True),
        ),
        [
            (each["name"], each["address"], " ".join(each["events"]), _state(each), each["notificationId"])
            for each in found
        ],
    )


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the channel is called.")],
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Of Apprise's (mailto://, slack://), or https:// for a webhook.")
    ],
    *,
    event: Events = None,
    project: Projects = None,
    app: Apps = None,
    compose: Composes = None,
    quiet: Annotated[int, typer.Option(metavar="SECONDS", help="Tell the same failure once within this time.")] = 3600,
    as_json: AsJson = False,
) -> None:
    """Makes a channel. What a webhook is signed with is shown this once."""
    where = "endpoint" if address.startswith(("http://", "https://")) else "url"
    body: dict[str, Any] = {"name": name, where: address, "quietSeconds": quiet}
    with Session.of(context).client() as client:
        made = client.post("notification.create", body | _bounds(client, event, project, app, compose))
    if as_json:
        output.say_json(made)
        return
    output.say(f"{made['name']} is told from now on ({made['notificationId']})")
    if made["secret"]:
        output.say(f"its webhooks are signed with {made['secret']}")


def update(
    context: typer.Context,
    channel: Named,
    *,
    event: Events = None,
    project: Projects = None,
    app: Apps = None,
    compose: Composes = None,
    quiet: Annotated[int | None, typer.Option(metavar="SECONDS", help="Tell the same failure once within.")] = None,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="Whether anything is told there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Changes what is told on a channel. Bounds are given anew as a whole; --app "" takes those of services away."""
    with Session.of(context).client() as client:
        body = {
            "notificationId": _find(client, channel)["notificationId"],
            **_bounds(client, event, project, app, compose),
        }
        body |= {name: each for name, each in (("quietSeconds", quiet), ("enabled", enabled)) if each is not None}
        changed = client.post("notification.update", body)
    output.say_json(changed) if as_json else output.say(f"{changed['name']} is told {' '.join(changed['events'])}")


def remove(context: typer.Context, channel: Named, *, as_json: AsJson = False) -> None:
    """Removes a channel, with what waits on it."""
    with Session.of(context).client() as client:
        gone = client.post("notification.remove", {"notificationId": _find(client, channel)["notificationId"]})
    output.say_json(gone) if as_json else output.say(f"{gone['name']} is told nothing more")


def try_out(context: typer.Context, channel: Named, *, as_json: AsJson = False) -> None:
    """Tells a test message at once, and says what the channel answers."""
    with Session.of(context).client() as client:
        found = _find(client, channel)
        client.post("notification.test", {"notificationId": found["notificationId"]})
    output.say_json({"told": True}) if as_json else output.say(f"{found['name']} has taken it")


def list_told(
    context: typer.Context,
    channel: Named,
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Lists what was told on a channel, and what became of it."""
    with Session.of(context).client() as client:
        channel_id = _find(client, channel)["notificationId"]
        found = client.get("notification.deliveries", notificationId=channel_id, limit=limit)["items"]
    if as_json:
        output.say_json(found)
        return
    now = output.now()
    output.say_table(
        (
            Column(title="AGE", whole=True, right=True),
            Column(title="EVENT"),
            Column(title="STATE", whole=True),
            Column(title="TRIES", whole=True, right=True),
            Column(title="WHY"),
            Column(title="ID", whole=True),
        ),
        [
            (
                output.rounded((now - output.moment(each["createdAt"])).total_seconds()),
                each["event"],
                each["state"],
                str(each["attempts"]),
                each["lastError"] or "",
                each["noticeId"],
            )
            for each in found
        ],
    )


def resend(
    context: typer.Context,
    notice: Annotated[str, typer.Argument(metavar="NOTICE", help="The id of what is to be told again.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Tells something again, under the same id."""
    with Session.of(context).client() as client:
        found = client.post("notification.resend", {"noticeId": notice})
    output.say_json(found) if as_json else output.say(f"{found['event']} is told again")


def _bounds(
    client: Client,
    events: list[str] | None,
    projects: list[str] | None,
    apps: list[str] | None,
    composes: list[str] | None,
) -> dict[str, list[str]]:
    from headway.cli.commands.composes import find_compose
    from headway.cli.lookup import find_application, find_project

    bounds: dict[str, list[str]] = {} if events is None else {"events": events}
    if projects is not None:
        bounds["projectIds"] = [str(find_project(client, each)["projectId"]) for each in projects if each]
    if apps is not None or composes is not None:
        found = [find_application(client, each).application_id for each in apps or () if each]
        bounds["serviceIds"] = found + [find_compose(client, each).compose_id for each in composes or () if each]
    return bounds


def _find(client: Client, named: str) -> Row:
    every: list[Row] = client.get("notification.all")
    found = [each for each in every if each["notificationId"] == named] or [e for e in every if e["name"] == named]
    if not found:
        known = ", ".join(each["name"] for each in every)
        raise NotFound(f"There is no channel {named}. " + (f"There are: {known}." if known else "There is none yet."))
    if len(found) > 1:
        ids = ", ".join(each["notificationId"] for each in found)
        raise InvalidInput(f"Several channels are named {named}; give an id: {ids}.")
    return found[0]


def _state(channel: Row) -> str:
    if not channel["enabled"]:
        return "idle"
    return "warn" if channel["failingSince"] else "ok"
