"""`headway keys`: API keys, and what each is good for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from headway.cli import output
from headway.cli.confirmation import confirm
from headway.cli.options import AsJson, Yes
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.errors import InvalidInput, NotFound
from headway.kernel.forms import duration

if TYPE_CHECKING:
    from datetime import timedelta

    from headway.cli.client import Client

Row = Mapping[str, Any]


class ScopeName(StrEnum):
    """What a key may be used for."""

    READ = "read"
    DEPLOY = "deploy"
    KILL = "kill"
    REMOVE = "remove"
    SECRETS = "secrets"
    ADMIN = "admin"


def list_keys(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Lists your keys; to an admin all of the organisation. The keys themselves are not known to the panel."""
    with Session.of(context).client() as client:
        found = client.get("user.apiKeys")
    if as_json:
        output.say_json(found)
        return
    now = output.now()
    output.say_table(
        (
            Column(title="NAME"),
            Column(title="BEGINS", whole=True),
            Column(title="GOOD FOR"),
            Column(title="USED", whole=True, right=True),
            Column(title="ENDS", whole=True, right=True),
            Column(title="ID", whole=True),
        ),
        [
            (
                key["name"],
                key["start"] or "",
                _good_for(key),
                _since(key["lastRequest"]),
                output.rounded((output.moment(key["expiresAt"]) - now).total_seconds()) if key["expiresAt"] else "",
                key["id"],
            )
            for key in found
        ],
    )


def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What or whom it is for.")],
    *,
    scope: Annotated[
        list[ScopeName] | None, typer.Option(help="What it may be used for; several times for more. Default: all.")
    ] = None,
    project: Annotated[
        list[str] | None,
        typer.Option(metavar="PROJECT", help="The only project that it opens; several times for more."),
    ] = None,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="When it ends: 12h, 30d.")] = None,
    pending_as_running: Annotated[
        bool, typer.Option("--pending-as-running", help="Show what waits as running, for clients that know no better.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Makes a key and prints it, this once. It is never good for more than the key that makes it."""
    from headway.cli.lookup import find_project

    body: dict[str, Any] = {"name": name}
    if scope:
        body["scopes"] = sorted({each.value for each in scope})
    if expires is not None:
        body["expiresIn"] = _seconds(expires)
    if pending_as_running:
        body["pendingAs"] = "running"
    with Session.of(context).client() as client:
        if project:
            body["projects"] = [find_project(client, each)["projectId"] for each in project]
        made = client.post("user.createApiKey", body)
    if as_json:
        output.say_json(made)
        return
    output.warn(f"The key {output.clean(name)}, good for {_good_for(made)}. It is shown this once:")
    output.say(made["key"])


def remove(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its name, its id, or what it begins with.")],
    *,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Takes a key away: it works no more from now on."""
    with Session.of(context).client() as client:
        found = _find(client, key)
        if not yes:
            confirm(f"Take the key {output.clean(found['name'])} away?")
        removed = client.post("user.deleteApiKey", {"apiKeyId": found["id"]})
    if as_json:
        output.say_json(removed)
        return
    output.say(f"The key {output.clean(found['name'])} works no more")


def reset(
    *,
    data_dir: Annotated[Path | None, typer.Option(help="The panel's data folder.", show_default=False)] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Replaces the owner's lost key, on the panel's machine; the panel may run or not.

    It is for root and for the account that has the data folder. The keys named "owner" end, within seconds where a
    panel runs; all others stay. The new one is printed, written to owner.key, and the audit log tells of it.
    """
    from headway.cli.machine import settings_of

    settings = settings_of(data_dir, os.environ)
    if not yes:
        confirm(f"Replace the owner's key of {settings.data_dir}?")

    import asyncio

    from headway.first_key import replace

    key, former = asyncio.run(replace(settings))
    if as_json:
        output.say_json({"key": key, "removed": former})
        return
    ended = f" It replaces {', '.join(former)}." if former else ""
    output.warn(f"The owner's new key.{ended} It is kept in {settings.data_dir / 'owner.key'}:")
    output.say(key)


def _find(client: Client, named: str) -> Row:
    every: list[Row] = client.get("user.apiKeys")
    for fits in ("id", "name", "start"):
        found = [each for each in every if each[fits] == named]
        if len(found) > 1:
            ids = ", ".join(each["id"] for each in found)
            raise InvalidInput(f"Several keys have the {fits} {named}; give an id: {ids}.")
        if found:
            return found[0]
    raise NotFound(f"There is no key {named}. 'headway keys list' shows them.")


def _good_for(key: Row) -> str:
    """In few words, what a key may do."""
    scopes = "everything" if "admin" in key["scopes"] else ", ".join(key["scopes"])
    count = None if key["projects"] is None else len(key["projects"])
    where = "" if count is None else f" in {count} project{'' if count == 1 else 's'}"
    return scopes + where + ("" if key["enabled"] else " (disabled)")


def _since(at: str | None) -> str:
    return "never" if at is None else output.rounded((output.now() - output.moment(at)).total_seconds())


def _seconds(text: str) -> int:
    form = duration(1)
    try:
        return round(cast("timedelta", form.parse(text)).total_seconds())
    except ValueError as error:
        raise InvalidInput(f"--expires: {text!r} is not possible; it takes {form.accepts}.") from error
