"""`headway backups`: databases and Headway itself, kept at destinations, restored and tried."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output, stored_backups
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, Yes
from headway.cli.output import Column
from headway.cli.session import Session
from headway.cli.stored_backups import Row
from headway.kernel.errors import InvalidInput

if TYPE_CHECKING:
    from headway.cli.client import Client

Named = Annotated[str, typer.Argument(metavar="BACKUP", help="A backup's name or id.")]
PASSWORD_VARIABLE = "HEADWAY_DATABASE_PASSWORD"  # noqa: S105 - a variable's name
_PANEL = "web-server"
_STARTERS: Mapping[str, str] = MappingProxyType(
    {
        "postgres": "backup.manualBackupPostgres",
        "mariadb": "backup.manualBackupMariadb",
        "mysql": "backup.manualBackupMySql",
        "mongo": "backup.manualBackupMongo",
        "libsql": "backup.manualBackupLibsql",
        _PANEL: "backup.manualBackupWebServer",
    }
)


def list_backups(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists the backups of databases and of Headway itself."""
    with Session.of(context).client() as client:
        rows = client.get("backup.all")
    if as_json:
        output.say_json(rows)
        return
    columns = (
        Column(title="NAME"),
        Column(title="KIND", whole=True),
        Column(title="OF"),
        Column(title="CRON", whole=True),
        Column(title="ID", whole=True),
    )
    shown = [(each["name"], each["databaseType"], _of(each), _cron(each), each["backupId"]) for each in rows]
    output.say_table(columns, shown)


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    kind: Annotated[str, typer.Option(help="postgres, mariadb, mysql, mongo, libsql, or web-server: Headway itself.")],
    *,
    database: Annotated[str, typer.Option(metavar="NAME", help="The database.")] = "",
    host: Annotated[str | None, typer.Option(metavar="HOST", help="Where its server is reached.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="PORT", help="At which port, if not the usual.")] = 0,
    username: Annotated[str, typer.Option(help=f"As whom; the password is taken from {PASSWORD_VARIABLE}.")] = "",
    environment: Annotated[str | None, typer.Option(metavar="ENVIRONMENT", help="Where the backup belongs.")] = None,
    project: Annotated[str | None, typer.Option(metavar="PROJECT", help="In which project that is.")] = None,
    compose: Annotated[
        str | None, typer.Option(metavar="COMPOSE", help="The server is in this compose service.")
    ] = None,
    service: Annotated[str | None, typer.Option(metavar="NAME", help="Which service of its file.")] = None,
    of: Annotated[
        str | None, typer.Option(metavar="DATABASE", help="The server is this database of Headway's.")
    ] = None,
    to: stored_backups.To = None,
    cron: stored_backups.Cron = "",
    timezone: stored_backups.Zone = "UTC",
    keep: stored_backups.Keep = None,
    keep_days: stored_backups.KeepDays = None,
    drill_days: Annotated[int | None, typer.Option(min=1, metavar="DAYS", help="Restored on trial so often.")] = None,
    as_json: AsJson = False,
) -> None:
    """Makes a backup; 'headway backups run' takes it now."""
    if kind != _PANEL and [host, compose, of].count(None) != 2:
        raise InvalidInput("Say where the server is: --of, or --host with --project, or --compose with --service.")
    body: dict[str, Any] = {"name": name, "databaseType": kind, "database": database, "schedule": cron}
    body |= {"timezone": timezone, "keepLatestCount": keep, "keepDays": keep_days, "drillDays": drill_days}
    reached = {
        "host": host or "",
        "port": port,
        "username": username,
        "password": os.environ.get(PASSWORD_VARIABLE, ""),
    }
    with Session.of(context).client() as client:
        body |= {"destinationId": stored_backups.destination_of(client, to)}
        if kind != _PANEL:
            body |= _place(client, reached, of=of, compose=(compose, service), where=(environment, project))
        made = client.post("backup.create", {key: value for key, value in body.items() if value is not None})
    output.say_json(made) if as_json else output.say(f"{name} is made ({made['backupId']})")


def run(context: typer.Context, backup: Named, *, wait: stored_backups.Wait = True, as_json: AsJson = False) -> None:
    """Makes a backup now. Exits with 0 when it was read back and found whole, and 1 when it ended in an error."""
    with Session.of(context).client() as client:
        row = _find(client, backup)
        in_compose = row["backupType"] == "compose"
        procedure = "backup.manualBackupCompose" if in_compose else _STARTERS[row["databaseType"]]
        started = client.start(procedure, {"backupId": row["backupId"]})
        stored_backups.follow(client, started, str(row["name"]), noun="backup", wait=wait, as_json=as_json)


def files(context: typer.Context, backup: Named, *, as_json: AsJson = False) -> None:
    """Lists what is kept of a backup, newest first."""
    with Session.of(context).client() as client:
        found = client.get("backup.files", backupId=_find(client, backup)["backupId"])
    stored_backups.say_files(found, as_json=as_json)


def restore(
    context: typer.Context,
    backup: Named,
    *,
    file: stored_backups.File = None,
    into: Annotated[
        str | None, typer.Option(metavar="DATABASE", help="Another database than the one it is of.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="What that holds may be replaced.")] = False,
    yes: Yes = False,
    wait: stored_backups.Wait = True,
    as_json: AsJson = False,
) -> None:
    """Restores a kept file into its database or another, and says first what that overwrites. One that is not there is
    made; one that has tables is refused without --overwrite.
    """
    with Session.of(context).client() as client:
        row = _find(client, backup)
        given = stored_backups.chosen(client.get("backup.files", backupId=row["backupId"]), file)
        target = into or row["database"]
        what = f"{given['path']} of {stored_backups.moment(given['createdAt'], '')}"
        if overwrite:
            output.warn(f"Restoring {what}. What {target} of {_of(row)} holds of the same names is replaced by it.")
        else:
            output.warn(f"Restoring {what} into {target} of {_of(row)}, if that is empty: nothing is overwritten.")
        if overwrite and not yes:
            confirm("Go on?")
        body = {"backupId": row["backupId"], "backupFile": given["path"], "destinationId": given["destinationId"]}
        body |= {"databaseName": target, "overwrite": overwrite}
        started = client.start("backup.restoreBackupWithLogs", body)
        stored_backups.follow(
            client, started, f"the restore of {row['name']}", noun="restore", wait=wait, as_json=as_json
        )


def drill(
    context: typer.Context,
    backup: Named,
    *,
    file: stored_backups.File = None,
    wait: stored_backups.Wait = True,
    as_json: AsJson = False,
) -> None:
    """Restores a kept file on trial, into a database that is thrown away."""
    with Session.of(context).client() as client:
        row = _find(client, backup)
        started = client.start("backup.drill", {"backupId": row["backupId"], "backupFile": file})
        stored_backups.follow(client, started, f"the trial of {row['name']}", noun="trial", wait=wait, as_json=as_json)


def delete(context: typer.Context, backup: Named, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Ends the runs of a backup and forgets it; its files stay where they lie."""
    with Session.of(context).client() as client:
        row = _find(client, backup)
        if not yes:
            confirm(f"Forget the backup {row['name']}? Its files stay where they lie.")
        gone = client.post("backup.remove", {"backupId": row["backupId"]})
    output.say_json(gone) if as_json else output.say(f"{row['name']} is forgotten; its files stay where they lie")


def _find(client: Client, named: str) -> Row:
    return stored_backups.find(client.get("backup.all"), named, "backupId", "backup")


def _of(row: Row) -> str:
    """What a backup is of."""
    if row["databaseType"] == _PANEL:
        return "Headway itself"
    if row["backupType"] == "compose":
        return f"{row['database']} at {row['serviceName']}"
    where = stored_backups.service_of(row) if row["connection"] is None else row["connection"]["host"]
    return f"{row['database']} at {where}"


def _cron(row: Row) -> str:
    return str(row["schedule"] or "by hand") if row["enabled"] else "off"


def _place(
    client: Client,
    reached: dict[str, Any],
    *,
    of: str | None,
    compose: tuple[str | None, str | None],
    where: tuple[str | None, str | None],
) -> dict[str, Any]:
    """Where the server is: a database, a service of a compose service, or what is reached over the network."""
    if of is not None:
        from headway.cli.commands.databases import find_database

        return find_database(client, of).given
    named, service = compose
    place = _environment(client, *where) if named is None else _compose(client, named, service)
    return {"connection": reached, **place}


def _compose(client: Client, named: str, service: str | None) -> dict[str, Any]:
    from headway.cli.commands.composes import find_compose

    return {"backupType": "compose", "composeId": find_compose(client, named).compose_id, "serviceName": service}


def _environment(client: Client, named: str | None, project: str | None) -> dict[str, Any]:
    from headway.cli.lookup import DEFAULT_ENVIRONMENT, find_environment

    return {"environmentId": find_environment(client, named or DEFAULT_ENVIRONMENT, project)}
