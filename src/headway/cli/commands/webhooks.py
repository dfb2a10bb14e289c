"""`headway webhooks`: where an application is told of pushes, what came, and what a push would do."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.errors import Forbidden

if TYPE_CHECKING:
    from headway.cli.client import Client

Named = Annotated[str, typer.Argument(metavar="APPLICATION", help="An application's name or id.")]
Delivery = Annotated[str, typer.Argument(metavar="DELIVERY", help="A delivery's id.")]
Row = Mapping[str, Any]


class OutcomeName(StrEnum):
    """What was done about a delivery."""

    QUEUED = "queued"
    SKIPPED = "skipped"
    REFUSED = "refused"


def address(
    context: typer.Context,
    application: Named,
    *,
    renew: Annotated[bool, typer.Option("--renew", help="Make another one; the one before leads nowhere.")] = False,
    as_json: AsJson = False,
) -> None:
    """Shows the address at which the application is told of pushes. Whoever knows it can deploy."""
    session = Session.of(context)
    with session.client() as client:
        application_id = _find(client, application)
        if renew:
            client.post("application.refreshToken", {"applicationId": application_id})
        token = client.get("application.one", applicationId=application_id)["refreshToken"]
    if token is None:
        raise Forbidden("Only a key that may deploy the application is shown its webhook address.")
    url = f"{session.target().url.rstrip('/')}/api/deploy/{token}"
    output.say_json({"url": url, "refreshToken": token}) if as_json else output.say(url)


def list_deliveries(
    context: typer.Context,
    application: Named,
    *,
    outcome: Annotated[OutcomeName | None, typer.Option(help="Only those about which this was done.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Lists what the application was told, and what was done about it."""
    asked: dict[str, Any] = {"limit": limit} | ({} if outcome is None else {"outcome": outcome.value})
    with Session.of(context).client() as client:
        found = client.get("webhook.deliveries", applicationId=_find(client, application), **asked)["items"]
    if as_json:
        output.say_json(found)
        return
    now = output.now()
    output.say_table(
        (
            Column(title="AGE", whole=True, right=True),
            Column(title="FROM", whole=True),
            Column(title="EVENT"),
            Column(title="OUTCOME", whole=True),
            Column(title="WHY"),
            Column(title="ID", whole=True),
        ),
        [
            (
                output.rounded((now - output.moment(each["createdAt"])).total_seconds()),
                each["sender"],
                each["event"],
                each["outcome"],
                each["services"][0]["message"],
                each["deliveryId"],
            )
            for each in found
        ],
    )


def show(context: typer.Context, delivery: Delivery, *, as_json: AsJson = False) -> None:
    """Shows a delivery: what was done, why, and the payload."""
    with Session.of(context).client() as client:
        found = client.get("webhook.one", deliveryId=delivery)
    if as_json:
        output.say_json(found)
        return
    output.say(f"{found['sender']} {found['event']}, signature {found['signature']}, {found['createdAt']}")
    for each in found["services"]:
        _say_done(each)
    output.say_text(output.clean(found["payload"]) if found["payload"] is not None else "(its payload is not kept)")


def replay(context: typer.Context, delivery: Delivery, *, as_json: AsJson = False) -> None:
    """Takes a delivery again, as the settings are now."""
    with Session.of(context).client() as client:
        taken = client.post("webhook.replay", {"deliveryId": delivery})
    if as_json:
        output.say_json(taken)
        return
    for each in taken["services"]:
        _say_done(each)


def simulate(
    context: typer.Context,
    application: Named,
    *,
    branch: Annotated[str | None, typer.Option(metavar="BRANCH", help="The branch that is pushed.")] = None,
    tag: Annotated[str | None, typer.Option(metavar="TAG", help="The tag that is pushed.")] = None,
    file: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="A file that it changes, each by its own.")
    ] = None,
    message: Annotated[str | None, typer.Option(metavar="TEXT", help="The newest commit's message.")] = None,
    image: Annotated[str | None, typer.Option(metavar="IMAGE", help="The image that is pushed.")] = None,
    as_json: AsJson = False,
) -> None:
    """Says what a push would do, and why; nothing is deployed."""
    given = {"branch": branch, "tag": tag, "message": message, "image": image}
    asked: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if file:
        from json import dumps

        asked["files"] = dumps(file)
    with Session.of(context).client() as client:
        would = client.get("webhook.simulate", applicationId=_find(client, application), **asked)
    output.say_json(would) if as_json else output.say(output.clean(f"{would['outcome']}: {would['message']}"))


def _say_done(done: Row) -> None:
    named = f" as {done['deploymentId']}" if done["deploymentId"] else ""
    output.say(output.clean(f"{done['name']}: {done['outcome']}{named}: {done['message']}"))


def _find(client: Client, application: str) -> str:
    from headway.cli.lookup import find_application

    return find_application(client, application).application_id
