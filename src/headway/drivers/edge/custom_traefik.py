"""An application's routing in its user's own words: what may be said, and what of it differs from what Headway says.

The words are read here and written anew, so no text of a user reaches Traefik. They may add to and replace the routers
and middlewares of the application, for its own hosts and its own servers; nothing of anybody else can be named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml

from headway.drivers.edge.file_text import is_plain
from headway.drivers.edge.option_shapes import refuse
from headway.drivers.edge.option_verdicts import BUFFERING, CHAIN, ERRORS, RETRY, TREE
from headway.drivers.edge.route_file import PROBE, THROUGH, login_middleware, ordinary, release_middleware
from headway.drivers.edge.traefik import ACME, SECURE, WEB, Https
from headway.kernel.artifacts import Route
from headway.kernel.errors import Conflict, InvalidInput

_LONGEST = 64 << 10
_SECTIONS = ("routers", "middlewares", "services")
# Chains that name chains could make much of little, and tries within tries as well.
_MOST_AT_ONCE = 50
_MATCHERS = frozenset(
    {
        *("clientip", "header", "headerregexp", "host", "hostregexp", "method", "path", "pathprefix", "pathregexp"),
        *("query", "queryregexp"),
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
    ours = _spoken_of(route, https)
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
    http = _spoken_of(route, https)
    http["middlewares"].pop(login_middleware(route), None)
    for section in ("routers", "middlewares"):
        http[section] |= route.own.get(section, {})
    for name in route.own.get("services", {}).keys() & http["services"].keys():
        http["services"][name]["loadBalancer"] |= route.own["services"][name]["loadBalancer"]
    said = {name: http[name] for name in _SECTIONS if http[name]}
    return yaml.safe_dump({"http": said}, sort_keys=False)


def refused_now(own: Mapping[str, Any]) -> str | None:
    """Why words that an earlier version took would be refused today; None where their options are still good."""
    try:
        TREE.fit("", {"http": dict(own)})
    except InvalidInput as refused:
        return refused.message
    return None


def check_references(route: Route, https: Https | None) -> None:
    """Whether all that the user's own words name is still there. Raises Conflict."""
    ours = _spoken_of(route, https)
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


def _spoken_of(route: Route, https: Https | None) -> Own:
    """What the words are about: not the release before, which answers for a while only and not beside such words."""
    return ordinary(replace(route, before=()), https)


