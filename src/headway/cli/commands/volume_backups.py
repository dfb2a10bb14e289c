"""`headway volume-backups`: volumes and data folders, kept at destinations and restored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output, stored_backups
from headway.cli.confirmation import confirm
from headway.cli.options import DATABASES, AsJson, Yes
from headway.cli.output import Column
from headway.cli.session import Session
from headway.cli.stored_backups import Row
from headway.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from headway.cli.client import Client

Named = Annotated[str, typer.Argument(metavar="BACKUP", help="A volume backup's name or id.")]


def list_backups(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the volume backups of all services."""
    with Session.of(context).client() as client:
        rows = list(_every(client))
    if as_json:
        output.say_json(rows)
        return
    columns = (
        Column(title="NAME"),
        Column(title="SERVICE"),
        Column(title="VOLUME"),
        Column(title="STOPS IT", whole=True),
        Column(title="CRON", whole=True),
        Column(title="ID", whole=True),
    )
    shown = [
        (
            *(each["name"], stored_backups.service_of(each), each["volumeName"], "yes" if each["turnOff"] else "no"),
            *(str(each["cronExpression"] or "by hand") if each["enabled"] else "off", each["volumeBackupId"]),
        )
        for each in rows
    ]
    output.say_table(columns, shown)


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    volume: Annotated[
        str, typer.Option(metavar="VOLUME", help="Which volume, or 'data': what the service keeps itself.")
    ],
    *,
    app: Annotated[str | None, typer.Option(metavar="APPLICATION", help="Of this application.")] = None,
    compose: Annotated[str | None, typer.Option(metavar="COMPOSE", help="Of this compose service.")] = None,
    database: Annotated[str | None, typer.Option(metavar="DATABASE", help="Of this database.")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="The service is stopped while its volume is read.")] = False,
    to: stored_backups.To = None,
    cron: stored_backups.Cron = "",
    timezone: stored_backups.Zone = "UTC",
    keep: stored_backups.Keep = None,
    keep_days: stored_backups.KeepDays = None,
    as_json: AsJson = False,
) -> None:
    """Makes a volume backup; 'headway volume-backups run' takes it now."""
    body: dict[str, Any] = {"name": name, "volumeName": volume, "turnOff": stop, "cronExpression": cron}
    body |= {"timezone": timezone, "keepLatestCount": keep, "keepDays": keep_days, "prefix": ""}
    with Session.of(context).client() as client:
        body |= {"destinationId": stored_backups.destination_of(client, to), **_whose(client, app, compose, database)}
        made = client.post("volumeBackups.create", {key: value for key, value in body.items() if value is not None})
    output.say_json(made) if as_json else output.say(f"{name} is made ({made['volumeBackupId']})")


def run(context: typer.Context, backup: Named, *, wait: stored_backups.Wait = True, as_json: AsJson = False) -> None:
    """Makes a volume backup now. Exits with 0 when it was read back and found whole, and 1 on an error."""
    with Session.of(context).client() as client:
        row = _find(client, backup)
        started = client.start("volumeBackups.runManually", {"volumeBackupId": row["volumeBackupId"]})
        stored_backups.follow(client, started, str(row["name"]), noun="backup", wait=wait, as_json=as_json)


def files(context: typer.Context, backup: Named, *, as_json: AsJson = False) -> None:
    """Lists what is kept of a volume backup, newest first."""
    with Session.of(context).client() as client:
        found = client.get("volumeBackups.files", volumeBackupId=_find(client, backup)["volumeBackupId"])
    stored_backups.say_files(found, as_json=as_json)


def restore(
    context: typer.Context,
    backup: Named,
    *,
    file: stored_backups.File = None,
    into: Annotated[str | None, typer.Option(metavar="VOLUME", help="A new volume; without it the same one.")] = None,
    yes: Yes = False,
    wait: stored_backups.Wait = True,
    as_json: AsJson = False,
) -> None:
    """Restores a kept file into a new volume or the same one, and says first what that overwrites."""
    with Session.of(context).client() as client:
        row = _find(client, backup)
        found = client.get("volumeBackups.files", volumeBackupId=row["volumeBackupId"])
        given = stored_backups.chosen(found, file)
        what = f"{given['path']} of {stored_backups.moment(given['createdAt'], '')}"
        if into is None:
            output.warn(
                f"Restoring {what}. All that is in the volume {row['volumeName']} of {stored_backups.service_of(row)} "
                "is replaced by it, and the service is stopped meanwhile."
            )
        else:
            output.warn(f"Restoring {what} into the new volume {into}: nothing is overwritten.")
        if into is None and not yes:
            confirm("Go on?")
        body = {"volumeBackupId": row["volumeBackupId"], "backupFileName": given["path"], "volumeName": into}
        started = client.start(
            "volumeBackups.restoreVolumeBackupWithLogs", body | {"destinationId": given["destinationId"]}
        )
        stored_backups.follow(
            client, started, f"the restore of {row['name']}", noun="restore", wait=wait, as_json=as_json
        )


def delete(context: typer.Context, backup: Named, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Ends the runs of a volume backup and forgets it; its files stay where they lie."""
    with Session.of(context).client() as client:
        row = _find(client, backup)
        if not yes:
            confirm(f"Forget the volume backup {row['name']}? Its files stay where they lie.")
        gone = client.post("volumeBackups.delete", {"volumeBackupId": row["volumeBackupId"]})
    output.say_json(gone) if as_json else output.say(f"{row['name']} is forgotten; its files stay where they lie")


def _find(client: Client, named: str) -> Row:
    return stored_backups.find(list(_every(client)), named, "volumeBackupId", "volume backup")


def _every(client: Client) -> Iterator[Row]:
    for project in client.get("project.all"):
        for environment in project["environments"]:
            kinds = {"application": environment["applications"], "compose": environment["compose"]}
            kinds |= {kind: environment[kind] for kind in DATABASES}
            for kind, rows in kinds.items():
                for row in rows:
                    yield from client.get("volumeBackups.list", id=row[f"{kind}Id"], volumeBackupType=kind)


def _whose(client: Client, app: str | None, compose: str | None, database: str | None) -> dict[str, Any]:
    """Whose volume it is. Raises InvalidInput."""
    from headway.cli.commands.composes import find_compose
    from headway.cli.commands.databases import find_database
    from headway.cli.lookup import find_application

    if [app, compose, database].count(None) != 2:
        raise InvalidInput("Say whose volume it is: one of --app, --compose and --database.")
    if database is not None:
        return find_database(client, database).given
    if app is not None:
        return {"serviceType": "application", "applicationId": find_application(client, app).application_id}
    return {"serviceType": "compose", "composeId": find_compose(client, compose or "").compose_id}
