"""`headway deploy`: from a repository or a folder to an address, in one command that can be repeated."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from headway.cli import output
from headway.cli.answers import warn_of_answers
from headway.cli.build_options import settable
from headway.cli.options import AsJson, BuildServer, InProject, OnServer
from headway.cli.session import Session
from headway.cli.statuses import Status
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from headway.cli.checkout import Checkout, Commit, Folder
    from headway.cli.client import Client

_DATA_DIR = re.compile(r"^DATA_DIR is (\S+):", re.MULTILINE)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@settable
def deploy(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Argument(metavar="SOURCE", help="A folder, or a repository's address; default: this folder."),
    ] = None,
    *,
    settings: Mapping[str, Any],
    image: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="An image that is there already, and no source: nginx:1.27.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The application; default: the folder's, repository's or image's name."),
    ] = None,
    branch: Annotated[
        str | None, typer.Option(metavar="NAME", help="Default: the folder's branch, the repository's default.")
    ] = None,
    build_path: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="The folder to build, within the source.")
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option("--env", "-e", metavar="NAME=VALUE", help="Sets a variable, NAME=VALUE; may be repeated."),
    ] = None,
    env_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Sets the variables of a file of NAME=VALUE lines; -: stdin.")
    ] = None,
    project: InProject = "default",
    server: OnServer = None,
    build_server: BuildServer = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the deployment is called; default: the commit's subject.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or print its id.")] = True,
    as_json: AsJson = False,
) -> None:
    """Deploys a repository, or a folder: makes or updates the application, and shows its address.

    Of a folder in a git work tree what was committed is deployed: a panel on this machine fetches it, any other is sent
    it. Any other folder is uploaded, without .git, node_modules, .venv, __pycache__ and what its .gitignore,
    .dockerignore and .headwayignore name. Exits with 0 when it is done and 1 when it ended in an error. With --json the
    log goes to standard error.
    """
    variables = _variables_in(env_file) | _variables(env or ())
    found = _what(source, image, branch, build_path)
    application = name or found.name
    if not application:
        raise InvalidInput(f"No name for the application follows from {source}: give one with --name.")
    with Session.of(context).client() as client:
        on = _servers(client, server, build_server)
        application_id = _application(client, application, project, on)
        sent = _pointed(client, found, application_id)
        _set(client, application_id, settings, variables)
        deployment_id = _begun(client, sent, application_id, title)
        _await(client, deployment_id, application_id, application, wait=wait, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is deployed as it is."""

    reference: str

    @property
    def name(self) -> str:
        """The last word of its name, without tag and digest."""
        return self.reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def deploy_again(
    context: typer.Context,
    application: Annotated[str, typer.Argument(metavar="APPLICATION", help="An application's name or id.")],
    *,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="What the deployment is called.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or print its id.")] = True,
    as_json: AsJson = False,
) -> None:
    """Deploys an application from where it comes from, with the settings that it has.

    Exits as 'headway deploy' does.
    """
    from headway.cli.lookup import find_application

    with Session.of(context).client() as client:
        place = find_application(client, application)
        deployment_id = client.deploy(place.application_id, title)
        _await(client, deployment_id, place.application_id, place.name, wait=wait, as_json=as_json)


def _variables(given: Sequence[str]) -> dict[str, str]:
    variables = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not _VARIABLE_NAME.fullmatch(name):
            raise InvalidInput("--env: it takes NAME=VALUE, with a name of letters, digits and _.")
        variables[name] = value
    return variables


