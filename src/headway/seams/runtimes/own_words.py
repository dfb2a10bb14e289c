"""An application's routing in its user's own words: what may be said, and what of it differs from what Headway says.

The words are read here and written anew, so no text of a user reaches Traefik. They may add to and replace the routers
and middlewares of the application, for its own hosts and its own servers; nothing of anybody else can be named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import yaml

from headway.kernel.artifacts import Route
from headway.kernel.errors import Conflict, InvalidInput
from headway.seams.runtimes.route_file import (
    PROBE,
    PROBE_PRIORITY,
    THROUGH,
    login_middleware,
    ordinary,
    release_middleware,
)
from headway.seams.runtimes.traefik import ACME, SECURE, WEB, Https

_LONGEST = 64 << 10
_SECTIONS = ("routers", "middlewares", "services")
_ROUTER_KEYS = frozenset({"rule", "service", "middlewares", "entryPoints", "priority", "tls"})
_SERVICE_KEYS = frozenset({"servers", "passHostHeader", "sticky", "responseForwarding"})
# Not among them: what asks other servers (forwardAuth), reads files, or is code (plugins).
_MIDDLEWARES = frozenset(
    {
        "addPrefix",
        "basicAuth",
        "buffering",
        "chain",
        "circuitBreaker",
        "compress",
        "contentType",
        "digestAuth",
        "errors",
        "grpcWeb",
        "headers",
        "inFlightReq",
        "ipAllowList",
        "rateLimit",
        "redirectRegex",
        "redirectScheme",
        "replacePath",
        "replacePathRegex",
        "retry",
        "stripPrefix",
        "stripPrefixRegex",
    }
)
_NAME = re.compile(r"[A-Za-z0-9._/~-]{1,255}")
_TOKEN = re.compile(r"\s*(&&|\|\||!|\(|\)|,|[A-Za-z]+|`[^`\n]*`|\"[^\"\\`\n]*\")")

Own = dict[str, dict[str, Any]]


def read_own(text: str, route: Route, https: Https | None) -> Own:
    """What the text says beyond what Headway itself says of this route, as ``Route.own`` takes it; an empty text says
    nothing. Raises InvalidInput, naming the place.
    """
    if len(text.encode()) > _LONGEST:
        raise InvalidInput(f"The configuration has more than {_LONGEST >> 10} KiB.")
    said = _sections(_parsed(text))
    ours = ordinary(route, https)
    _Check(route, said, ours, https).all()
    for services in (said["services"], ours["services"]):
        for service in services.values():
            service["loadBalancer"].pop("servers", None)
    new = {
        section: {name: each for name, each in said[section].items() if ours[section].get(name) != each}
        for section in _SECTIONS
    }
    return {section: entries for section, entries in new.items() if entries}


def write_own(route: Route, https: Https | None) -> str:
    """The routing of an application as YAML, without what Headway proves it with and without passwords; ``read_own``
    takes it back.
    """
    http = ordinary(route, https)
    http["middlewares"].pop(login_middleware(route), None)
    for section in ("routers", "middlewares"):
        http[section] |= route.own.get(section, {})
    for name in route.own.get("services", {}).keys() & http["services"].keys():
        http["services"][name]["loadBalancer"] |= route.own["services"][name]["loadBalancer"]
    said = {name: http[name] for name in _SECTIONS if http[name]}
    return yaml.safe_dump({"http": said}, sort_keys=False)


def check_references(route: Route, https: Https | None) -> None:
    """Whether all that the user's own words name is still there. Raises Conflict."""
    ours = ordinary(route, https)
    middlewares = ours["middlewares"].keys() | route.own.get("middlewares", {}).keys()
    named = [name for router in route.own.get("routers", {}).values() for name in router.get("middlewares", [])]
    for middleware in route.own.get("middlewares", {}).values():
        named += (middleware.get("chain") or {}).get("middlewares", [])
    services = [router["service"] for router in route.own.get("routers", {}).values()]
    gone = {name for name in named if name not in middlewares}
    gone |= {name for name in services if name not in ours["services"]}
    if gone:
        raise Conflict(
            f"The application's own Traefik configuration names {min(gone)}, which would be gone: change that first "
            "(application.updateTraefikConfig)."
        )


