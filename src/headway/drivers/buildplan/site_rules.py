"""The rules of a site as its files have them: `_redirects`, `netlify.toml`, `vercel.json`, `static.json`, `Staticfile`.

Formats: Netlify's and Cloudflare's documents on redirects, Vercel's project configuration, Heroku's static buildpack
and Cloud Foundry's static file buildpack. What asks who the visitor is, or leads to another server under the site's own
address, is not heeded, and said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headway.drivers.buildplan.tree import parse_toml
from headway.kernel.site_rules import SiteRule, SiteRules

MOST_RULES = 1000
_LONGEST = 2000
IN_SITE = ("_redirects",)
_OF_SERVERS = ("Caddyfile", "nginx.conf")  # at which Railpack and buildpacks for sites look
IN_REPOSITORY = ("netlify.toml", "vercel.json", "static.json", "Staticfile", *_OF_SERVERS)
_MOVES = frozenset({301, 302, 303, 307, 308})
_STATUS = re.compile(r"(\d{3})(!?)")
# Of a part in parentheses only forms that every engine of expressions reads alike, and in linear time.
_PLAIN_GROUP = re.compile(r"\.[*+]|\[\^/\][*+]|\\d[*+]|\[[a-z0-9A-Z-]{1,20}\][*+]|[\w-]+(?:\|[\w-]+)*")
_PART = re.compile(
    r":(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:\((?P<inner>[^()]*)\))?(?P<times>[*+?]?)"
    r"|\((?P<group>[^()]*)\)(?P<again>[*+?]?)|(?P<splat>\*)"
)
_IN_TARGET = re.compile(r":([A-Za-z_][A-Za-z0-9_]*)[*+]?|\$(\d{1,2})")

# What a page loads of the site itself, below a folder.
_LOADED = re.compile(
    r"\b(?:src|href)\s*=\s*[\"']?/((?:[\w.~@-]{1,100}/){1,12}[\w.~@-]{1,200}\.(?:m?js|css))(?=[\"'?\s>])"
)
_MOST_PARTS = 3  # of a path that a site is built for

Note = Callable[[str], None]


class _Unheeded(Exception):
    """A rule that is left out; the text says why."""


def read_rules(files: Mapping[str, str], *, pages: int, has_not_found: bool, fallback: bool | None) -> SiteRules:
    """The rules of a site with so many ``pages``; ``files`` are those named above, by name. ``fallback`` is the owner's
    word (None: an application in one page is seen by its one page, without a 404.html and without a rule that says what
    is answered where no file is; what sends visitors elsewhere does not). What is not heeded is left out: `unheeded`
    tells it.
    """
    rules = tuple(_rules(files, lambda _: None))[:MOST_RULES]
    asked = _asks_for_fallback(files)
    seen = pages == 1 and not has_not_found and all(rule.status in _MOVES for rule in rules)
    return SiteRules(fallback=(asked or seen) if fallback is None else fallback, rules=rules)


def loaded(page: str) -> tuple[str, ...]:
    """The first file that a page loads by its whole path, as it is written, then without what may be the path that the
    site was built for; () where it loads none.
    """
    found = _LOADED.search(page)
    parts = found[1].split("/") if found is not None else []
    if not parts or ".." in parts:
        return ()
    return tuple("/".join(parts[count:]) for count in range(min(len(parts), _MOST_PARTS + 1)))


def with_base(rules: SiteRules, names: Sequence[str], there: Collection[str]) -> SiteRules:
    """The rules of a site that was built for a path: of the ``names`` of a file that a page loads (see `loaded`) the
    first is not ``there``, a later one is. A site with rules for that path of its own is left to these.
    """
    name = next((each for each in names if each in there), None)
    if name is None or name == names[0]:
        return rules
    base = "/" + names[0].removesuffix(name).rstrip("/")
    is_theirs = any(rule.pattern.startswith((re.escape(base), "/?")) or rule.pattern == "/" for rule in rules.rules)
    return rules if is_theirs else replace(rules, base=base)


def unheeded(files: Mapping[str, str]) -> tuple[str, ...]:
    """What of the files is not heeded, a sentence each."""
    notes: list[str] = []
    notes.extend(
        f"{name} is not heeded: a site has no server of its own here. Write what it does as rules in _redirects, or "
        "have the site and its server built by a Dockerfile."
        for name in _OF_SERVERS
        if name in files
    )
    count = sum(1 for _ in _rules(files, notes.append))
    if count > MOST_RULES:
        notes.append(f"The site has {count} rules; only the first {MOST_RULES} are heeded.")
    return tuple(notes)


def _rules(files: Mapping[str, str], note: Note) -> Iterator[SiteRule]:
    if "_redirects" in files:
        yield from _of_redirects(files["_redirects"], note)
    for name, load, read in (
        ("netlify.toml", parse_toml, _of_netlify),
        ("vercel.json", json.loads, _of_vercel),
        ("static.json", json.loads, _of_static),
    ):
        if name in files:
            yield from read(_loaded(name, files[name], load, note), note)


def _loaded(name: str, text: str, load: Callable[[str], Any], note: Note) -> Mapping[str, Any]:
    try:
        found = load(text)
    except (ValueError, RecursionError) as error:
        note(f"{name} cannot be read and is not heeded: {str(error)[:200]}.")
        return {}
    return found if isinstance(found, dict) else {}


def _of_redirects(text: str, note: Note) -> Iterator[SiteRule]:
    """One rule a line: where from, conditions on the query, where to, status, conditions on the visitor."""
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split() if line.lstrip().startswith("#") else line.split(" #")[0].split()
        if not words:
            continue
        where = f"_redirects, line {number}"
        to = next((place for place, word in enumerate(words[1:], 1) if "=" not in word or word[0] in "/h"), None)
        if to is None:
            note(f"{where}: it names no target and is not heeded.")
            continue
        asked = [*words[1:to], *(word for word in words[to + 1 :] if "=" in word)]
        told = next((found for word in words[to + 1 :] if (found := _STATUS.fullmatch(word))), None)
        status, forced = (int(told[1]), bool(told[2])) if told else (301, False)
        yield from _made(where, words[0], words[to], status, note, forced=forced, asked=bool(asked))


def _of_netlify(found: Mapping[str, Any], note: Note) -> Iterator[SiteRule]:
    for number, each in enumerate(_objects(found.get("redirects")), start=1):
        asked = any(each.get(name) for name in ("query", "conditions", "headers", "signed"))
        status = each.get("status", 301)
        yield from _made(
            f"netlify.toml, redirect {number}",
            *(each.get("from"), each.get("to"), status, note),
            forced=each.get("force") is True,
            asked=asked,
        )


def _of_vercel(found: Mapping[str, Any], note: Note) -> Iterator[SiteRule]:
    for number, each in enumerate(_objects(found.get("redirects")), start=1):
        status = each.get("statusCode") or (308 if each.get("permanent", True) else 307)
        asked = bool(each.get("has") or each.get("missing"))
        where = f"vercel.json, redirect {number}"
        yield from _made(where, each.get("source"), each.get("destination"), status, note, forced=True, asked=asked)
    rewrites = found.get("rewrites")
    if isinstance(rewrites, dict):
        rewrites = [part for key in ("beforeFiles", "afterFiles", "fallback") for part in _objects(rewrites.get(key))]
    for number, each in enumerate(_objects(rewrites), start=1):
        asked = bool(each.get("has") or each.get("missing"))
        where = f"vercel.json, rewrite {number}"
        yield from _made(where, each.get("source"), each.get("destination"), 200, note, forced=False, asked=asked)
    if found.get("routes"):
        note("vercel.json: 'routes' is not heeded; write 'rewrites' and 'redirects' instead.")


def _of_static(found: Mapping[str, Any], note: Note) -> Iterator[SiteRule]:
    routes = found.get("routes")
    for source, target in routes.items() if isinstance(routes, dict) else ():
        to = f"/{target}" if isinstance(target, str) and not target.startswith("/") else target
        yield from _made("static.json, a route", source.replace("**", "*"), to, 200, note, forced=False, asked=False)
    moved = found.get("redirects")
    for source, each in moved.items() if isinstance(moved, dict) else ():
        told = each if isinstance(each, dict) else {}
        status = told.get("status", 301)
        yield from _made("static.json, a redirect", source, told.get("url"), status, note, forced=True, asked=False)


def _made(
    where: str, source: object, target: object, status: object, note: Note, *, forced: bool, asked: bool
) -> Iterator[SiteRule]:
    try:
        yield _rule(source, target, status, forced=forced, asked=asked)
    except _Unheeded as reason:
        note(f"{where}: {reason}.")


def _rule(source: object, target: object, status: object, *, forced: bool, asked: bool) -> SiteRule:
    if not isinstance(source, str) or not isinstance(target, str) or max(len(source), len(target)) > _LONGEST:
        raise _Unheeded("it names no path and target, or one that is too long, and is not heeded")
    if asked:
        raise _Unheeded("it depends on the visitor or the query, and is not heeded")
    if not isinstance(status, int) or (status not in _MOVES and status not in {200, 404}):
        raise _Unheeded(f"a rule with the status {str(status)[:20]} is not heeded")
    is_inside = target.startswith("/") and not target.startswith("//")
    if status in {200, 404} and not is_inside:
        raise _Unheeded("what leads to another server under the site's own address is not heeded; send visitors there")
    if not is_inside and not target.startswith(("https://", "http://")):
        raise _Unheeded("its target is no path and no address, and is not heeded")
    if not source.startswith("/") or not (source + target).isprintable() or set(target) & set("{}"):
        raise _Unheeded("it begins with no '/' or has characters that no rule can have, and is not heeded")
    pattern, names = _pattern(source)
    return SiteRule(pattern=pattern, target=_target(target, names), status=status, forced=forced)


def _pattern(source: str) -> tuple[str, tuple[str, ...]]:
    """The path as an expression, and the names of its groups in order."""
    text, names, position = "", list[str](), 0
    for part in _PART.finditer(source):
        before = source[position : part.start()]
        position = part.end()
        name = part["name"] or ("splat" if part["splat"] else f"group{len(names) + 1}")
        if name in names:
            raise _Unheeded(f"it names '{name}' twice, and is not heeded")
        inner = part["inner"] or part["group"]
        if inner is not None and not _PLAIN_GROUP.fullmatch(inner):
            raise _Unheeded(f"the expression '({inner[:50]})' is not heeded")
        times = part["times"] or part["again"] or ""
        matched = inner or (".*" if part["splat"] or times in {"*", "+"} else "[^/]+")
        may_lack = part["splat"] or times in {"*", "?"}
        if may_lack and before.endswith("/"):  # the slash before goes with it
            text += f"{re.escape(before[:-1])}(?:/(?P<{name}>{matched}))?"
        else:
            text += f"{re.escape(before)}(?P<{name}>{matched}){'?' if may_lack else ''}"
        names.append(name)
    rest = source[position:].rstrip("/") if source != "/" else "/"
    return f"{text}{re.escape(rest)}/?" if rest != "/" else f"{text}/", tuple(names)


def _target(target: str, names: tuple[str, ...]) -> str:
    def named(found: re.Match[str]) -> str:
        if found[2] is not None:
            number = int(found[2])
            return f"{{{names[number - 1]}}}" if 1 <= number <= len(names) else found[0]
        return f"{{{found[1]}}}" if found[1] in names else found[0]

    return _IN_TARGET.sub(named, target)


def _asks_for_fallback(files: Mapping[str, str]) -> bool:
    """Cloud Foundry's word for it."""
    return bool(re.search(r"^pushstate:\s*(enabled|true)\s*$", files.get("Staticfile", ""), re.MULTILINE))


def _objects(found: object) -> list[Mapping[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