class _Loader(yaml.SafeLoader):
    """YAML without references, which could make much of little, and without keys that are there twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise InvalidInput("The configuration cannot hold references (*name); write each part out.")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - as in yaml
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for key in keys if keys.count(key) > 1), None) if len(keys) > len(set(keys)) else None
        if twice is not None:
            raise InvalidInput(f"The configuration holds the key {twice[:60]!r} twice in one place; one of them goes.")
        return super().construct_mapping(node, deep=deep)


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
    found = json.loads(written)
    _require_plain(found)
    return found


def _require_plain(value: object) -> None:
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str) and not is_plain(each):
            raise InvalidInput(
                "The configuration cannot hold letters that nobody sees (control characters), nor half of a letter."
            )
        if isinstance(each, Mapping):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            left += each


def _sections(value: object) -> Own:
    http = TREE.fit("", {} if value is None else value).get("http", {})
    return {name: http.get(name, {}) for name in _SECTIONS}


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
        for name, middleware in self.said["middlewares"].items():
            self._middleware(f"http.middlewares.{name}", name, middleware)
        for name, router in self.said["routers"].items():
            self._router(f"http.routers.{name}", router)
        for name in self.said["services"]:
            self._service_name(f"http.services.{name}", name)

    def _own_name(self, section: str, name: str) -> None:
        app = self.route.app_name
        ours = name in self.ours[section]
        if not ours and (not _NAME.fullmatch(name) or not (name == app or name.startswith(f"{app}."))):
            refuse(
                f"http.{section}.{name}", f"the names of this application are {app} and those that begin with {app}."
            )
        if name.endswith((f".{PROBE}", f".{THROUGH}")) or name == release_middleware(self.route):
            refuse(f"http.{section}.{name}", "Headway proves the route by this name; choose another one")

    def _router(self, where: str, router: Mapping[str, Any]) -> None:
        self._rule(f"{where}.rule", router["rule"])
        self._service_name(f"{where}.service", router["service"])
        self._passed(f"{where}.middlewares", router.get("middlewares", []))
        entrances = set(router["entryPoints"])
        if not entrances or entrances - self.entrances:
            refuse(f"{where}.entryPoints", f"the edge has: {', '.join(sorted(self.entrances))}")
        resolver = router.get("tls", {}).get("certResolver")
        if resolver is not None and (resolver != ACME or self.https is None or self.https.mail is None):
            refuse(f"{where}.tls.certResolver", "the edge has no such resolver")

    def _rule(self, where: str, rule: str) -> None:
        """A rule is put in brackets behind the application's hosts; it must not be able to close them."""
        at, depth = 0, 0
        while at < len(rule.rstrip()):
            token = _TOKEN.match(rule, at)
            if token is None:
                refuse(where, f"it cannot be read from here on: {rule[at : at + 40]}")
            if token[1].isalpha() and token[1].lower() not in _MATCHERS:
                refuse(where, f"there is nothing that a request is known by called {token[1]:.40}")
            depth += {"(": 1, ")": -1}.get(token[1], 0)
            if depth < 0:
                refuse(where, "a bracket is closed that none has opened")
            at = token.end()
        if depth:
            refuse(where, "a bracket is not closed")

    def _middleware(self, where: str, name: str, middleware: Mapping[str, Any]) -> None:
        if name in self.ours["middlewares"]:
            if middleware != self.ours["middlewares"][name] or name == login_middleware(self.route):
                refuse(where, "Headway keeps this one: change the domain, redirect or password that it stands for")
            return
        if len(middleware) != 1:
            refuse(where, "a middleware is of exactly one kind")
        ((kind, options),) = middleware.items()
        if kind == CHAIN:
            self._passed(f"{where}.{kind}.middlewares", options["middlewares"])
        if kind == ERRORS:
            self._service_name(f"{where}.{kind}.service", options["service"])

    def _passed(self, where: str, names: Sequence[str]) -> None:
        """What a request passes one after the other, with what chains stand for, is bounded; and it is tried again in
        one place at most: ten tries within ten tries are a hundred.
        """
        for name in names:
            if name not in self.said["middlewares"] and name not in self.ours["middlewares"]:
                refuse(where, f"there is no middleware {name!r} of this application")
        tries = 0
        for count, name in enumerate(self._unfolded(where, names, ()), 1):
            if count > _MOST_AT_ONCE:
                refuse(where, f"a request can pass {_MOST_AT_ONCE} middlewares at most, each of a chain counted")
            tries += self._tries_again(name)
        if tries > 1:
            refuse(where, "a request can pass one middleware at most that tries again (retry, or buffering that does)")

    def _unfolded(self, where: str, names: Sequence[str], above: tuple[str, ...]) -> Iterator[str]:
        for name in names:
            if name in above:
                refuse(where, f"the chain {name} leads back to itself")
            yield name
            chained = self._options(name, CHAIN).get("middlewares", [])
            yield from self._unfolded(where, chained, (*above, name))

    def _tries_again(self, name: str) -> bool:
        return bool(self._options(name, RETRY)) or "retryExpression" in self._options(name, BUFFERING)

    def _options(self, name: str, kind: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.said["middlewares"].get(name, {}).get(kind, {})
        return found

    def _service_name(self, where: str, name: object) -> None:
        if name not in self.ours["services"]:
            refuse(where, f"the services of this application are: {', '.join(self.ours['services'])}")