class _Loader(yaml.SafeLoader):
    """YAML without references, which could make much of little."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise InvalidInput("The configuration cannot hold references (*name); write each part out.")
        return super().compose_node(parent, index)


def _parsed(text: str) -> Any:  # noqa: ANN401 - whatever was written
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 - a safe loader
        written = json.dumps(value, allow_nan=False)
    except yaml.YAMLError as error:
        raise InvalidInput(f"The configuration is no YAML: {' '.join(str(error).split())[:500]}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("The configuration may hold texts, numbers, lists and maps only, none too deep.") from error
    if "{{" in written or "{{" in text:
        raise InvalidInput("The configuration cannot hold two opening braces: Traefik would read a template there.")
    return json.loads(written)


def _sections(value: object) -> Own:
    if value is None:
        value = {"http": {}}
    http = _map("the configuration", value, frozenset({"http"})).get("http")
    said = _map("http", {} if http is None else http, frozenset(_SECTIONS))
    return {name: dict(_map(f"http.{name}", said.get(name) or {}, None)) for name in _SECTIONS}


class _Check:
    """Whether what was said stays within the application."""

    def __init__(self, route: Route, said: Own, ours: Own, https: Https | None) -> None:
        self.route = route
        self.said = said
        self.ours = ours
        self.https = https
        self.entrances = {WEB} if https is None else {WEB, SECURE}

    def all(self) -> None:
        for section in _SECTIONS:
            for name in self.said[section]:
                self._own_name(section, name)
        for name, router in self.said["routers"].items():
            self._router(f"http.routers.{name}", router)
        for name, middleware in self.said["middlewares"].items():
            self._middleware(f"http.middlewares.{name}", name, middleware)
        for name, service in self.said["services"].items():
            self._service(f"http.services.{name}", name, service)

    def _own_name(self, section: str, name: str) -> None:
        app = self.route.app_name
        ours = name in self.ours[section]
        if not ours and (not _NAME.fullmatch(name) or not (name == app or name.startswith(f"{app}."))):
            _refuse(
                f"http.{section}.{name}", f"the names of this application are {app} and those that begin with {app}."
            )
        if name.endswith((f".{PROBE}", f".{THROUGH}")) or name == release_middleware(self.route):
            _refuse(f"http.{section}.{name}", "Headway proves the route by this name; choose another one")

    def _router(self, where: str, value: object) -> None:
        router = _map(where, value, _ROUTER_KEYS)
        self._rule(f"{where}.rule", router.get("rule"))
        self._service_name(f"{where}.service", router.get("service"))
        for name in _texts(f"{where}.middlewares", router.get("middlewares", [])):
            self._middleware_name(f"{where}.middlewares", name)
        entrances = set(_texts(f"{where}.entryPoints", router.get("entryPoints")))
        if not entrances or entrances - self.entrances:
            _refuse(f"{where}.entryPoints", f"the edge has: {', '.join(sorted(self.entrances))}")
        priority = router.get("priority", 0)
        if type(priority) is not int or not 0 <= priority < PROBE_PRIORITY:
            _refuse(f"{where}.priority", f"a whole number under {PROBE_PRIORITY}")
        tls = _map(f"{where}.tls", router.get("tls", {}), frozenset({"certResolver"}))
        if tls and (tls["certResolver"] != ACME or self.https is None or self.https.mail is None):
            _refuse(f"{where}.tls.certResolver", "the edge has no such resolver")

    def _rule(self, where: str, rule: object) -> None:
        """A rule is put in brackets behind the application's hosts; it must not be able to close them."""
        if not isinstance(rule, str) or not rule.strip():
            _refuse(where, "a rule is a text such as PathPrefix(`/admin`)")
        at, depth = 0, 0
        while at < len(rule.rstrip()):
            token = _TOKEN.match(rule, at)
            if token is None:
                _refuse(where, f"it cannot be read from here on: {rule[at : at + 40]}")
            depth += {"(": 1, ")": -1}.get(token[1], 0)
            if depth < 0:
                _refuse(where, "a bracket is closed that none has opened")
            at = token.end()
        if depth:
            _refuse(where, "a bracket is not closed")

    def _middleware(self, where: str, name: str, value: object) -> None:
        if name in self.ours["middlewares"]:
            if value != self.ours["middlewares"][name] or name == login_middleware(self.route):
                _refuse(where, "Headway keeps this one: change the domain, redirect or password that it stands for")
            return
        middleware = _map(where, value, _MIDDLEWARES)
        if len(middleware) != 1:
            _refuse(where, "a middleware is of exactly one kind")
        ((kind, options),) = middleware.items()
        options = {} if options is None else options
        if not isinstance(options, dict):
            _refuse(f"{where}.{kind}", "a map of options")
        if "usersFile" in options:
            _refuse(f"{where}.{kind}.usersFile", "no files can be read; list the users")
        if kind == "chain":
            for each in _texts(f"{where}.chain.middlewares", options.get("middlewares")):
                self._middleware_name(f"{where}.chain.middlewares", each)
        if kind == "errors":
            self._service_name(f"{where}.errors.service", options.get("service"))

    def _service(self, where: str, name: str, value: object) -> None:
        self._service_name(where, name)
        service = _map(where, value, frozenset({"loadBalancer"}))
        _map(f"{where}.loadBalancer", service.get("loadBalancer"), _SERVICE_KEYS)

    def _service_name(self, where: str, name: object) -> None:
        if name not in self.ours["services"]:
            _refuse(where, f"the services of this application are: {', '.join(self.ours['services'])}")

    def _middleware_name(self, where: str, name: str) -> None:
        if name not in self.said["middlewares"] and name not in self.ours["middlewares"]:
            _refuse(where, f"there is no middleware {name!r} of this application")


def _map(where: str, value: object, known: frozenset[str] | None) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        _refuse(where, "a map is expected here")
    unknown = set() if known is None else value.keys() - known
    if unknown:
        _refuse(f"{where}.{min(unknown)}", "this cannot be set here")
    return value


def _texts(where: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        _refuse(where, "a list of names is expected here")
    return value


def _refuse(where: str, why: str) -> NoReturn:
    raise InvalidInput(f"{where}: {why}.")
