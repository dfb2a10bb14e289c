"""The file in which Traefik reads an application's route. Such files are Go templates and one bad file freezes the
routes of everybody, so a file is written from checked records only, and read back before it is put in place. JSON reads
as YAML; the first line, a comment to Traefik, holds the record that the rest was made of.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from headway.drivers.edge.fallback import Pair, Section
from headway.drivers.edge.file_text import written
from headway.drivers.edge.traefik import ACME, NOOP, SECURE, WEB, Https
from headway.kernel.artifacts import Entrance, Login, Redirect, Route, Upstream, Way
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.ids import checked_id

PROBE_HEADER = "X-Headway-Probe"
RELEASE_HEADER = "X-Headway-Release"
REVISION_HEADER = "X-Headway-Revision"
# Above every rule that a user may write.
PROBE_PRIORITY = 1_000_000
PROBE, THROUGH = "probe", "through"

_LABEL = r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_PATH = re.compile(r"/|(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+")
_ADDRESS = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*|[0-9a-f:]+(\.[0-9.]+)?")
_RULE_HOST = re.compile(r"Host\(`([^`]*)`\)")
RECORD = "# headway "
_LONGEST_NAME = 1_000  # a key of YAML has 1024 characters at most, with its quotes and what a name ends in
# What can be asked of somebody else once more: it changes nothing, has no body, and becomes no other protocol.
_REPEATABLE = (
    "(Method(`GET`) || Method(`HEAD`)) && !HeaderRegexp(`Content-Length`, `.`) && !HeaderRegexp(`Upgrade`, `.`)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFile:
    """A route, and the number of its file's content, which changes with anything in it (None: a file of an older
    version).
    """

    route: Route
    revision: str | None


def check_route(route: Route) -> None:
    """Raises InvalidInput when the edge cannot be given this route."""
    for text in (route.application_id, route.app_name, route.release_id):
        checked_id(text)
    if not route.ways:
        raise InvalidInput("A route needs at least one host name.")
    for way in route.ways:
        check_host(way.host)
        for path in (way.path, way.inner_path):
            check_path(path)
    if len({(way.host, way.path) for way in route.ways}) < len(route.ways):
        raise InvalidInput("A route cannot lead one host and path to two places.")
    of_ways = (each for way in route.ways for each in (way.upstreams, way.before))
    for upstreams in (route.upstreams, route.before, *of_ways):
        for upstream in upstreams:
            _check_upstream(upstream)
    if not route.upstreams and not all(way.upstreams for way in route.ways):
        raise InvalidInput("A route needs a server that it leads to.")


def check_host(host: str) -> None:
    """Raises InvalidInput for what is no host name as the edge takes it."""
    if not _HOST.fullmatch(host):
        raise InvalidInput(f"{host!r} is no host name: it has lower-case letters, digits, hyphens and dots only.")


def check_path(path: str) -> None:
    """Raises InvalidInput for what is no plain path of a request."""
    if len(path) > 1024 or not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise InvalidInput(
            f"{path!r} is no path for a route: it begins with a slash, does not end with one, and has letters, digits "
            "and the signs of plain addresses only."
        )


def render_route(route: Route, *, secret: str, https: Https | None) -> str:
    """The file of an application. Beside its routers it has some for whoever knows ``secret``: by ``probe`` to the same
    servers, by ``through`` through all that stands before them and no further. Their answers name the release and the
    file's revision, so that a route can be proven to have moved. Raises InvalidInput where Traefik could not read it.
    """
    http = _Rendering(route, secret, https).http()
    revision = hashlib.sha256(json.dumps(http, sort_keys=True).encode()).hexdigest()[:16]
    http["middlewares"][release_middleware(route)]["headers"]["customResponseHeaders"][REVISION_HEADER] = revision
    record = written({"revision": revision, "route": asdict(route)})
    text = f"{RECORD}{record}\n{written({'http': http}, indent=1)}"
    if "{{" in text:
        raise InvalidInput("A route cannot hold two opening braces.")
    return text


def read_route(text: str, application_id: str) -> RouteFile:
    """What a file holds. Raises InvalidInput when it is none that ``render_route`` could have written."""
    try:
        if text.startswith(RECORD):
            held = json.loads(text.removeprefix(RECORD).partition("\n")[0])
            found = RouteFile(route=load_route(held["route"]), revision=held["revision"])
        else:
            found = RouteFile(route=_read_first_form(text, application_id), revision=None)
        check_route(found.route)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise InvalidInput(f"The route file of {application_id} does not hold what Headway writes.") from error
    if found.route.application_id != application_id:
        raise InvalidInput(f"The route file of {application_id} holds the route of {found.route.application_id}.")
    return found


def load_route(values: Mapping[str, Any]) -> Route:
    """The route that ``asdict`` made this of."""

    def upstreams(held: list[dict[str, Any]]) -> tuple[Upstream, ...]:
        return tuple(Upstream(**each) for each in held)

    ways = (
        Way(
            **{
                **each,
                "entrance": Entrance(each["entrance"]),
                "upstreams": upstreams(each["upstreams"]),
                "before": upstreams(each.get("before", [])),
            }
        )
        for each in values["ways"]
    )
    return Route(
        **{
            **values,
            "ways": tuple(ways),
            "upstreams": upstreams(values["upstreams"]),
            "before": upstreams(values.get("before", [])),
            "redirects": tuple(Redirect(**each) for each in values["redirects"]),
            "logins": tuple(Login(**each) for each in values["logins"]),
        }
    )


def release_middleware(route: Route) -> str:
    """The name of the middleware that names the release."""
    return f"{route.app_name}.release"


def login_middleware(route: Route) -> str:
    """The name of the middleware that asks for a password."""
    return f"{route.app_name}.login"


def rule_of(way: Way) -> str:
    """What a request by this way is known by. A prefix ends at a slash: /api is not the beginning of /apis."""
    host = f"Host(`{way.host}`)"
    return host if way.path == "/" else f"{host} && (Path(`{way.path}`) || PathPrefix(`{way.path}/`))"


def ordinary(route: Route, https: Https | None) -> dict[str, Section]:
    """The routers, middlewares and services of the route without what proves it."""
    rendering = _Rendering(route, "", https)
    return {
        "routers": {name: router for way in rendering.ways() for name, router in way.routers().items()},
        "middlewares": rendering.middlewares(),
        "services": rendering.services(),
    }


class _Rendering:
    """One route on its way into Traefik's words."""

    def __init__(self, route: Route, secret: str, https: Https | None) -> None:
        self.route = route
        self.secret = secret
        self.https = https

    def http(self) -> dict[str, Section]:
        plain = ordinary(self.route, self.https)
        http = {name: {**section, **self._own(name)} for name, section in plain.items()}
        http["routers"] |= {name: router for way in self.ways() for name, router in way.probes().items()}
        http["middlewares"][release_middleware(self.route)] = self._naming()
        transports = {name: made for pair in self._pairs() for name, made in pair.transports().items()}
        return http | ({"serversTransports": transports} if transports else {})

    def _own(self, section: str) -> Section:
        """What the user has in place of ours; whatever is said of a service, its servers are those of the release."""
        own = self.route.own.get(section, {})
        if section == "routers":
            return {name: self.router(router) for name, router in own.items()}
        if section == "services":
            ours = self.services()
            return {
                name: {
                    "loadBalancer": {
                        **ours[name]["loadBalancer"],
                        **own[name]["loadBalancer"],
                        "servers": _servers(ours[name]),
                    }
                }
                for name in own.keys() & ours.keys()
            }
        return dict(own)

    @property
    def pair(self) -> Pair:
        """The servers of the release, and of the one before it."""
        return self.paired(self.route.app_name, self.route.upstreams, self.route.before)

    def paired(self, name: str, upstreams: tuple[Upstream, ...], before: tuple[Upstream, ...]) -> Pair:
        """Servers with those before them; none beside a user's own words, which would have to be said of both."""
        return Pair(name=name, upstreams=upstreams, before=() if self.route.own else before)

    def ways(self) -> Iterator[_RenderedWay]:
        return (_RenderedWay(self, way) for way in self.route.ways)

    def services(self) -> Section:
        return {name: made for pair in self._pairs() for name, made in pair.services().items()}

    def _pairs(self) -> list[Pair]:
        every = [self.pair, *(way.pair for way in self.ways() if way.way.upstreams)]
        return [pair for pair in every if pair.upstreams]

    def middlewares(self) -> Section:
        name = self.route.app_name
        found: Section = {f"{name}.redirect.{at}": _redirect(each) for at, each in enumerate(self.route.redirects, 1)}
        if self.route.logins:
            users = [f"{login.username}:{login.hash}" for login in self.route.logins]
            found[login_middleware(self.route)] = {"basicAuth": {"users": users, "removeHeader": True}}
        for pair in self._pairs():
            found |= pair.middlewares()
        for way in self.ways():
            found |= way.middlewares()
        return found

    def barriers(self) -> list[str]:
        """What every request to the release passes first."""
        name = self.route.app_name
        redirects = [f"{name}.redirect.{at}" for at in range(1, len(self.route.redirects) + 1)]
        return [*redirects, *self._locks()]

    def router(self, router: Section) -> Section:
        """A router of the user's own: for the application's hosts only, and nobody passes it without a password where
        one is asked for. Certificates are asked for the names of those hosts, whatever its rule names.
        """
        guard = " || ".join(f"({rule_of(way)})" for way in self.route.ways)
        named = router.get("middlewares", [])
        locks = [name for name in self._locks() if name not in named]
        secured = {"tls": self._issued(router["tls"])} if "tls" in router else {}
        return {**router, **secured, "rule": f"({guard}) && ({router['rule']})", **_using([*locks, *named])}

    def _issued(self, tls: Section) -> Section:
        names = dict.fromkeys(way.host for way in self.route.ways)
        return {**tls, "domains": [{"main": name} for name in names]} if tls else {}

    def _locks(self) -> list[str]:
        return [login_middleware(self.route)] if self.route.logins else []

    def _naming(self) -> Section:
        named = {RELEASE_HEADER: self.route.release_id}
        return {"headers": {"customRequestHeaders": {PROBE_HEADER: ""}, "customResponseHeaders": named}}


