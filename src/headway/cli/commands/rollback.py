"""`headway rollback`: back to what served before, after a look at what that would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, Yes
from headway.cli.output import Column
from headway.cli.session import Session
from headway.cli.statuses import Status
from headway.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from headway.cli.client import Client

Json = Mapping[str, Any]
Identifier = Annotated[
    str, typer.Argument(metavar="ID", help="The deployment to go back to: its id, or the beginning of it.")
]
Keep = Annotated[
    bool, typer.Option("--keep-configuration", help="Only what was built goes back; all the rest stays as it is now.")
]
Service = Annotated[str, typer.Argument(metavar="NAME", help="An application or compose service, by name or id.")]
Title = Annotated[str | None, typer.Option(metavar="TEXT", help="What the deployment is called.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or print its id.")]
_LONGEST = 60
_SHOWN_HASH = 12


def list_releases(
    context: typer.Context,
    service: Service,
    *,
    as_json: AsJson = False,
) -> None:
    """Lists what one can go back to, the newest first, and what keeps one from it."""
    with Session.of(context).client() as client:
        rows = [row for row in _rows(client, service) if row["rollback"] is not None]
    if as_json:
        output.say_json([row["rollback"] for row in rows])
        return
    now = output.now()
    output.say_table(
        (
            Column(title="ID", whole=True),
            Column(title="VERSION", whole=True, right=True),
            Column(title="TITLE"),
            Column(title="AGE", whole=True, right=True),
            Column(title="USABLE", most=_LONGEST),
        ),
        [
            (
                row["deploymentId"],
                str(row["rollback"]["version"]),
                row["title"],
                output.age_of(row, now),
                usability(row["rollback"]),
            )
            for row in rows
        ],
    )


def preview(
    context: typer.Context, identifier: Identifier, *, keep_configuration: Keep = False, as_json: AsJson = False
) -> None:
    """Shows what going back would change."""
    with Session.of(context).client() as client:
        told = _preview(client, _left(client, identifier), keep_configuration=keep_configuration)
    output.say_json(told) if as_json else _say(told)


def to(
    context: typer.Context,
    identifier: Identifier,
    *,
    keep_configuration: Keep = False,
    title: Title = None,
    wait: Wait = True,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Goes back to what a deployment left. What waits or runs of the same service ends.

    Exits with 0 when that serves again and 1 when it ended in an error. With --json the log goes to standard error.
    """
    with Session.of(context).client() as client:
        rollback_id = _left(client, identifier)
        _go(client, rollback_id, title, keep_configuration=keep_configuration, wait=wait, yes=yes, as_json=as_json)


