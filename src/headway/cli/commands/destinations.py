"""`headway destinations`: where backups go."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from headway.cli import output
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, Yes
from headway.cli.output import Column
from headway.cli.session import Session
from headway.cli.stored_backups import find

Named = Annotated[str, typer.Argument(metavar="DESTINATION", help="A destination's name or id.")]
SECRET_VARIABLE = "HEADWAY_DESTINATION_SECRET"  # noqa: S105 - a variable's name


def list_destinations(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists where backups can go."""
    with Session.of(context).client() as client:
        rows = client.get("destination.all")
    if as_json:
        output.say_json(rows)
        return
    columns = (
        Column(title="NAME"),
        Column(title="KIND", whole=True),
        Column(title="WHERE"),
        Column(title="ID", whole=True),
    )
    output.say_table(
        columns,
        [
            (
                each["name"],
                " ".join(part for part in (each["type"], each["provider"]) if part),
                "/".join(part for part in (each["endpoint"], each["bucket"]) if part),
                each["destinationId"],
            )
            for each in rows
        ],
    )


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    *,
    provider: Annotated[
        str, typer.Option(help="Whose S3 it is (AWS, Minio, …), or local: the panel's disk.")
    ] = "local",
    bucket: Annotated[str, typer.Option(metavar="BUCKET", help="The bucket, and a folder in it: bucket/folder.")] = "",
    region: Annotated[str, typer.Option(help="The bucket's region.")] = "",
    endpoint: Annotated[
        str, typer.Option(metavar="URL", help="Where the storage answers, if not at its provider's.")
    ] = "",
    access_key: Annotated[str, typer.Option(metavar="KEY", help=f"The secret is taken from {SECRET_VARIABLE}.")] = "",
    as_json: AsJson = False,
) -> None:
    """Makes a destination, once an object could be written there, read back, compared and deleted."""
    secret = os.environ.get(SECRET_VARIABLE, "")
    body = {"name": name, "provider": provider, "bucket": bucket, "region": region, "endpoint": endpoint}
    body |= {"accessKey": access_key, "secretAccessKey": secret}
    if access_key and not secret:
        body["secretAccessKey"] = typer.prompt("Secret key", hide_input=True, err=True)
    with Session.of(context).client() as client:
        client.post("destination.testConnection", body)
        made = client.post("destination.create", body)
    output.say_json(made) if as_json else output.say(f"{name} is made ({made['destinationId']}), and works")


def try_out(context: typer.Context, destination: Named, *, as_json: AsJson = False) -> None:
    """Writes an object, reads it back, compares and deletes it."""
    with Session.of(context).client() as client:
        row = find(client.get("destination.all"), destination, "destinationId", "destination")
        fields = ("destinationId", "name", "type", "provider", "accessKey", "bucket", "region", "endpoint")
        client.post("destination.testConnection", {name: row[name] for name in (*fields, "additionalFlags")})
    output.say_json({"works": True}) if as_json else output.say(f"{row['name']} works")


def remove(context: typer.Context, destination: Named, *, yes: Yes = False, as_json: AsJson = False) -> None:
    """Forgets a destination; what lies there stays."""
    with Session.of(context).client() as client:
        row = find(client.get("destination.all"), destination, "destinationId", "destination")
        if not yes:
            confirm(f"Forget {row['name']}? What lies there stays.")
        gone = client.post("destination.remove", {"destinationId": row["destinationId"]})
    output.say_json(gone) if as_json else output.say(f"{row['name']} is forgotten; what lies there stays")
