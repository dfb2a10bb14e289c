"""`headway databases`: databases as services, of all kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.confirmation import confirm
from headway.cli.options import DATABASES, AsJson, InProject, OnServer, Since, Tail, Yes, wanted_lines
from headway.cli.output import Column
from headway.cli.session import Session
from headway.cli.start_wait import StartWait, say_started
from headway.cli.statuses import Status
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, NotFound
from headway.kernel.time_range import ALL

if TYPE_CHECKING:
    from headway.cli.client import Client

Named = Annotated[str, typer.Argument(metavar="DATABASE", help="A database's name or id.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or print its id.")]

PASSWORD_VARIABLE = "HEADWAY_DATABASE_PASSWORD"  # noqa: S105 - a variable's name
USUAL_USER = "headway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A database (its row), of which kind it is, and the project that it lies in."""

    kind: str
    project: str
    row: dict[str, Any]

    @property
    def database_id(self) -> str:
        return str(self.row["databaseId"])

    @property
    def name(self) -> str:
        return str(self.row["name"])

    @property
    def given(self) -> dict[str, Any]:
        """How it is named to its router."""
        return {f"{self.kind}Id": self.database_id}


def list_databases(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the databases of all projects."""
    with Session.of(context).client() as client:
        found = list(_every(client))
    if as_json:
        output.say_json([{**each.row, "databaseType": each.kind} for each in found])
        return
    columns = (
        Column(title="NAME"),
        Column(title="KIND", whole=True),
        Column(title="STATUS", whole=True, states=True),
        Column(title="PROJECT", most=20),
        Column(title="ID", whole=True),
    )
    shown = [(each.name, each.kind, each.row["applicationStatus"], each.project, each.database_id) for each in found]
    output.say_table(columns, shown)


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    kind: Annotated[str, typer.Option(help=f"{', '.join(DATABASES)}.")],
    *,
    database: Annotated[str, typer.Option(metavar="NAME", help="The database in it; default: its name.")] = "",
    username: Annotated[
        str, typer.Option(help=f"As whom; the password is taken from {PASSWORD_VARIABLE}, or made up.")
    ] = USUAL_USER,
    image: Annotated[str | None, typer.Option(metavar="IMAGE", help="Default: a new one of the kind.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, metavar="PORT", help="A port of its machine, on the loopback.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT]", help="It runs elsewhere already, and is only connected to.")
    ] = None,
    project: InProject = "default",
    server: OnServer = None,
    as_json: AsJson = False,
) -> None:
    """Makes a database; 'headway databases deploy' then sets it up."""
    from headway.cli.commands.servers import find_server
    from headway.cli.lookup import environment_for

    if kind not in DATABASES:
        raise InvalidInput(f"--kind: {kind} is none of {', '.join(DATABASES)}.")
    given: dict[str, Any] = {"name": name, "databaseName": database or name.replace("-", "_")}
    if kind != "redis" or username != USUAL_USER:  # redis has no users, which the panel tells of those that are named
        given["databaseUser"] = username
    more = {"dockerImage": image, "externalPort": port, "databasePassword": os.environ.get(PASSWORD_VARIABLE)}
    given |= {key: value for key, value in more.items() if value}
    if host is not None:
        given["connection"] = _reached(host)
    with Session.of(context).client() as client:
        if server is not None:
            given["serverId"] = find_server(client, server)["serverId"]
        environment_id, _ = environment_for(client, project)
        row = client.post(f"{kind}.create", {**given, "environmentId": environment_id})
    output.say_json(row) if as_json else output.say(f"{name} is made; headway databases deploy {name} sets it up")


def deploy(context: typer.Context, database: Named, *, wait: Wait = True, as_json: AsJson = False) -> None:
    """Sets a database up, or replaces its server by one of what is set now; its data stays.

    Exits with 0 when it answers and 1 when it ended in an error. With --json the log goes to standard error.
    """
    with Session.of(context).client() as client:
        found = find_database(client, database)
        deployment_id = client.start(f"{found.kind}.deploy", found.given)
        if wait:
            _show(client, deployment_id, found.name, as_json=as_json)
        else:
            output.say_json({"deploymentId": deployment_id, **found.given}) if as_json else output.say(deployment_id)


def show(context: typer.Context, database: Named, *, as_json: AsJson = False) -> None:
    """Shows how a database is reached, with its password where the key may change it."""
    with Session.of(context).client() as client:
        found = find_database(client, database)
        row = client.get(f"{found.kind}.one", **found.given)
    if as_json:
        output.say_json(row)
        return
    told = {"inside its project": row["internalUrl"], "from outside": row["externalUrl"]}
    for where, address in told.items():
        if address is not None:
            output.say(f"{where}: {address}")
    if not any(told.values()):
        output.say(f"{found.name} is reached by those who may change it.")


def start(context: typer.Context, database: Named, *, wait: StartWait = True, as_json: AsJson = False) -> None:
    """Starts a database that was stopped, and waits until it is up."""
    with Session.of(context).client() as client:
        found = find_database(client, database)
        client.post(f"{found.kind}.start", found.given)
        look = partial(client.get, f"{found.kind}.one", **found.given)
        logs = f"headway databases logs {found.name}"
        say_started(found.name, look, "applicationStatus", wait=wait, logs=logs, as_json=as_json)


def stop(context: typer.Context, database: Named, *, as_json: AsJson = False) -> None:
    """Stops a database; it stays stopped until it is started or deployed."""
    _call(context, database, "stop", "is stopped", as_json=as_json)


def delete(
    context: typer.Context,
    database: Named,
    *,
    volumes: Annotated[bool, typer.Option("--volumes", help="Its volumes too, with all that is in them.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Deletes a database and its deployments. Its volumes stay unless --volumes is given."""
    with Session.of(context).client() as client:
        found = find_database(client, database)
        if not yes:
            more = "ALL ITS DATA" if volumes else "all its deployments"
            confirm(f"Delete {found.name} of {found.project} with {more}?")
        answer = client.post(f"{found.kind}.remove", {**found.given, "deleteVolumes": volumes})
    output.say_json(answer) if as_json else output.say(f"{found.name} is deleted")


def logs(
    context: typer.Context,
    database: Named,
    *,
    tail: Tail = None,
    since: Since = ALL,
    as_json: AsJson = False,
) -> None:
    """Prints what a database wrote last."""
    wanted = wanted_lines(tail, since)
    with Session.of(context).client() as client:
        found = find_database(client, database)
        text = client.get(f"{found.kind}.readLogs", **found.given, **wanted) or ""
    if as_json:
        output.say_json({**found.given, "log": text})
    elif text:
        output.say_text(text)


def find_database(client: Client, named: str) -> Found:
    """The database of that name or id. Raises NotFound, and InvalidInput when several have the name."""
    from headway.cli.lookup import missing

    every = list(_every(client))
    found = [each for each in every if each.database_id == named] or [each for each in every if each.name == named]
    if not found:
        raise NotFound(missing("database", named, [each.name for each in every]))
    if len(found) > 1:
        where = ", ".join(f"{each.project} ({each.database_id})" for each in found)
        raise InvalidInput(f"Several databases are named {named}; give an id: {where}.")
    return found[0]


def _every(client: Client) -> Iterator[Found]:
    for project in client.get("project.all"):
        for environment in project["environments"]:
            for kind in DATABASES:
                for row in environment[kind]:
                    yield Found(kind=kind, project=project["name"], row=row)


def _reached(host: str) -> dict[str, Any]:
    name, _, port = host.rpartition(":") if ":" in host else (host, "", "")
    if port and not port.isdecimal():
        raise InvalidInput(f"--host: {host} is no name of a host, or a name with a port behind a colon.")
    return {"host": name, "port": int(port or 0)}


def _call(context: typer.Context, database: str, procedure: str, done: str, *, as_json: bool) -> None:
    with Session.of(context).client() as client:
        found = find_database(client, database)
        row = client.post(f"{found.kind}.{procedure}", found.given)
    output.say_json(row) if as_json else output.say(f"{found.name} {done}")


def _show(client: Client, deployment_id: str, name: str, *, as_json: bool) -> None:
    from headway.cli.follower import to_the_end

    row = to_the_end(client, deployment_id, as_json=as_json)
    if as_json:
        output.say_json(row)
    if row["status"] != "done":
        output.warn(f"headway: {name} was not deployed: {row.get('errorMessage') or output.state_of(row)}")
        raise typer.Exit(Status.ERROR)
    if not as_json:
        output.say(f"{name} is deployed ({output.time_of(row, output.now())})")
