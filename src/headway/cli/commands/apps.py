"""`headway apps`: what is deployed and whether it serves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import build_summary, output
from headway.cli.commands.servers import names_of
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, Since, Tail, Yes, wanted_lines
from headway.cli.output import Column
from headway.cli.remains import remains
from headway.cli.session import Session
from headway.cli.start_wait import StartWait, say_started
from headway.kernel.time_range import ALL

if TYPE_CHECKING:
    from headway.cli.client import Client
    from headway.cli.lookup import Place

Named = Annotated[str, typer.Argument(metavar="APPLICATION", help="An application's name or id.")]

_MOST_REPLICAS = 1_000


def list_applications(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the applications of all projects."""
    from headway.cli.lookup import places

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
        servers = {} if as_json else names_of(client, row["serverId"], row["buildServerId"])
    if as_json:
        output.say_json(row)
        return
    output.say_fields(_fields(row, servers))
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


def start(context: typer.Context, application: Named, *, wait: StartWait = True, as_json: AsJson = False) -> None:
    """Starts an application again, with the release that served last, and waits until it answers."""
    with Session.of(context).client() as client:
        place = _find(client, application)
        given = {"applicationId": place.application_id}
        client.post("application.start", given)
        logs = f"headway apps logs {place.name}"
        look = partial(client.get, "application.one", **given)
        say_started(place.name, look, "applicationStatus", wait=wait, logs=logs, as_json=as_json)


def stop(context: typer.Context, application: Named, *, as_json: AsJson = False) -> None:
    """Stops an application; nothing of it runs then, and it stays stopped until it is started or deployed."""
    _call(context, application, "application.stop", "is stopped", as_json=as_json)


def scale(
    context: typer.Context,
    application: Named,
    replicas: Annotated[int, typer.Argument(min=1, max=_MOST_REPLICAS, help="How many copies run.")],
    *,
    runtime: Annotated[
        str | None, typer.Option(metavar="auto|container|swarm", help="What runs them; auto takes a swarm for several.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sets how many copies of an image run with the next deploy, over the machines of a Docker swarm."""
    with Session.of(context).client() as client:
        place = _find(client, application)
        changed: dict[str, Any] = {"replicas": replicas} | ({} if runtime is None else {"runtime": runtime})
        client.post("application.update", {"applicationId": place.application_id, **changed})
    if as_json:
        output.say_json({"applicationId": place.application_id, **changed})
    else:
        output.say(f"The next deploy of {place.name} runs {replicas} {'copy' if replicas == 1 else 'copies'}")


def delete(context: typer.Context, application: Named, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Deletes an application, its releases and its deployments."""
    with Session.of(context).client() as client:
        place = _find(client, application)
        if not yes:
            confirm(f"Delete {place.name} of {place.project} with all its releases and deployments?")
        answer = client.post("application.delete", {"applicationId": place.application_id})
    if as_json:
        output.say_json(answer)
        return
    stays = remains(answer, f"headway.application={place.application_id}")
    output.say(f"{place.name} is deleted, with the data folder that it had without containers. {stays}")


def logs(
    context: typer.Context,
    application: Named,
    *,
    tail: Tail = None,
    since: Since = ALL,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as it writes, from each release to the next.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Prints what an application has written since it was started; of one that does not serve, what its last deployment
    said.

    Lines of processes have no times: what --since leaves may begin a second too early, longer where the panel was away.
    With --follow it goes on until it is broken off, also while the panel is started anew, and says when a release ends
    and the next one serves. With both --follow and --json each piece is an object on a line of its own.
    """
    wanted = wanted_lines(tail, since)
    with Session.of(context).client() as client:
        place = _find(client, application)
        if follow:
            from headway.cli.output_reader import show_output

            show_output(client, place.application_id, place.name, wanted, as_json=as_json)
            return
        text = client.get("application.readLogs", applicationId=place.application_id, **wanted) or ""
    if not text:
        output.warn(f"{place.name} has written nothing" + ("" if since == ALL else f" since {since}"))
    output.say_json({"applicationId": place.application_id, "log": text}) if as_json else output.say_text(text)


def releases(context: typer.Context, application: Named, *, as_json: AsJson = False) -> None:
    """Lists what its deployments left to serve: which serves, which wait or retire, which are kept, what each holds."""
    with Session.of(context).client() as client:
        found = client.get("release.all", applicationId=_find(client, application).application_id)
    if as_json:
        output.say_json(found)
        return
    now = output.now()
    output.say_table(
        (
            Column(title="#", whole=True, right=True),
            Column(title="STATE", whole=True, states=True),
            Column(title="COMMIT"),
            Column(title="PROCESSES"),
            Column(title="PORTS", most=17),
            Column(title="SIZE", whole=True, right=True),
            Column(title="AGE", whole=True, right=True),
        ),
        [_release(row, output.age_of(row, now)) for row in found],
    )


def _release(row: Mapping[str, Any], age: str) -> tuple[str, ...]:
    commit = row["commit"] or {"hash": "", "message": ""}
    state = row["state"]
    if not row["up"] and state not in {"kept", "starting"}:
        state = f"{state}, {'unknown' if row.get('unknown') else 'down'}"
    return (
        str(row["version"]),
        state,
        f"{commit['hash'][:8]} {commit['message']}".strip(),
        " ".join(f"{each['name']}={each['scale']}" for each in row["processes"]),
        " ".join(map(str, row["ports"])),
        output.size(row["bytes"]),
        age,
    )


def _call(context: typer.Context, application: str, procedure: str, done: str, *, as_json: bool) -> None:
    with Session.of(context).client() as client:
        place = _find(client, application)
        answer = client.post(procedure, {"applicationId": place.application_id})
    output.say_json(answer) if as_json else output.say(f"{place.name} {done}")


def _find(client: Client, application: str) -> Place:
    from headway.cli.lookup import find_application

    return find_application(client, application)


def _fields(row: Mapping[str, Any], servers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    environment = row.get("environment") or {}
    project = environment.get("project") or {}
    yield "Name", row["name"]
    yield "Status", row["applicationStatus"]
    yield "Address", " ".join(row["addresses"])
    yield "Project", " / ".join(str(each["name"]) for each in (project, environment) if each.get("name"))
    yield "Server", servers.get(row["serverId"], "")
    yield "Built on", servers.get(row["buildServerId"], "")
    yield "Source", row.get("customGitUrl") or ""
    yield "Branch", row.get("customGitBranch") or ""
    yield "Build path", row.get("customGitBuildPath") or ""
    yield "Builder", row.get("builder") or ("auto" if row["buildType"] == "nixpacks" else row["buildType"])
    yield from build_summary.settings(row)
    yield "Copies", str(row["replicas"]) if row["replicas"] > 1 or row["runtime"] == "swarm" else ""
    yield "ID", row["applicationId"]