def _variables_in(file: Path | None) -> dict[str, str]:
    """The variables of a file, which keeps secret ones out of the list of processes."""
    from headway.kernel.variables import parse_variables

    if file is None:
        return {}
    try:
        return parse_variables(sys.stdin.read() if str(file) == "-" else file.read_text())
    except OSError as error:
        raise InvalidInput(f"--env-file: {file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"--env-file: {file} is not text in UTF-8.") from error


def _servers(client: Client, server: str | None, build_server: str | None) -> dict[str, str]:
    """Those that are named, as the API takes them. Raises NotFound."""
    from headway.cli.commands.servers import find_server

    named = {"serverId": server, "buildServerId": build_server}
    return {field: find_server(client, each)["serverId"] for field, each in named.items() if each is not None}


def _application(client: Client, name: str, project: str, on: Mapping[str, str]) -> str:
    """The application of that name in the project and on these servers, made where there is none; its id."""
    from headway.cli.lookup import environment_for

    environment_id, inside = environment_for(client, project)
    for place in inside:
        if place.name == name:
            if on:
                client.post("application.update", {"applicationId": place.application_id, **on})
            return place.application_id
    made = client.post("application.create", {"name": name, "environmentId": environment_id, **on})
    return str(made["applicationId"])


def _what(
    source: str | None, image: str | None, branch: str | None, build_path: str | None
) -> Checkout | Folder | Image:
    from headway.cli.checkout import look_at

    if image is None:
        return look_at(source or ".", branch, build_path)
    for option, given in (("a source", source), ("--branch", branch), ("--build-path", build_path)):
        if given is not None:
            raise InvalidInput(f"--image: an image is deployed as it is; {option} does not go with it.")
    return Image(image)


def _pointed(client: Client, what: Checkout | Folder | Image, application_id: str) -> Folder | Commit | None:
    """What is to be sent of this machine's: None where the panel fetches what it was pointed at."""
    if isinstance(what, Image):
        client.post("application.saveDockerProvider", {"applicationId": application_id, "dockerImage": what.reference})
        return None
    from headway.cli.checkout import Folder

    return what if isinstance(what, Folder) else _of_checkout(client, what, application_id)


def _of_checkout(client: Client, checkout: Checkout, application_id: str) -> Commit | None:
    from headway.cli.client import NotAllowed

    if checkout.warning:
        output.warn(f"warning: {checkout.warning}")
    commit = checkout.committed()
    if commit is not None and not client.sees_our_files():
        return commit
    source = {
        "customGitUrl": checkout.url,
        "customGitBranch": checkout.branch,
        "customGitBuildPath": checkout.build_path,
    }
    try:
        client.post("application.saveGitProvider", {"applicationId": application_id, **source})
    except NotAllowed:
        if commit is None:
            raise
        return commit  # a folder of the machine is not for everybody to fetch from
    return None


def _set(client: Client, application_id: str, changed: Mapping[str, Any], variables: Mapping[str, str]) -> None:
    if changed:
        client.post("application.update", {"applicationId": application_id, **changed})
    if variables:
        from headway.cli.variable_change import save
        from headway.kernel.variable_text import merged

        given = {"applicationId": application_id}
        save(
            client,
            "application.saveEnvironment",
            given,
            lambda: client.get("application.one", **given).get("env") or "",
            lambda before: merged(before, variables),
        )


def _begun(client: Client, sent: Folder | Commit | None, application_id: str, title: str | None) -> str:
    """The deployment, which what is sent goes along with."""
    if sent is None:
        return client.deploy(application_id, title)
    return _upload(client, sent, application_id, title)


def _upload(client: Client, what: Folder | Commit, application_id: str, title: str | None) -> str:
    from headway.cli.checkout import Folder

    with TemporaryFile() as archive:
        if isinstance(what, Folder):
            name = _packed(what, archive)
        else:
            name, title = what.top.name, title or what.subject
            size = output.size(what.pack(archive))
            output.warn(f"Uploading what was committed to {what.top} as {what.hash[:7]} ({size})")
        given = {"applicationId": application_id, "title": title, "dropBuildPath": what.build_path}
        return client.upload("application.dropDeployment", {**given, "fileName": f"{name}.tar.gz"}, archive)


def _packed(folder: Folder, archive: BinaryIO) -> str:
    from headway.cli.archive import pack

    packed = pack(folder.path, archive)
    without = f", without {', '.join(packed.left_out[:4])}" if packed.left_out else ""
    more = f" and {len(packed.left_out) - 4} more" if len(packed.left_out) > 4 else ""
    output.warn(f"Uploading {packed.files} files of {folder.path} ({output.size(packed.bytes)}){without}{more}")
    return folder.path.name


def _await(client: Client, deployment_id: str, application_id: str, name: str, *, wait: bool, as_json: bool) -> None:
    if wait:
        _show(client, deployment_id, application_id, name, as_json=as_json)
    elif as_json:
        output.say_json({"deploymentId": deployment_id, "applicationId": application_id})
    else:
        output.say(deployment_id)


def _say_what_stays(client: Client, deployment_id: str) -> None:
    """Names the application's own folder once more, where the log has: not every application has one."""
    log = client.get("deployment.readLogs", deploymentId=deployment_id, tail=10_000)
    if found := _DATA_DIR.search(str(log)):
        output.say(f"What is to stay belongs in DATA_DIR, {found[1]}")


def _show(client: Client, deployment_id: str, application_id: str, name: str, *, as_json: bool) -> None:
    from headway.cli.follower import to_the_end

    row = to_the_end(client, deployment_id, as_json=as_json)
    addresses = client.get("application.one", applicationId=application_id)["addresses"]
    if as_json:
        output.say_json({**row, "addresses": addresses})
    if row["status"] != "done":
        output.warn(f"headway: {name} was not deployed: {row.get('errorMessage') or output.state_of(row)}")
        raise typer.Exit(Status.ERROR)
    if not as_json:
        took = output.time_of(row, output.now())
        _say_what_stays(client, deployment_id)
        output.say(f"{name} is deployed ({took})" + "".join(f"\n{address}" for address in addresses))
    warn_of_answers(row, name, next(iter(addresses), ""))
