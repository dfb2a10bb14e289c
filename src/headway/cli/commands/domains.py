"""`headway domains`: at which host names a service answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headway.cli import output
from headway.cli.options import AsJson
from headway.cli.output import Column
from headway.cli.session import Session
from headway.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from headway.cli.client import Client
    from headway.cli.lookup import Service

Named = Annotated[str, typer.Argument(metavar="SERVICE", help="An application or compose service, by name or id.")]


def list_domains(context: typer.Context, service: Named, *, as_json: AsJson = False) -> None:
    """Lists where a service answers; the name that Headway gives to an application comes first."""
    with Session.of(context).client() as client:
        found = _of(client, service)
    if as_json:
        output.say_json(found)
        return
    if not found:
        output.say(f"{service} answers at no host name yet: headway domains add {service} HOST --container SERVICE")
        return
    leads = [Column(title="LEADS TO")] if any(map(_target, found)) else []
    output.say_table(
        (
            Column(title="ADDRESS"),
            *leads,
            Column(title="CERTIFICATE", whole=True),
            Column(title="STATE", whole=True, states=True),
            Column(title="ID", whole=True),
        ),
        [
            (each["address"], *([_target(each)] if leads else []), _certificate(each), _state(each), each["domainId"])
            for each in found
        ],
    )


def add(
    context: typer.Context,
    service: Named,
    host: Annotated[str, typer.Argument(metavar="HOST", help="The host name, such as www.example.org.")],
    *,
    path: Annotated[str, typer.Option(metavar="PATH", help="Only this path and what is below it.")] = "/",
    container: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a compose service: which service of its file answers.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="The port that answers; default: the one that is known.")
    ] = None,
    strip_path: Annotated[bool, typer.Option("--strip-path", help="Cut the path off on the way.")] = False,
    inner_path: Annotated[str, typer.Option(metavar="PATH", help="Put this path in front.")] = "/",
    https: Annotated[bool, typer.Option("--https", help="Send who comes over HTTP on to HTTPS.")] = False,
    letsencrypt: Annotated[
        bool, typer.Option("--letsencrypt", help="As --https, with a certificate that is asked for.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Leads a host name to a service, at once and without a deploy."""
    body = {
        **({} if container is None else {"serviceName": container}),
        **({} if port is None else {"port": port}),
        "host": host,
        "path": path,
        "stripPath": strip_path,
        "internalPath": inner_path,
        "https": https or letsencrypt,
        "certificateType": "letsencrypt" if letsencrypt else "none",
    }
    with Session.of(context).client() as client:
        found = _find(client, service)
        if found.kind == "compose" and container is None:
            raise InvalidInput(_which(client, found))
        if found.kind != "compose" and container is not None:
            raise InvalidInput(f"--container: {found.name} is an application, which has no services of a compose file.")
        made = client.post("domain.create", {**found.given, **body})
    output.say_json(made) if as_json else output.say(f"{made['address']} leads to it now ({made['domainId']})")


def remove(
    context: typer.Context,
    service: Named,
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="A host name (with its path), or a domain's id.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Leads a host name nowhere."""
    with Session.of(context).client() as client:
        found = _named(_of(client, service), domain)
        gone = client.post("domain.delete", {"domainId": found["domainId"]})
    output.say_json(gone) if as_json else output.say(f"{_title(gone)} leads nowhere now")


def _of(client: Client, named: str) -> list[Mapping[str, Any]]:
    service = _find(client, named)
    procedure = "domain.byComposeId" if service.kind == "compose" else "domain.byApplicationId"
    found: list[Mapping[str, Any]] = client.get(procedure, **service.given)
    return found


def _find(client: Client, named: str) -> Service:
    """The application or compose service. Raises NotFound, and InvalidInput for a database."""
    from headway.cli.lookup import find_service

    found = find_service(client, named)
    if found.group == "databases":
        raise InvalidInput(
            f"{found.name} is a database ({found.kind}): it does not speak HTTP, and no host name leads to it. "
            f"'headway databases show {found.name}' says how it is reached."
        )
    return found


def _which(client: Client, compose: Service) -> str:
    """What to say of a compose service, of which it has to be known who answers."""
    from headway.cli.client import Refused

    try:
        names = ", ".join(map(str, client.get("compose.loadServices", **compose.given)))
    except Refused:  # a file that cannot be read has none
        names = ""
    return f"Say which service of the compose file answers: --container NAME{f' (of {names})' if names else ''}."


def _target(domain: Mapping[str, Any]) -> str:
    return ":".join(str(domain[part]) for part in ("serviceName", "port") if domain[part])


def _named(domains: list[Mapping[str, Any]], named: str) -> Mapping[str, Any]:
    found = [each for each in domains if each["domainId"] == named]
    found = found or [each for each in domains if _title(each) == named.rstrip("/").lower()]
    found = found or [each for each in domains if each["host"] == named.lower()]
    if not found:
        known = ", ".join(_title(each) for each in domains)
        raise NotFound(f"It has no domain {named}. " + (f"It has: {known}." if known else "It has none."))
    if len(found) > 1:
        raise InvalidInput(f"Several domains are at {named}; give one: {', '.join(_title(each) for each in found)}.")
    return found[0]


def _title(domain: Mapping[str, Any]) -> str:
    return f"{domain['host']}{domain['path'].rstrip('/')}"


def _certificate(domain: Mapping[str, Any]) -> str:
    return str(domain["certificateType"]) if domain["https"] else ""


def _state(domain: Mapping[str, Any]) -> str:
    return "given" if domain["generated"] else "ok" if domain["enabled"] else "idle"
