"""`headway previews`: what runs of the pull requests of applications and compose services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.cli.statuses import Status
from headway.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from headway.cli.client import Client

Application = Annotated[str, typer.Argument(metavar="SERVICE", help="The name or id of an application.")]
Preview = Annotated[str, typer.Argument(metavar="PREVIEW", help="The id of a preview, as the list shows it.")]
Commit = Annotated[str | None, typer.Argument(metavar="COMMIT", help="The whole hash of what you looked at.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or say as what it is queued.")]
Row = Mapping[str, Any]


def list_previews(
    context: typer.Context,
    application: Application,
    *,
    compose: Annotated[bool, typer.Option("--compose", help="It is a compose service.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lists the previews of an application or a compose service."""
    with Session.of(context).client() as client:
        of = {"composeId": _compose_id(client, application)} if compose else {"applicationId": _id(client, application)}
        found = client.get("previewDeployment.all", **of)
    if as_json:
        output.say_json(found)
        return
    columns = (
        Column(title="NUMBER", whole=True),
        Column(title="TITLE"),
        Column(title="STATUS", whole=True, states=True),
        Column(title="ADDRESS"),
        Column(title="ID", whole=True),
    )
    output.say_table(
        columns,
        [
            (
                each["pullRequestNumber"],
                each["pullRequestTitle"],
                "idle" if each["awaitsApproval"] else each["previewStatus"],
                _address(each),
                each["previewDeploymentId"],
            )
            for each in found
        ],
    )


def redeploy(context: typer.Context, preview: Preview, *, wait: Wait = True, as_json: AsJson = False) -> None:
    """Deploys what the pull request is now. Exits with 0 when it is done and 1 when it ended in an error."""
    with Session.of(context).client() as client:
        started = client.start("previewDeployment.redeploy", {"previewDeploymentId": preview})
        _show(client, preview, started, wait=wait, as_json=as_json)


def approve(
    context: typer.Context, preview: Preview, commit: Commit = None, *, wait: Wait = True, as_json: AsJson = False
) -> None:
    """Lets the commit of a fork's pull request run that you have looked at, and no other; without one it says which.

    Exits with 0 when it is deployed and 1 when that ended in an error.
    """
    with Session.of(context).client() as client:
        if commit is None:
            found = client.get("previewDeployment.one", previewDeploymentId=preview)
            raise InvalidInput(
                f"Look at {found['pullRequestURL']} first, then approve what you saw: "
                f"headway previews approve {preview} {found['head']}"
            )
        started = client.start("previewDeployment.approve", {"previewDeploymentId": preview, "commit": commit})
        _show(client, preview, started, wait=wait, as_json=as_json)


def delete(context: typer.Context, preview: Preview) -> None:
    """Removes a preview with all that it made; the next push opens another."""
    with Session.of(context).client() as client:
        client.post("previewDeployment.delete", {"previewDeploymentId": preview})
    output.say(f"{preview} is removed")


def _show(client: Client, preview_id: str, deployment_id: str, *, wait: bool, as_json: bool) -> None:
    from headway.cli.follower import to_the_end

    if not wait:
        started = {"deploymentId": deployment_id, "previewDeploymentId": preview_id}
        output.say_json(started) if as_json else output.say(f"{preview_id} is queued as {deployment_id}")
        return
    row = to_the_end(client, deployment_id, as_json=as_json)
    if as_json:
        output.say_json(row)
    if row["status"] != "done":
        output.warn(f"headway: {preview_id} was not deployed: {row.get('errorMessage') or output.state_of(row)}")
        raise typer.Exit(Status.ERROR)
    if not as_json:
        output.say(f"{preview_id} is deployed ({output.time_of(row, output.now())})")
        if address := client.get("previewDeployment.one", previewDeploymentId=preview_id)["address"]:
            output.say(address)


def _address(preview: Row) -> str:
    if preview["awaitsApproval"]:
        return "awaits approval"
    return "asleep" if preview["asleepSince"] else preview["address"] or ""


def _compose_id(client: Client, named: str) -> str:
    from headway.cli.commands.composes import find_compose

    return find_compose(client, named).compose_id


def _id(client: Client, named: str) -> str:
    from headway.cli.lookup import find_application

    return find_application(client, named).application_id
