"""`headway projects`: what applications are grouped in."""

from __future__ import annotations

from typing import Annotated

import typer

from headway.faces.cli import output
from headway.faces.cli.options import AsJson, Yes
from headway.faces.cli.output import Column
from headway.faces.cli.session import Session

Named = Annotated[str, typer.Argument(metavar="PROJECT", help="A project's name or id.")]


def list_projects(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the projects, their environments, and how many applications each has."""
    with Session.of(context).client() as client:
        found = client.get("project.all")
    if as_json:
        output.say_json(found)
        return
    output.say_table(
        (
            Column(title="NAME"),
            Column(title="ENVIRONMENTS"),
            Column(title="APPS", whole=True, right=True),
            Column(title="ID", whole=True),
        ),
        [
            (
                project["name"],
                ", ".join(each["name"] for each in project["environments"]),
                str(sum(len(each["applications"]) for each in project["environments"])),
                project["projectId"],
            )
            for project in found
        ],
    )


def show(context: typer.Context, project: Named, *, as_json: AsJson = False) -> None:
    """Shows one project: its environments and the applications in them."""
    from headway.faces.cli.lookup import find_project

    with Session.of(context).client() as client:
        found = find_project(client, project)
    if as_json:
        output.say_json(found)
        return
    output.say_fields(
        (("Name", found["name"]), ("Description", found.get("description") or ""), ("ID", found["projectId"]))
    )
    output.say()
    output.say_table(
        (
            Column(title="ENVIRONMENT"),
            Column(title="APPLICATION"),
            Column(title="STATUS", whole=True, states=True),
        ),
        [
            (environment["name"], application["name"], application["applicationStatus"])
            for environment in found["environments"]
            for application in environment["applications"] or [{"name": "", "applicationStatus": ""}]
        ],
    )


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    *,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="What it is for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Makes a project, with an environment for its applications."""
    body = {"name": name} | ({"description": description} if description else {})
    with Session.of(context).client() as client:
        made = client.post("project.create", body)
    if as_json:
        output.say_json(made)
        return
    output.say(f"{output.clean(name)} is made ({made['project']['projectId']})")


def remove(context: typer.Context, project: Named, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Removes a project with everything in it."""
    from headway.faces.cli.lookup import find_project

    with Session.of(context).client() as client:
        found = find_project(client, project)
        if not yes:
            typer.confirm(f"Remove {output.clean(found['name'])} with all that is in it?", abort=True)
        removed = client.post("project.remove", {"projectId": found["projectId"]})
    if as_json:
        output.say_json(removed)
        return
    output.say(f"{output.clean(found['name'])} is removed")
