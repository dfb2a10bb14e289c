"""`headway apps`: what is deployed and whether it serves."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.faces.cli import output
from headway.faces.cli.output import Column
from headway.faces.cli.session import Session

if TYPE_CHECKING:
    from headway.faces.cli.client import Client
    from headway.faces.cli.lookup import Place

Named = Annotated[str, typer.Argument(metavar="APPLICATION", help="An application's name or id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer of the API, for programs.")]

_LONGEST_TAIL = 10_000


def list_applications(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the applications of all projects."""
    from headway.faces.cli.lookup import places

    with Session.of(context).client() as client:
        found = places(client)
    if as_json:
        output.say_json([place.row for place in found])
        return
    output.say_table(
        (
            Column(title="NAME"),
            Column(title="STATUS", whole=True, states=True),
            Column(title="PROJECT", most=20),
            Column(title="ID", whole=True),
        ),
        [(place.name, place.row["applicationStatus"], place.project, place.application_id) for place in found],
    )


def show(context: typer.Context, application: Named, *, as_json: AsJson = False) -> None:
    """Shows one application: its address, its source and its last deployments."""
    with Session.of(context).client() as client:
        row = client.get("application.one", applicationId=_find(client, application).application_id)
    if as_json:
        output.say_json(row)
        return
    output.say_fields(_fields(row))
    now = output.now()
    if row.get("deployments"):
        output.say()
        output.say_table(
            (
                Column(title="DEPLOYMENT", whole=True),
                Column(title="STATUS", whole=True, states=True),
                Column(title="TITLE"),
                Column(title="AGE", whole=True, right=True),
            ),
            [
                (each["deploymentId"], output.state_of(each), each["title"], output.age_of(each, now))
                for each in row["deployments"][:5]
            ],
        )


def start(context: typer.Context, application: Named) -> None:
    """Starts an application again, with the release that served last."""
    place = _call(context, application, "application.start")
    output.say(f"{place.name} is started")


def stop(context: typer.Context, application: Named) -> None:
    """Stops an application; nothing of it runs then, and it stays stopped until it is started or deployed."""
    place = _call(context, application, "application.stop")
    output.say(f"{place.name} is stopped")


def delete(
    context: typer.Context,
    application: Named,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Deletes an application, its releases and its deployments."""
    with Session.of(context).client() as client:
        place = _find(client, application)
        if not yes:
            typer.confirm(f"Delete {place.name} of {place.project} with all its releases and deployments?", abort=True)
        client.post("application.delete", {"applicationId": place.application_id})
    output.say(f"{place.name} is deleted")


def logs(
    context: typer.Context,
    application: Named,
    tail: Annotated[int, typer.Option(min=1, max=_LONGEST_TAIL, help="How many lines, from the end.")] = 100,
) -> None:
    """Prints what an application has written since it was started."""
    with Session.of(context).client() as client:
        place = _find(client, application)
        text = client.get("application.readLogs", applicationId=place.application_id, tail=tail) or ""
    sys.stdout.write(text if not text or text.endswith("\n") else f"{text}\n")


def _call(context: typer.Context, application: str, procedure: str) -> Place:
    with Session.of(context).client() as client:
        place = _find(client, application)
        client.post(procedure, {"applicationId": place.application_id})
    return place


def _find(client: Client, application: str) -> Place:
    from headway.faces.cli.lookup import application as find

    return find(client, application)


def _fields(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    environment = row.get("environment") or {}
    project = environment.get("project") or {}
    yield "Name", row["name"]
    yield "Status", row["applicationStatus"]
    yield "Address", " ".join(row["addresses"])
    yield "Project", " / ".join(str(each["name"]) for each in (project, environment) if each.get("name"))
    yield "Source", row.get("customGitUrl") or ""
    yield "Branch", row.get("customGitBranch") or ""
    yield "Build path", row.get("customGitBuildPath") or ""
    yield "Builder", row.get("builder") or ("auto" if row["buildType"] == "nixpacks" else row["buildType"])
    yield "ID", row["applicationId"]
