"""What Traefik reads: its command line, and one file per application. Its files are Go templates and one bad file
freezes the routes of everybody, so a file is written from typed records only, and read back before it is put in place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.kernel.artifacts import Route
from headway.kernel.errors import InvalidInput
from headway.seams.runtimes.programs import checked_id

PROBE_HEADER = "X-Headway-Probe"
RELEASE_HEADER = "X-Headway-Release"

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)*")
_RULE_HOST = re.compile(r"Host\(`([^`]*)`\)")
# Above every rule that Traefik would rank by its length.
_PROBE_PRIORITY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Https:
    """The optional second entrance: its port, and the mail address that certificates are asked for with (None: the
    edge's own, which browsers do not know).
    """

    port: int
    mail: str | None = None


def check_route(route: Route) -> None:
    """Raises InvalidInput when the edge cannot be given this route."""
    for text in (route.application_id, route.app_name, route.release_id):
        checked_id(text)
    if not route.hosts:
        raise InvalidInput("A route needs at least one host name.")
    for host in route.hosts:
        if not _HOST.fullmatch(host):
            raise InvalidInput(f"{host!r} is no host name: it has lower-case letters, digits, hyphens and dots only.")
    if not 1 <= route.port <= 65535:
        raise InvalidInput(f"{route.port} is no port.")


def command_line(
    program: Path, routes: Path, *, host: str, port: int, https: Https | None, state: Path
) -> tuple[str, ...]:
    """Traefik's arguments: two entrances at most, routes from files, and nothing that is exposed or sent beside it."""
    bracketed = f"[{host}]" if ":" in host else host
    secure: tuple[str, ...] = ()
    if https is not None:
        secure = (f"--entrypoints.secure.address={bracketed}:{https.port}",)
        if https.mail is not None:
            secure += (
                f"--certificatesresolvers.acme.acme.email={https.mail}",
                f"--certificatesresolvers.acme.acme.storage={state / 'acme.json'}",
                "--certificatesresolvers.acme.acme.httpchallenge.entrypoint=web",
            )
    return (
        str(program),
        f"--entrypoints.web.address={bracketed}:{port}",
        "--entrypoints.web.transport.respondingtimeouts.readtimeout=600s",
        *secure,
        f"--providers.file.directory={routes}",
        "--providers.file.watch=true",
        "--providers.providersthrottleduration=10ms",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=ERROR",
    )


def render_route(route: Route, *, secret: str, https: Https | None) -> str:
    """The file of an application. Beside its route it has one for whoever knows ``secret``, to the same place, whose
    answers name the release: so that a route can be proven to have moved. JSON reads as YAML.
    """
    hosts = " || ".join(f"Host(`{host}`)" for host in route.hosts)
    name, probe = route.app_name, f"{route.app_name}.probe"
    to_release = {"service": name}
    probing = {
        **to_release,
        "rule": f"({hosts}) && Header(`{PROBE_HEADER}`, `{secret}`)",
        "priority": _PROBE_PRIORITY,
        "middlewares": [probe],
        "entryPoints": ["web"],
    }
    routers: dict[str, object] = {name: {**to_release, "rule": hosts, "entryPoints": ["web"]}, probe: probing}
    if https is not None:
        tls = {} if https.mail is None else {"certResolver": "acme"}
        routers[f"{name}.secure"] = {**to_release, "rule": hosts, "entryPoints": ["secure"], "tls": tls}
    naming = {"customRequestHeaders": {PROBE_HEADER: ""}, "customResponseHeaders": {RELEASE_HEADER: route.release_id}}
    server = {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{route.port}"}], "passHostHeader": True}}
    document = {"http": {"routers": routers, "middlewares": {probe: {"headers": naming}}, "services": {name: server}}}
    text = json.dumps(document, indent=1)
    if "{{" in text:
        raise InvalidInput("A route cannot hold two opening braces.")
    return text


def render_default_certificate(certificate: Path, key: Path) -> str:
    """The one file beside those of applications."""
    files = {"certFile": str(certificate), "keyFile": str(key)}
    return json.dumps({"tls": {"stores": {"default": {"defaultCertificate": files}}}}, indent=1)


def checked_folder(folder: Path) -> Path:
    """The folder itself, if Traefik's arguments and templates can name it. Raises InvalidInput."""
    if not folder.is_absolute() or not str(folder).isprintable() or "{{" in str(folder):
        raise InvalidInput(f"{folder} cannot hold the edge: it needs an absolute path of plain characters.")
    return folder


def read_route(text: str, application_id: str) -> Route:
    """The route that a file holds. Raises InvalidInput when it is none that ``render_route`` could have written."""
    try:
        http: Mapping[str, Any] = json.loads(text)["http"]
        (name,) = http["services"]
        url: str = http["services"][name]["loadBalancer"]["servers"][0]["url"]
        headers = http["middlewares"][f"{name}.probe"]["headers"]
        route = Route(
            application_id=application_id,
            app_name=name,
            release_id=headers["customResponseHeaders"][RELEASE_HEADER],
            hosts=tuple(_RULE_HOST.findall(http["routers"][name]["rule"])),
            port=int(url.rpartition(":")[2]),
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InvalidInput(f"The route file of {application_id} does not hold what Headway writes.") from error
    check_route(route)
    return route