class _RenderedWay:
    """One way of a route."""

    def __init__(self, whole: _Rendering, way: Way) -> None:
        self.whole = whole
        self.way = way
        self.name = _short(f"{whole.route.app_name}.{way.host}{way.path.rstrip('/')}")
        self.sent_on = way.entrance is Entrance.HTTPS and whole.https is not None
        self.secure = way.entrance is not Entrance.HTTP and whole.https is not None
        self.base = {
            "rule": rule_of(way),
            "priority": len(way.path),
            "service": self.pair.name,
        }

    @property
    def pair(self) -> Pair:
        """Its servers, or those of the route, with those before them."""
        way = self.way
        return self.whole.paired(self.name, way.upstreams, way.before) if way.upstreams else self.whole.pair

    def routers(self) -> Section:
        """Those by which everybody comes; with a release before, in two: what can be repeated, and the rest."""
        found, pair = self._routers(), self.pair
        if not pair.before or not pair.upstreams:
            return found
        made: Section = {}
        for plain, router in found.items():
            patient = [*router.get("middlewares", []), pair.retry]
            rest = {"rule": f"({router['rule']}) && !({_REPEATABLE})", "service": pair.rest, "middlewares": patient}
            again = {"rule": f"({router['rule']}) && {_REPEATABLE}", "service": pair.either}
            made |= {plain: {**router, **rest}, f"{plain}.again/": {**router, **again}}
        return made

    def _routers(self) -> Section:
        before = [f"{self.name}.https"] if self.sent_on else self._before()
        found: Section = {self.name: {**self.base, **_using(before), "entryPoints": [WEB]}}
        if self.secure:
            found[f"{self.name}.{SECURE}"] = {**self.base, **_using(self._before()), **self._secured()}
        return found

    def probes(self) -> Section:
        """By ``probe`` to the servers; by ``through`` to nobody, on the very ways of others."""
        naming = release_middleware(self.whole.route)
        straight = {**self._known_by(PROBE), "entryPoints": [WEB]}
        found: Section = {
            f"{self.name}.{PROBE}": {**self.base, **straight, "middlewares": [naming, *self._rewriting()]}
        }
        for name, router in self._routers().items():
            own = self.whole.route.own.get("routers", {}).get(name)
            used = router if own is None else self.whole.router(own)
            passing = {"service": NOOP, "middlewares": [naming, *used.get("middlewares", [])]}
            found[f"{name}.{THROUGH}"] = {**router, **self._known_by(THROUGH), **passing}
        return found

    def middlewares(self) -> Section:
        found: Section = {}
        if self.sent_on and self.whole.https is not None:
            port = {} if self.whole.https.port == 443 else {"port": str(self.whole.https.port)}
            found[f"{self.name}.https"] = {"redirectScheme": {"scheme": "https", "permanent": True, **port}}
        if self.way.strip and self.way.path != "/":
            found[f"{self.name}.strip"] = {"stripPrefix": {"prefixes": [self.way.path]}}
        if self.way.inner_path != "/":
            found[f"{self.name}.inner"] = {"addPrefix": {"prefix": self.way.inner_path}}
        return found

    def _before(self) -> list[str]:
        return [*self.whole.barriers(), *self._rewriting()]

    def _rewriting(self) -> list[str]:
        known = self.middlewares()
        return [name for name in (f"{self.name}.strip", f"{self.name}.inner") if name in known]

    def _known_by(self, word: str) -> Section:
        secret = f"{self.whole.secret}.{word}"
        return {
            "rule": f"({self.base['rule']}) && Header(`{PROBE_HEADER}`, `{secret}`)",
            "priority": PROBE_PRIORITY + len(self.way.path),
        }

    def _secured(self) -> Section:
        asks = self.way.issued and self.whole.https is not None and self.whole.https.mail is not None
        return {"entryPoints": [SECURE], "tls": {"certResolver": ACME} if asks else {}}


