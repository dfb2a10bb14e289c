"""`headway domains`: at which host names an application answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.faces.cli import output
from headway.faces.cli.options import AsJson
from headway.faces.cli.output import Column
from headway.faces.cli.session import Session
from headway.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from headway.faces.cli.client import Client

Named = Annotated[str, typer.Argument(metavar="APPLICATION", help="An application's name or id.")]


def list_domains(context: typer.Context, application: Named, *, as_json: AsJson = False) -> None:
    """Lists where an application answers; the name that Headway gives comes first."""
    with Session.of(context).client() as client:
        found = _of(client, application)
    if as_json:
        output.say_json(found)
        return
    output.say_table(
        (
            Column(title="ADDRESS"),
            Column(title="CERTIFICATE", whole=True),
            Column(title="STATE", whole=True, states=True),
            Column(title="ID", whole=True),
        ),
        [(each["address"], _certificate(each), _state(each), each["domainId"]) for each in found],
    )


def add(
    context: typer.Context,
    application: Named,
    host: Annotated[str, typer.Argument(metavar="HOST", help="The host name, such as www.example.org.")],
    *,
    path: Annotated[str, typer.Option(metavar="PATH", help="Only this path and what is below it.")] = "/",
    strip_path: Annotated[bool, typer.Option("--strip-path", help="Cut the path off before the application.")] = False,
    inner_path: Annotated[str, typer.Option(metavar="PATH", help="Put this path in front.")] = "/",
    https: Annotated[bool, typer.Option("--https", help="Send who comes over HTTP on to HTTPS.")] = False,
    letsencrypt: Annotated[
        bool, typer.Option("--letsencrypt", help="As --https, with a certificate that is asked for.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Leads a host name to an application, at once and without a deploy."""
    body = {
        "host": host,
        "path": path,
        "stripPath": strip_path,
        "internalPath": inner_path,
        "https": https or letsencrypt,
        "certificateType": "letsencrypt" if letsencrypt else "none",
    }
    with Session.of(context).client() as client:
        place = _find(client, application)
        made = client.post("domain.create", {"applicationId": place, **body})
    output.say_json(made) if as_json else output.say(f"{made['address']} leads to it now ({made['domainId']})")


def remove(
    context: typer.Context,
    application: Named,
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="A host name (with its path), or a domain's id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Leads a host name nowhere."""
    with Session.of(context).client() as client:
        found = _named(_of(client, application), domain)
        gone = client.post("domain.delete", {"domainId": found["domainId"]})
    output.say_json(gone) if as_json else output.say(f"{_title(gone)} leads nowhere now")


def _of(client: Client, application: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = client.get("domain.byApplicationId", applicationId=_find(client, application))
    return found


def _find(client: Client, application: str) -> str:
    from headway.faces.cli.lookup import application as find

    return find(client, application).application_id


def _named(domains: list[Mapping[str, Any]], named: str) -> Mapping[str, Any]:
    found = [each for each in domains if each["domainId"] == named]
    found = found or [each for each in domains if _title(each) == named.rstrip("/").lower()]
    found = found or [each for each in domains if each["host"] == named.lower()]
    if not found:
        known = ", ".join(_title(each) for each in domains)
        raise NotFound(f"The application has no domain {named}. It has: {known}.")
    if len(found) > 1:
        raise InvalidInput(f"Several domains are at {named}; give one: {', '.join(_title(each) for each in found)}.")
    return found[0]


def _title(domain: Mapping[str, Any]) -> str:
    return f"{domain['host']}{domain['path'].rstrip('/')}"


def _certificate(domain: Mapping[str, Any]) -> str:
    return str(domain["certificateType"]) if domain["https"] else ""


def _state(domain: Mapping[str, Any]) -> str:
    return "given" if domain["generated"] else "ok" if domain["enabled"] else "idle"
