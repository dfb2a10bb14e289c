"""`headway env`: the variables of an application, of an environment, or of a project."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.faces.cli import output
from headway.faces.cli.commands.deploy import merged
from headway.faces.cli.options import AsJson
from headway.faces.cli.output import Column
from headway.faces.cli.session import Session
from headway.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from headway.faces.cli.client import Client

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[APPLICATION] NAME…", help="The application (none with --project), then what is meant."),
]
Application = Annotated[
    str | None, typer.Argument(metavar="[APPLICATION]", help="An application's name or id; none with --project.")
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
    """Whose variables are meant: how they are read and saved, and what a person calls it."""

    label: str
    text: str
    procedure: str
    id: Mapping[str, str]
    open: Collection[str] = ()
    secret: Collection[str] = ()
    application: str | None = None

    def save(self, client: Client, text: str) -> None:
        """Writes the whole text."""
        client.post(self.procedure, {**self.id, "env": text})

    def after(self) -> str:
        """What has to be done for a change to be seen."""
        if self.application is not None:
            return f"The next deploy works with it: headway apps deploy {self.application}"
        return "The next deploys of the applications that refer to it work with it."


def list_variables(
    context: typer.Context,
    application: Application = None,
    *,
    project: OfProject = None,
    environment: OfEnvironment = None,
    show: Annotated[bool, typer.Option("--show", help="Show the values of secret ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lists variables. Values that logs would not show are hidden, unless you ask for them."""
    with Session.of(context).client() as client:
        owner = _owner(client, application, project, environment)
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
    as_json: AsJson = False,
) -> None:
    """Sets variables, written NAME=VALUE. For secret ones 'import -' keeps the value out of the list of processes."""
    application, given = _split(words or (), project)
    variables = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise InvalidInput("Write NAME=VALUE, with a name of letters, digits and _, for each variable.")
        variables[name] = value
    _change(context, (application, project, environment), lambda text: merged(text, variables), as_json=as_json)


def unset_variables(
    context: typer.Context,
    words: Words = None,
    *,
    project: OfProject = None,
    environment: OfEnvironment = None,
    as_json: AsJson = False,
) -> None:
    """Removes variables by their names."""
    application, names = _split(words or (), project)
    target = (application, project, environment)
    _change(context, target, lambda text: without(text, names), as_json=as_json)


def import_variables(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[APPLICATION] FILE", help="A file of NAME=VALUE lines; -: standard input."),
    ] = None,
    *,
    project: OfProject = None,
    environment: OfEnvironment = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove the variables that the file does not have.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sets the variables of a file; others stay."""
    application, files = _split(words or (), project)
    if len(files) != 1:
        raise InvalidInput("Give one file of NAME=VALUE lines, or - for standard input.")
    text = _read(files[0])
    variables = _parsed(text)
    target = (application, project, environment)
    _change(context, target, lambda before: text if replace else merged(before, variables), as_json=as_json)


def without(text: str, names: Sequence[str]) -> str:
    """The text without the lines of some variables, all else as it was. Raises NotFound for one that it has not."""
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(io.StringIO(text)))
    known = {binding.key for binding in bindings}
    for name in names:
        if name not in known:
            raise NotFound(f"There is no variable {name}.")
    return "".join(binding.original.string for binding in bindings if binding.key not in names)


def _change(
    context: typer.Context,
    target: tuple[str | None, str | None, str | None],
    change: Callable[[str], str],
    *,
    as_json: bool,
) -> None:
    with Session.of(context).client() as client:
        owner = _owner(client, *target)
        text = change(owner.text)
        owner.save(client, text)
    if as_json:
        output.say_json([_row(owner, name, value, show=False) for name, value in _parsed(text).items()])
        return
    output.say(f"The variables of {owner.label} are saved. {owner.after()}")


def _split(words: Sequence[str], project: str | None) -> tuple[str | None, list[str]]:
    """The application, where no project is named, and the rest. Raises InvalidInput where nothing is left."""
    application, rest = (words[0], list(words[1:])) if words and project is None else (None, list(words))
    if not rest:
        raise InvalidInput("Say whose variables are meant (an application, or --project NAME), and then which.")
    return application, rest


def _owner(client: Client, application: str | None, project: str | None, environment: str | None) -> Owner:
    if project is None and environment is not None:
        raise InvalidInput("--environment: say of which project with --project NAME.")
    if (project is None) == (application is None):
        raise InvalidInput("Say whose variables are meant: an application, or --project NAME, and one of the two only.")
    if application is not None:
        return _of_application(client, application)
    from headway.faces.cli.lookup import find_project

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


def _of_application(client: Client, named: str) -> Owner:
    from headway.faces.cli.lookup import application as find

    place = find(client, named)
    row = client.get("application.one", applicationId=place.application_id)
    return Owner(
        label=place.name,
        text=row.get("env") or "",
        procedure="application.saveEnvironment",
        id={"applicationId": place.application_id},
        open=row.get("openVariables") or (),
        secret=row.get("secretVariables") or (),
        application=place.name,
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