def back(
    context: typer.Context,
    service: Service,
    *,
    version: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="To this version; default: the release before.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what that would change, and change nothing.")
    ] = False,
    keep_configuration: Keep = False,
    title: Title = None,
    wait: Wait = True,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Goes back to the release of a service before the one that serves, or to a version.

    A rollback is a release too: before it is what it went back from. What waits or runs of the same service ends. Exits
    with 0 when that serves again and 1 when it ended in an error. With --json the log goes to standard error.
    """
    with Session.of(context).client() as client:
        rollback_id = chosen([row["rollback"] for row in _rows(client, service)], service, version)
        if dry_run:
            told = _preview(client, rollback_id, keep_configuration=keep_configuration)
            output.say_json(told) if as_json else _say(told)
            return
        _go(client, rollback_id, title, keep_configuration=keep_configuration, wait=wait, yes=yes, as_json=as_json)


def chosen(left: Sequence[Json | None], service: str, version: int | None) -> str:
    """What to go back to: that version, or else the newest usable one before the one that serves (of all, where none
    does). Raises NotFound, and InvalidInput where the version cannot be gone back to.
    """
    found = sorted((each for each in left if each is not None), key=lambda each: -each["version"])
    others = ", ".join(f"--version {each['version']}" for each in found if each["usable"])
    kept = f"One can go to: {others}." if others else "There is no other to go to."
    if version is not None:
        named = next((each for each in found if each["version"] == version), None)
        if named is None:
            raise NotFound(f"{service} has no version {version}, or no longer. {kept}")
        if not named["usable"]:
            raise InvalidInput(f"One cannot go to version {version} of {service}: {named['whyNot']} {kept}")
        return str(named["rollbackId"])
    serving = next((each["version"] for each in found if each["serves"]), None)
    for each in found:
        if each["usable"] and (serving is None or each["version"] < serving):
            return str(each["rollbackId"])
    before = "" if serving is None else f" before version {serving}"
    raise NotFound(f"Nothing that was released of {service}{before} is kept. {kept}")


def _go(
    client: Client,
    rollback_id: str,
    title: str | None,
    *,
    keep_configuration: bool,
    wait: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from headway.cli.follower import to_the_end

    if not yes:
        with output.aside(wanted=as_json):
            _say(_preview(client, rollback_id, keep_configuration=keep_configuration))
        confirm("Go back?")
    given = {"rollbackId": rollback_id, "keepConfiguration": keep_configuration, "title": title}
    deployment_id = client.start("rollback.rollback", given)
    if not wait:
        output.say_json({"deploymentId": deployment_id}) if as_json else output.say(deployment_id)
        return
    row = to_the_end(client, deployment_id, as_json=as_json)
    if as_json:
        output.say_json(row)
    if row["status"] != "done":
        output.warn(f"headway: not gone back: {row.get('errorMessage') or output.state_of(row)}")
        raise typer.Exit(Status.ERROR)
    if not as_json:
        output.say(f"{row['title']} is done ({output.time_of(row, output.now())})")


def delete(context: typer.Context, identifier: Identifier, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Removes what a deployment left, so that nobody can go back to it; its row and its log stay."""
    with Session.of(context).client() as client:
        rollback_id = _left(client, identifier)
        if not yes:
            confirm(f"Remove the release of {rollback_id}?")
        removed = client.post("rollback.delete", {"rollbackId": rollback_id})
    output.say_json(removed) if as_json else output.say(f"the release of {rollback_id} is removed")


def usability(left: Json) -> str:
    """Whether one can go back to a release, and if not why not."""
    return "yes" if left["usable"] else f"no: {left['whyNot']}"


def _rows(client: Client, named: str) -> list[Json]:
    """The deployments of a service. Raises NotFound, and InvalidInput for a database."""
    from headway.cli.lookup import find_service

    service = find_service(client, named)
    if service.group == "databases":
        raise InvalidInput(
            f"{service.name} is a database, and its data stays whatever is deployed: there is nothing to go back to. "
            "'headway backups restore' brings back a backup."
        )
    procedure = "deployment.allByCompose" if service.kind == "compose" else "deployment.all"
    return list(client.get(procedure, **service.given))


def _left(client: Client, identifier: str) -> str:
    """What a deployment left. Raises InvalidInput where it left nothing."""
    from headway.cli.lookup import deployment_id

    row = client.get("deployment.one", deploymentId=deployment_id(client, identifier))
    if row["rollbackId"] is None:
        raise InvalidInput(
            f"Deployment {row['deploymentId']} left nothing that one could go back to. 'headway rollback list' shows "
            "what did."
        )
    return str(row["rollbackId"])


def _preview(client: Client, rollback_id: str, *, keep_configuration: bool) -> Json:
    given = {"rollbackId": rollback_id, "keepConfiguration": "true" if keep_configuration else "false"}
    told: Json = client.get("rollback.preview", **given)
    return told


def _say(told: Json) -> None:
    output.say_fields(_fields(told))
    if told["changes"]:
        output.say()
        output.say_table(
            (Column(title="WHAT"), Column(title="NAME"), Column(title="NOW", most=40), Column(title="THEN", most=40)),
            [(each["what"], each["name"], *_values(each)) for each in told["changes"]],
        )


def _fields(told: Json) -> Iterator[tuple[str, str]]:
    yield "Serves now", _named(told["now"]) if told["now"] is not None else "nothing"
    yield "Would serve", _named(told["to"])
    yield "Usable", usability(told)
    for sentence in told["stays"]:
        yield "Stays", sentence


def _named(made: Json) -> str:
    of = made["image"] or f"{(made['commit'] or '')[:_SHOWN_HASH]} {made['message'] or ''}".strip()
    return f"version {made['version']}" + (f" ({of})" if of else "")


def _values(each: Json) -> tuple[str, str]:
    if each["secret"]:
        return ("******", "another value")
    return (each["before"] or "-", each["after"] or "-")
