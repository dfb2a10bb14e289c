"""The rule that knows an output best, and what it says of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from headway.kernel.failures import (
    applications,
    backends,
    binaries,
    compiled_languages,
    frameworks,
    hints,
    keys,
    languages,
    machine,
    migrations,
    minifiers,
    missing_variables,
    node,
    package_managers,
    python,
    runs,
    script_languages,
    sites,
    sources,
    versions,
)
from headway.kernel.failures.line_choice import is_error, telling_line
from headway.kernel.failures.ranges import node_of, python_of
from headway.kernel.failures.rule import Phase, Rule
from headway.kernel.lines import shortened, without_folders
from headway.kernel.prefixes import bare_lines

_MOST_OF_A_LINE: Final = 600
_MOST_LISTED: Final = 8
_TABLES: Final = (
    *(keys, backends, versions, languages, minifiers, migrations, package_managers, frameworks, binaries, applications),
    *(machine, sources, python, node, sites, compiled_languages, script_languages, missing_variables, runs),
)
_RULES: Final[tuple[Rule, ...]] = tuple(rule for table in _TABLES for rule in table.RULES)
_GENERAL: Final[tuple[Rule, ...]] = tuple(
    rule for table in (python, node, sites, runs, versions, machine, sources, applications) for rule in table.GENERAL
)
# Of these what is an error of its own; the others say what another came to.
_ERRORS: Final[tuple[Rule, ...]] = tuple(rule for table in (sites, runs, machine) for rule in table.GENERAL)
# A build of an image is told by its steps.
_IMAGE = re.compile(r"^\[(?:[\w.-]{1,60} )?\d{1,3}/\d{1,3}\] (?:FROM|RUN|COPY) ", re.MULTILINE)
_USE = re.compile(r"headway apps set APP --use (\w+)=([\w.]+)")
_IMAGES: Final[Mapping[str, str]] = {"go": "golang"}
# A variable in what a library lists: in quotes, at the beginning of a line, or the place that something is "at".
_LISTED = re.compile(r"(?:['\"]|^|\bat )([A-Z][A-Z0-9_]{2,60})(?=['\":]|$)", re.MULTILINE)

# A field of pydantic's settings, which is read from the variable of its name in capitals.
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9_]{1,60})$", re.MULTILINE)


def selected(output: str, phase: Phase) -> tuple[str, str, str] | None:
    """The line that says what went wrong, the cause and the mend; None where no rule knows the output."""
    text = _plain(output)
    matches = _Matches(text, phase)
    chosen = _chosen((_RULES, _GENERAL, hints.RULES), matches)
    passed: set[str] = set()
    while chosen is not None and chosen[0].tolerable:
        passed.add(chosen[0].pattern.pattern)
        after = _chosen((_RULES, _ERRORS), matches, chosen[1].end(), passed)
        if after is None:
            break
        chosen = after
    if chosen is None or (chosen[0] in hints.RULES and _is_told_after(chosen[1].end(), text)):
        return None
    return _explained(*chosen, text)


def _plain(output: str) -> str:
    return "\n".join(line[:_MOST_OF_A_LINE].rstrip() for line in bare_lines(output) if line)


class _Matches:
    """Where rules match a text. Each goes through it once, though it is asked again after each error that is passed
    over: what is not found after one place is not found after a later one, and a match that lies after both is the same.
    """

    def __init__(self, text: str, phase: Phase) -> None:
        self._text = text
        self.phase = phase
        self._known: dict[tuple[re.Pattern[str], bool], re.Match[str] | None] = {}

    def of(self, rules: Iterable[Rule], begin: int) -> Iterator[tuple[Rule, re.Match[str]]]:
        """The rules of this phase that match from there on, each with its match."""
        for rule in rules:
            found = self._after(rule, begin) if rule.phase in {None, self.phase} else None
            if found is not None:
                yield rule, found

    def _after(self, rule: Rule, begin: int) -> re.Match[str] | None:
        key = (rule.pattern, rule.last)
        found = self._known.get(key)
        if key not in self._known or (found is not None and found.start() < begin):
            found = self._known[key] = _found(rule, self._text, begin)
        return found


def _chosen(
    tiers: Sequence[Sequence[Rule]], matches: _Matches, begin: int = 0, passed: Collection[str] = ()
) -> tuple[Rule, re.Match[str]] | None:
    for rules in tiers:
        found = matches.of((rule for rule in rules if rule.pattern.pattern not in passed), begin)
        # A build ends by its first error; a program goes on after warnings until it ends by its last.
        if matches.phase is Phase.BUILD:
            chosen = next(found, None)
            if chosen is not None and (family := chosen[0].family):
                kin = (each for each in found if each[0].family == family)
                chosen = min(chosen, *kin, chosen, key=lambda each: each[1].start())
        else:
            chosen = max(found, key=lambda each: each[1].start(), default=None)
        if chosen is not None:
            return chosen
    return None


def _found(rule: Rule, text: str, begin: int) -> re.Match[str] | None:
    if not rule.last:
        return rule.pattern.search(text, begin)
    found = None
    for each in rule.pattern.finditer(text, begin):
        found = each
    return found


def _is_told_after(end: int, text: str) -> bool:
    """Whether what tells most stands after that: then the advice before it is about something else."""
    after = telling_line(text[end:])
    return is_error(after) and after == telling_line(text)


def _explained(rule: Rule, found: re.Match[str], text: str) -> tuple[str, str, str]:
    groups = {name: value for name, value in found.groupdict().items() if name != "line"}
    named = {name: without_folders(value) for name, value in groups.items() if value}
    first = next(iter(named.values()), "")
    named = {name: named.get(name, first) for name in groups}
    named["python"], named["node"] = python_of(named.get("wants", "")), node_of(named.get("wants", ""))
    named["package"] = rule.quotes.get(first, first)
    fields = (name.upper() for name in _FIELD.findall(named.get("fields", "")))
    variables = tuple(dict.fromkeys((*_LISTED.findall(named.get("names", "")), *fields)))[:_MOST_LISTED]
    named["listed"] = f"{', '.join(variables)} {'is' if len(variables) == 1 else 'are'}"
    named["given"] = " ".join(f"{name}=..." for name in variables)
    line = shortened(without_folders(_quoted(rule, found, text)))
    mend = rule.mend.format_map(named)
    return line, rule.cause.format_map(named), _within(mend) if _IMAGE.search(text) else mend


def _quoted(rule: Rule, found: re.Match[str], text: str) -> str:
    if rule.frame and is_error(said := telling_line(text[: found.end()])):
        return said
    if line := found.groupdict().get("line"):
        return "; ".join(each for each in str(line).strip().split("\n") if each.strip("^~ "))
    end = text.find("\n", found.end())
    return text[found.start() : end if end >= 0 else None].replace("\n", " ")


def _within(mend: str) -> str:
    """What mends it in an image: the packages and languages there are not the machine's."""
    packages = mend.replace(
        "on the machine: apt install ", "in the Dockerfile: RUN apt-get update && apt-get install -y "
    )
    return _USE.sub(lambda use: f"FROM {_IMAGES.get(use[1], use[1])}:{use[2]} in the Dockerfile", packages)
