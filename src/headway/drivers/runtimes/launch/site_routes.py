"""Caddy's routes for a static site: its files, pages without their ending, and the rules of the site."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from headway.kernel.site_rules import SiteRule, SiteRules

Route = dict[str, Any]

_INDEX = "/index.html"
_PATH = "{http.request.uri.path}"
_GROUP = re.compile(r"\{(\w+)\}")
_NAME = "rule"


def site_routes(folder: str, rules: SiteRules) -> list[Route]:
    """What is tried for a request, in this order: the path that the site was built for, what is forced, a file, a page
    without its ending, a folder's page, the other rules, the fallback. What nothing answers is missing.
    """
    routes = _routes(folder, rules)
    return [*_below(rules.base, routes), *routes] if rules.base else routes


def _below(base: str, routes: list[Route]) -> list[Route]:
    """The site at the path that its pages name. Where the edge has taken that off already (Traefik says so in a
    header), nobody is sent there again.
    """
    moved = {"handler": "static_response", "status_code": 302, "headers": {"Location": [f"{base}/"]}}
    first: Route = {"path": ["/", base], "not": [{"header": {"X-Forwarded-Prefix": ["*"]}}]}
    plain = {"handler": "rewrite", "strip_path_prefix": base}
    inside = {"handle": [plain, {"handler": "subroute", "routes": routes}], "terminal": True}
    return [{"match": [first], "handle": [moved], "terminal": True}, {"match": [{"path": [f"{base}/*"]}], **inside}]


def _routes(folder: str, rules: SiteRules) -> list[Route]:
    forced = [route for rule in rules.rules if rule.forced for route in _of_rule(folder, rule)]
    other = [route for rule in rules.rules if not rule.forced for route in _of_rule(folder, rule)]
    last = [_fallback(folder)] if rules.fallback else []
    in_a_folder = {"match": [_there(folder, f"{_PATH}{_INDEX}")], "handle": [files(folder)], "terminal": True}
    return [*forced, *_files(folder), in_a_folder, *other, *last, {"handle": [files(folder)]}]


def _of_rule(folder: str, rule: SiteRule) -> Iterable[Route]:
    expression: Route = {"path_regexp": {"name": _NAME, "pattern": f"^{rule.pattern}$"}}
    target = _GROUP.sub(lambda found: f"{{http.regexp.{_NAME}.{found[1]}}}", rule.target)
    if rule.status not in {200, 404}:
        moved = {"handler": "static_response", "status_code": rule.status, "headers": {"Location": [target]}}
        yield {"match": [expression], "handle": [moved], "terminal": True}
        return
    path = target.partition("?")[0].partition("#")[0]
    there = _there(folder, path, f"{path}.html", f"{path.rstrip('/')}{_INDEX}")
    answered = files(folder, rule.status if rule.status != 200 else None)
    inner = {"match": [there], "handle": [_to_what_is_there(), answered], "terminal": True}
    # Within, since of one set of matchers the file's may come first, and would not know what the expression found.
    yield {"match": [expression], "handle": [{"handler": "subroute", "routes": [inner]}]}


def _files(folder: str) -> list[Route]:
    named: Route = {"not": [{"path": ["*/"]}]}  # a folder is asked for by its page only
    as_it_is = {"match": [{**_there(folder, _PATH), **named}], "handle": [files(folder)], "terminal": True}
    page = {
        "match": [{**_there(folder, f"{_PATH}.html"), **named}],
        "handle": [_to_what_is_there(), files(folder)],
        "terminal": True,
    }
    return [as_it_is, page]


def _there(folder: str, *paths: str) -> Route:
    return {"file": {"root": folder, "try_files": list(paths)}}


def _to_what_is_there() -> Route:
    return {"handler": "rewrite", "uri": "{http.matchers.file.relative}"}


def _fallback(folder: str) -> Route:
    """What looks like a page: a picture or a script that is not there is missing, and no page in its stead."""
    without_ending: Route = {"not": [{"path_regexp": {"pattern": r"\.[^/]*$"}}]}
    for_a_reader: Route = {"header": {"Accept": ["*text/html*"]}}
    there = {**_there(folder, _INDEX), "method": ["GET", "HEAD"]}
    return {
        "match": [{**each, **there} for each in (without_ending, for_a_reader)],
        "handle": [{"handler": "rewrite", "uri": _INDEX}, files(folder)],
        "terminal": True,
    }


def files(folder: str, status: int | None = None) -> Route:
    """Caddy's file server: no listing, and nothing that begins with a dot, as the address is by then. Its own ``hide``
    looks at the folder's path too, which would hide all of ``.vitepress/dist``.
    """
    server: Route = {"handler": "file_server", "root": folder}
    server = server if status is None else {**server, "status_code": str(status)}
    hidden = {"match": [{"path_regexp": {"pattern": r"/\."}}], "handle": [{"handler": "error", "status_code": 404}]}
    return {"handler": "subroute", "routes": [hidden, {"handle": [server]}]}
