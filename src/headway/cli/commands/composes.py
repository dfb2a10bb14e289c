"""`headway composes`: services of several containers, from a compose file to what runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.build_options import Submodules
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, InProject, OnServer, Since, Tail, Yes, wanted_lines
from headway.cli.output import Column
from headway.cli.remains import remains
from headway.cli.session import Session
from headway.cli.start_wait import StartWait, say_started
from headway.cli.statuses import Status
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput, NotFound
from headway.kernel.time_range import ALL

if TYPE_CHECKING:
    from headway.cli.client import Client

Named = Annotated[str, typer.Argument(metavar="COMPOSE", help="A compose service's name or id.")]
Title = Annotated[str | None, typer.Option(metavar="TEXT", help="What the deployment is called.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or print its id.")]
File = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="The compose file; -: standard input.")]
Git = Annotated[str | None, typer.Option("--git", metavar="URL", help="The repository that the file lies in.")]
Branch = Annotated[str | None, typer.Option("--branch", metavar="NAME", help="Default: the repository's default.")]
PathThere = Annotated[
    str | None,
    typer.Option("--path", metavar="PATH", help="Where the file lies; default: docker-compose.yml or compose.yaml."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A compose service (its row) and the project that it lies in."""

    project: str
    row: dict[str, Any]

    @property
    def compose_id(self) -> str:
        return str(self.row["composeId"])

    @property
    def name(self) -> str:
        return str(self.row["name"])


