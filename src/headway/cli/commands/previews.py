"""`headway previews`: what runs of the pull requests of applications and compose services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from headway.cli.client import Client

Application = Annotated[str, typer.Argument(metavar="SERVICE", help="The name or id of an application.")]
Preview = Annotated[str, typer.Argument(metavar="PREVIEW", help="The id of a preview, as the list shows it.")]
Commit = Annotated[str | None, typer.Argument(metavar="[COMMIT]", help="The whole hash of what you looked at.")]
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


def redeploy(context: typer.Context, preview: Preview) -> None:
    """Deploys what the pull request is now."""
    _told(context, "previewDeployment.redeploy", preview, "is deployed again")


def approve(context: typer.Context, preview: Preview, commit: Commit = None) -> None:
    """Lets the commit of a fork's pull request run that you have looked at, and no other; without one it says which."""
    with Session.of(context).client() as client:
        if commit is None:
            found = client.get("previewDeployment.one", previewDeploymentId=preview)
            raise InvalidInput(
                f"Look at {found['pullRequestURL']} first, then approve what you saw: "
                f"headway previews approve {preview} {found['head']}"
            )
        client.post("previewDeployment.approve", {"previewDeploymentId": preview, "commit": commit})
    output.say(f"{preview} is deployed")


def delete(context: typer.Context, preview: Preview) -> None:
    """Removes a preview with all that it made; the next push opens another."""
    _told(context, "previewDeployment.delete", preview, "is removed")


def _told(context: typer.Context, procedure: str, preview_id: str, done: str) -> None:
    with Session.of(context).client() as client:
        client.post(procedure, {"previewDeploymentId": preview_id})
    output.say(f"{preview_id} {done}")


def _address(preview: Row) -> str:
    if preview["awaitsApproval"]:
        return "awaits approval"
    return "asleep" if preview["asleepSince"] else preview["address"] or ""


def _compose_id(client: Client, named: str) -> str:
    from headway.cli.commands.composes import find_compose

    return find_compose(client, named).compose_id


def _id(client: Client, named: str) -> str:
    from headway.cli.lookup import application

    return application(client, named).application_id
