"""`headway env`: the variables of a service, of an environment, or of a project."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.cli.statuses import Status
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from headway.cli.client import Client
    from headway.cli.lookup import Service

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SERVICE] NAME…", help="The service (none with --project), then what is meant."),
]
Named = Annotated[str | None, typer.Argument(metavar="SERVICE", help="A service's name or id; none with --project.")]
Restart = Annotated[
    bool, typer.Option("--restart", help="Start it with them now; an application without a build, beside what serves.")
]
OfProject = Annotated[str | None, typer.Option("--project", metavar="NAME", help="The project's variables instead.")]
OfEnvironment = Annotated[
    str | None, typer.Option("--environment", metavar="NAME", help="With --project: those of its environment.")
]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCES = re.compile(r"(\$\{\{[^{}]*\}\})+")
_HIDDEN = "******"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose variables are meant: what they are, how they are saved, and what a person calls it."""

    label: str
    text: str
    procedure: str
    id: Mapping[str, str]
    open: Collection[str] = ()
    secret: Collection[str] = ()
    service: Service | None = None

    def after(self) -> str:
        """What has to be done for a change to be seen."""
        if self.service is not None:
            return f"The next deploy works with it: headway {self.service.group} deploy {self.service.name}"
        return "The next deploys of the applications that refer to it work with it."


def list_variables(
    context: typer.Context,
    service: Named = None,
    *,
    project: OfProject = None,
    environment: OfEnvironment = None,
    show: Annotated[bool, typer.Option("--show", help="Show the values of secret ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lists variables. Values that logs would not show are hidden, unless you ask for them."""
    with Session.of(context).client() as client:
        owner = _owner(client, service, project, environment)
    rows = [_row(owner, name, value, show=show) for name, value in _parsed(owner.text).items()]
    if as_json:
        output.say_json(rows)
        return
    output.say_table(
        (Column(title="NAME", whole=True), Column(title="VALUE")),
        [(row["name"], _HIDDEN if row["value"] is None else row["value"]) for row in rows],
    )


def set_variables(
    context: typer.Context,
    words: Words = None,
    *,
    project: OfProject = None,
    environment: OfEnvironment = None,
    restart: Restart = False,
    as_json: AsJson = False,
) -> None:
    """Sets variables, written NAME=VALUE. For secret ones 'import -' keeps the value out of the list of processes."""
    from headway.kernel.variable_text import merged

    service, given = _split(words or (), project)
    variables = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise InvalidInput("Write NAME=VALUE, with a name of letters, digits and _, for each variable.")
        variables[name] = value
    _change(
        context, (service, project, environment), lambda text: merged(text, variables), restart=restart, as_json=as_json
    )


def unset_variables(
    context: typer.Context,
    words: Words = None,
    *,
    project: OfProject = None,
    environment: OfEnvironment = None,
    restart: Restart = False,
    as_json: AsJson = False,
) -> None:
    """Removes variables by their names."""
    from headway.kernel.variable_text import without

    service, names = _split(words or (), project)
    target = (service, project, environment)
    _change(context, target, lambda text: without(text, names), restart=restart, as_json=as_json)


def import_variables(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SERVICE] FILE", help="A file of NAME=VALUE lines; -: standard input."),
    ] = None,
    *,
    project: OfProject = None,
    environment: OfEnvironment = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove the variables that the file does not have.")
    ] = False,
    restart: Restart = False,
    as_json: AsJson = False,
) -> None:
    """Sets the variables of a file; others stay."""
    from headway.kernel.variable_text import merged

    service, files = _split(words or (), project)
    if len(files) != 1:
        raise InvalidInput("Give one file of NAME=VALUE lines, or - for standard input.")
    text = _read(files[0])
    variables = _parsed(text)
    target = (service, project, environment)

    def change(before: str) -> str:
        return text if replace else merged(before, variables)

    _change(context, target, change, restart=restart, as_json=as_json)