def list_composes(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the compose services of all projects."""
    with Session.of(context).client() as client:
        found = list(_every(client))
    if as_json:
        output.say_json([each.row for each in found])
        return
    output.say_table(
        (
            Column(title="NAME"),
            Column(title="STATUS", whole=True, states=True),
            Column(title="PROJECT", most=20),
            Column(title="ID", whole=True),
        ),
        [(each.name, each.row["composeStatus"], each.project, each.compose_id) for each in found],
    )


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    *,
    file: File = None,
    git: Git = None,
    branch: Branch = None,
    path: PathThere = None,
    submodules: Submodules = None,
    project: InProject = "default",
    stack: Annotated[
        bool, typer.Option("--stack", help="Runs it in the swarm that the panel's machine manages.")
    ] = False,
    server: OnServer = None,
    as_json: AsJson = False,
) -> None:
    """Makes a compose service of a file, or of a repository; 'headway composes deploy' then deploys it."""
    from headway.cli.commands.servers import find_server
    from headway.cli.lookup import environment_for

    given = _source(file, git, branch, path) | ({"composeType": "stack"} if stack else {}) | _fetched(submodules)
    with Session.of(context).client() as client:
        if server is not None:
            given["serverId"] = find_server(client, server)["serverId"]
        environment_id, _ = environment_for(client, project)
        row = client.post("compose.create", {"name": name, "environmentId": environment_id, **given})
    output.say_json(row) if as_json else output.say(f"{name} is made; headway composes deploy {name} deploys it")


def set_(
    context: typer.Context,
    compose: Named,
    *,
    file: File = None,
    git: Git = None,
    branch: Branch = None,
    path: PathThere = None,
    submodules: Submodules = None,
    as_json: AsJson = False,
) -> None:
    """Sets where a compose service comes from: another file, repository or branch, or another path in the repository.
    Its next deploy takes it from there.
    """
    if not (file or git or branch or path) and submodules is None:
        raise InvalidInput("Say what is to be set: --file FILE, --git URL, --branch NAME, --path PATH or --submodules.")
    given = None if file is None and git is None else changed_source(file, git, branch, path)
    with Session.of(context).client() as client:
        found = find_compose(client, compose)
        if given is None and not (branch or path):
            given = {}
        elif given is None:
            source = client.get("compose.one", composeId=found.compose_id)["sourceType"]
            given = moved_within(found.name, source, branch, path)
        row = client.post("compose.update", {"composeId": found.compose_id, **given, **_fetched(submodules)})
    said = f"{found.name} comes from there from its next deploy on: headway composes deploy {found.name}"
    output.say_json(row) if as_json else output.say(said)


def deploy(
    context: typer.Context,
    compose: Named,
    *,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Gives it this compose file first; -: standard input.")
    ] = None,
    title: Title = None,
    wait: Wait = True,
    as_json: AsJson = False,
) -> None:
    """Deploys a compose service from where it comes from.

    Exits with 0 when it is done and 1 when it ended in an error. With --json the log goes to standard error.
    """
    with Session.of(context).client() as client:
        found = find_compose(client, compose)
        if file is not None:
            client.post("compose.update", {"composeId": found.compose_id, **_source(file, None, None, None)})
        deployment_id = client.start("compose.deploy", {"composeId": found.compose_id, "title": title})
        if wait:
            _show(client, deployment_id, found.name, as_json=as_json)
        else:
            made = {"deploymentId": deployment_id, "composeId": found.compose_id}
            output.say_json(made) if as_json else output.say(deployment_id)


def start(context: typer.Context, compose: Named, *, wait: StartWait = True, as_json: AsJson = False) -> None:
    """Starts the containers of a compose service again, and waits until they are up and answer."""
    with Session.of(context).client() as client:
        found = find_compose(client, compose)
        client.post("compose.start", {"composeId": found.compose_id})
        look = partial(client.get, "compose.one", composeId=found.compose_id)
        logs = f"headway composes logs {found.name}"
        say_started(found.name, look, "composeStatus", wait=wait, logs=logs, as_json=as_json)


def stop(context: typer.Context, compose: Named, *, as_json: AsJson = False) -> None:
    """Stops the containers of a compose service; they stay stopped until it is started or deployed."""
    _call(context, compose, "compose.stop", "is stopped", as_json=as_json)


def delete(
    context: typer.Context,
    compose: Named,
    *,
    volumes: Annotated[bool, typer.Option("--volumes", help="Its volumes too, with all that is in them.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Deletes a compose service, its containers and its deployments. Its volumes stay unless --volumes is given."""
    with Session.of(context).client() as client:
        found = find_compose(client, compose)
        if not yes:
            more = "ALL DATA IN ITS VOLUMES" if volumes else "all its deployments"
            confirm(f"Delete {found.name} of {found.project} with its containers and {more}?")
        answer = client.post("compose.delete", {"composeId": found.compose_id, "deleteVolumes": volumes})
    if as_json:
        output.say_json(answer)
        return
    label = f"headway.compose={found.compose_id}"
    stays = remains(answer, label, volumes_went=volumes)
    output.say(f"{found.name} is deleted. {stays}")


def logs(
    context: typer.Context,
    compose: Named,
    *,
    tail: Tail = None,
    since: Since = ALL,
    as_json: AsJson = False,
) -> None:
    """Prints what the containers of a compose service wrote last, each line behind the name of its service."""
    wanted = wanted_lines(tail, since)
    with Session.of(context).client() as client:
        found = find_compose(client, compose)
        text = client.get("compose.readLogs", composeId=found.compose_id, **wanted) or ""
    if as_json:
        output.say_json({"composeId": found.compose_id, "log": text})
    elif text:
        output.say_text(text)


def find_compose(client: Client, named: str) -> Found:
    """The compose service of that name or id. Raises NotFound, and InvalidInput when several have the name."""
    from headway.cli.lookup import missing

    every = list(_every(client))
    found = [each for each in every if each.compose_id == named] or [each for each in every if each.name == named]
    if not found:
        raise NotFound(missing("compose service", named, [each.name for each in every]))
    if len(found) > 1:
        where = ", ".join(f"{each.project} ({each.compose_id})" for each in found)
        raise InvalidInput(f"Several compose services are named {named}; give an id: {where}.")
    return found[0]


def _source(file: Path | None, git: str | None, branch: str | None, path: str | None) -> dict[str, Any]:
    if (file is None) == (git is None):
        raise InvalidInput("Give either --file with the compose file, or --git with the address of its repository.")
    if git is not None:
        given = {"sourceType": "git", "customGitUrl": git, "customGitBranch": branch, "composePath": path}
        return {name: value for name, value in given.items() if value is not None}
    try:
        text = sys.stdin.read() if str(file) == "-" else Path(str(file)).read_text()
    except OSError as error:
        raise InvalidInput(f"--file: {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"--file: {file} is not text in UTF-8.") from error
    return {"sourceType": "raw", "composeFile": text}


def _fetched(submodules: bool | None) -> dict[str, bool]:  # noqa: FBT001 - an option's value
    return {} if submodules is None else {"enableSubmodules": submodules}


def changed_source(file: Path | None, git: str | None, branch: str | None, path: str | None) -> dict[str, Any]:
    """The fields of another file or repository: what is not said of a repository is as the help says, whatever was said
    of the one before.
    """
    defaults = {} if git is None else {"customGitBranch": None, "composePath": "./docker-compose.yml"}
    return defaults | _source(file, git, branch, path)


def moved_within(name: str, source: str, branch: str | None, path: str | None) -> dict[str, Any]:
    """The fields of another branch or path in where a service comes from: each is the one that its deploy reads. Raises
    InvalidInput where there is none.
    """
    if source == "raw":
        raise InvalidInput(
            f"{name} was given its compose file and comes from no repository: give --file FILE, or --git URL too."
        )
    if source == "drop" and branch:
        raise InvalidInput(f"{name} comes from an upload, which has no branch: give --git URL too.")
    of_branch = {"git": "customGitBranch", "github": "branch"}.get(source, f"{source}Branch")
    return {field: value for field, value in ((of_branch, branch), ("composePath", path)) if value}


def _every(client: Client) -> Iterator[Found]:
    for project in client.get("project.all"):
        for environment in project["environments"]:
            for row in environment["compose"]:
                yield Found(project=project["name"], row=row)


def _call(context: typer.Context, compose: str, procedure: str, done: str, *, as_json: bool) -> None:
    with Session.of(context).client() as client:
        found = find_compose(client, compose)
        client.post(procedure, {"composeId": found.compose_id})
        row = client.get("compose.one", composeId=found.compose_id) if as_json else None
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