def _short(name: str) -> str:
    """The name, another where it is a long one: YAML takes no longer key."""
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{name[: _LONGEST_NAME - len(digest) - 1]}.{digest}"


def _using(middlewares: list[str]) -> Section:
    return {"middlewares": middlewares} if middlewares else {}


def _redirect(redirect: Redirect) -> Section:
    return {"redirectRegex": asdict(redirect)}


def _servers(service: Section) -> object:
    return service["loadBalancer"]["servers"]


def _check_upstream(upstream: Upstream) -> None:
    if not 1 <= upstream.port <= 65535:
        raise InvalidInput(f"{upstream.port} is no port.")
    if not _ADDRESS.fullmatch(upstream.address) or upstream.scheme not in {"http", "https", "h2c"}:
        raise InvalidInput(f"{upstream.scheme}://{upstream.address} is no server that the edge can lead to.")


def _read_first_form(text: str, application_id: str) -> Route:
    """A file of version 0.1: no record, one port of the loopback, and host names only."""
    http: Mapping[str, Any] = json.loads(text)["http"]
    (name,) = http["services"]
    url: str = http["services"][name]["loadBalancer"]["servers"][0]["url"]
    headers = http["middlewares"][f"{name}.probe"]["headers"]
    return Route(
        application_id=application_id,
        app_name=name,
        release_id=headers["customResponseHeaders"][RELEASE_HEADER],
        ways=tuple(Way(host=host) for host in _RULE_HOST.findall(http["routers"][name]["rule"])),
        upstreams=(Upstream(port=int(url.rpartition(":")[2])),),
    )
