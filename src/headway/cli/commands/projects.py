"""`headway projects`: what applications are grouped in."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, Yes
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict

if TYPE_CHECKING:
    from headway.cli.client import Client

_TAKEN_DOWN_SECONDS = 60.0
_PAUSE_SECONDS = 0.3
_CONFLICT = 409

# How an environment calls its services: what they are, the name of their id, and what deletes one.
_SERVICES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {"applications": ("application", "applicationId", "application.delete")}
    | {"compose": ("compose service", "composeId", "compose.delete")}
    | {
        kind: (f"{kind} database", f"{kind}Id", f"{kind}.remove")
        for kind in ("postgres", "mysql", "mariadb", "mongo", "redis", "libsql")
    }
)

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
    from headway.cli.lookup import find_project

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


def remove(
    context: typer.Context,
    project: Named,
    *,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="The volumes of its databases and compose services too, with all data.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Removes a project with everything in it.

    What goes is named first. The volumes of databases and compose services stay unless --volumes is given. Backups of
    what lies in it have to be removed before. What cannot be deleted ends the command; what went before it is gone.
    """
    from headway.cli.lookup import find_project

    with Session.of(context).client() as client:
        found = find_project(client, project)
        name, inside = output.clean(found["name"]), list(_inside(found))
        _require_no_backups(client, name, inside)
        if not yes:
            _say_what_goes(name, inside, volumes=volumes)
            confirm(f"Remove {name}" + (" with all of that?" if inside else "?"))
        for each in inside:
            more = {"deleteVolumes": True} if volumes and each.keeps_volumes else {}
            client.post(each.procedure, {each.field: each.service_id, **more})
            output.warn(f"{each.noun} {each.name} is deleted")
        removed = _removed(client, found["projectId"])
    if as_json:
        output.say_json(removed)
        return
    output.say(f"{name} is removed")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inside:
    """A service of a project, and what deletes it."""

    noun: str
    environment: str
    name: str
    service_id: str
    field: str
    procedure: str

    @property
    def keeps_volumes(self) -> bool:
        return self.noun != "application"


def _inside(project: Mapping[str, Any]) -> Iterator[_Inside]:
    for environment in project["environments"]:
        for key, (noun, field, procedure) in _SERVICES.items():
            for row in environment.get(key) or ():
                yield _Inside(
                    noun=noun,
                    environment=environment["name"],
                    name=output.clean(row["name"]),
                    service_id=row[field],
                    field=field,
                    procedure=procedure,
                )


def _require_no_backups(client: Client, name: str, inside: Sequence[_Inside]) -> None:
    """A backup outlives what it is of, and keeps its project: that is said before anything goes. Raises Conflict."""
    of = {each.service_id: each for each in inside}
    found = [(each, of[each["serviceId"]]) for each in client.get("backup.overview") if each["serviceId"] in of]
    if not found:
        return
    told = ", ".join(f"{output.clean(each['name'])} of the {of.noun} {of.name}" for each, of in found)
    raise Conflict(
        f"{name} has backups, which would stay and keep it: {told}. Nothing was deleted. Remove them first (headway "
        "backups delete, headway volume-backups delete); their files stay where they lie."
    )


def _say_what_goes(name: str, inside: Sequence[_Inside], *, volumes: bool) -> None:
    if not inside:
        output.warn(f"{name} is empty.")
        return
    output.warn(f"{name} holds, and with it goes:")
    for each in inside:
        data = " with ALL DATA in its volumes" if volumes and each.keeps_volumes else ""
        output.warn(f"  {each.noun} {each.name} ({each.environment}){data}")


def _removed(client: Client, project_id: str) -> Any:  # noqa: ANN401 - any JSON value
    """Removes an empty project. What was deleted just now is taken down first, which takes a moment."""
    from headway.cli.client import Refused

    deadline = time.monotonic() + _TAKEN_DOWN_SECONDS
    while True:
        try:
            return client.post("project.remove", {"projectId": project_id})
        except Refused as refused:
            if refused.status != _CONFLICT or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)