def _change(
    context: typer.Context,
    target: tuple[str | None, str | None, str | None],
    change: Callable[[str], str],
    *,
    restart: bool,
    as_json: bool,
) -> None:
    from headway.cli.variable_change import save

    with Session.of(context).client() as client:
        owner = _owner(client, *target)
        if restart and owner.service is None:
            raise InvalidInput("--restart: say which service is to start with them, one at a time.")
        texts = chain([owner.text], (_owner(client, *target).text for _ in repeat(None)))
        text = save(client, owner.procedure, owner.id, lambda: next(texts), change)
        if restart and owner.service is not None:
            _restart(client, owner.service, as_json=as_json)
            return
    if as_json:
        output.say_json([_row(owner, name, value, show=False) for name, value in _parsed(text).items()])
        return
    output.say(f"The variables of {owner.label} are saved. {owner.after()}")


def _restart(client: Client, service: Service, *, as_json: bool) -> None:
    """What serves begins anew with what is set now: of an application without a build, by a deployment that one can go
    back from. Exits with 1 where it ends in an error.
    """
    from headway.cli.follower import to_the_end

    if service.kind == "application":
        releases = client.get("release.all", **service.given)
        serving = next((each["deploymentId"] for each in releases if each["state"] == "serving"), None)
        if serving is None:
            raise InvalidInput(f"{service.name} does not serve yet: deploy it (headway apps deploy {service.name}).")
        deployment_id = client.start("rollback.rollback", {"rollbackId": serving, "keepConfiguration": True})
    else:
        deployment_id = client.start(f"{service.kind}.deploy", service.given)
    row = to_the_end(client, deployment_id, as_json=as_json)
    if as_json:
        output.say_json(row)
    if row["status"] != "done":
        output.warn(f"headway: {service.name} goes on as before: {row.get('errorMessage') or output.state_of(row)}")
        raise typer.Exit(Status.ERROR)
    if not as_json:
        output.say(f"{service.name} runs with them ({output.time_of(row, output.now())})")


def _split(words: Sequence[str], project: str | None) -> tuple[str | None, list[str]]:
    """The service, where no project is named, and the rest. Raises InvalidInput where nothing is left."""
    service, rest = (words[0], list(words[1:])) if words and project is None else (None, list(words))
    if not rest:
        raise InvalidInput("Say whose variables are meant (a service, or --project NAME), and then which.")
    return service, rest


def _owner(client: Client, service: str | None, project: str | None, environment: str | None) -> Owner:
    if project is None and environment is not None:
        raise InvalidInput("--environment: say of which project with --project NAME.")
    if (project is None) == (service is None):
        raise InvalidInput("Say whose variables are meant: a service, or --project NAME, and one of the two only.")
    if service is not None:
        return _of_service(client, service)
    from headway.cli.lookup import find_project

    found = find_project(client, str(project))
    if environment is None:
        row = client.get("project.one", projectId=found["projectId"])
        ids = {"projectId": str(row["projectId"])}
        return Owner(label=f"the project {row['name']}", text=row["env"] or "", procedure="project.update", id=ids)
    for each in found["environments"]:
        if environment in {each["name"], each["environmentId"]}:
            label = f"the environment {each['name']} of {found['name']}"
            ids = {"environmentId": str(each["environmentId"])}
            return Owner(label=label, text=each["env"] or "", procedure="environment.update", id=ids)
    known = ", ".join(each["name"] for each in found["environments"])
    raise NotFound(f"The project {found['name']} has no environment {environment}. It has: {known}.")


def _of_service(client: Client, named: str) -> Owner:
    from headway.cli.lookup import find_service

    found = find_service(client, named)
    row = client.get(f"{found.kind}.one", **found.given)
    return Owner(
        label=found.name,
        text=row.get("env") or "",
        procedure=f"{found.kind}.saveEnvironment",
        id=found.given,
        open=row.get("openVariables") or (),
        secret=row.get("secretVariables") or (),
        service=found,
    )


def _row(owner: Owner, name: str, value: str, *, show: bool) -> dict[str, Any]:
    """A variable as it is shown: what only refers to others holds nothing itself."""
    from headway.kernel.variables import Marks

    marks = Marks(open=frozenset(owner.open), secret=frozenset(owner.secret))
    secret = marks.is_secret(name) and not _REFERENCES.fullmatch(value)
    return {"name": name, "value": value if show or not secret else None, "secret": secret}


def _parsed(text: str) -> Mapping[str, str]:
    from headway.kernel.variables import parse_variables

    return parse_variables(text)


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not text in UTF-8.") from error
