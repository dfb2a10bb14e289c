"""The stages of a Dockerfile: what stands in the one that is run, and in those that it is made from."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from headway.drivers.buildplan.tree import Tree

DOCKERFILE: Final = "Dockerfile"
_MOST_TEXT: Final = 64 << 10
_MOST_STAGES: Final = 50
_MOST_LOOKED_AT: Final = 5
_MOST_COPIES: Final = 100
_FROM = re.compile(
    r"^[ \t]*FROM[ \t]+(?:--\w+=\S+[ \t]+)?(?P<base>\S{1,200})(?:[ \t]+AS[ \t]+(?P<name>\S{1,100}))?[^\n]*$",
    re.MULTILINE | re.IGNORECASE,
)
_WITH_PATHS = re.compile(r"^[ \t]*(?:FROM|WORKDIR|COPY|VOLUME)[ \t][^\n]*\$[^\n]*$", re.MULTILINE | re.IGNORECASE)
_GIVEN = re.compile(
    r"^[ \t]*(?:ARG|ENV)[ \t]+(?P<name>\w{1,100})=(?P<quote>[\"']?)(?P<value>[\w./-]{1,200})(?P=quote)[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_PLACES = re.compile(
    r"^[ \t]*(?:WORKDIR[ \t]+[\"']?(?P<folder>[\w./-]{1,200})[\"']?"
    r"|(?:COPY|ADD)[ \t]+(?P<flags>(?:--[\w-]{1,40}=\S{1,200}[ \t]+){0,4})"
    r"(?P<source>[\w./-]{1,200})[ \t]+(?P<target>[\w./-]{1,200}))[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_OF_STAGE = re.compile(r"--from=(\S{1,100})", re.IGNORECASE)
_NAMED = re.compile(r"\$(?:\{(\w{1,100})\}|(\w{1,100}))")


@dataclass(frozen=True, slots=True)
class _Copy:
    """What a stage puts at a place of the image: a file or folder of the repository, or of the stage ``of``."""

    source: str
    place: str
    of: str = ""


def last_stage(tree: Tree) -> str:
    """The instructions of the last stage, after those of the stages of the same file that it begins with; lines that
    go on are joined.
    """
    return _stage(whole(tree))


def folder_at(tree: Tree, place: str) -> str:
    """The folder of the repository that the image has at a ``place``, itself or what a stage before has made of it; ""
    where that is all of the repository, or not sure.
    """
    text, known, found = whole(tree), dict[str, list[_Copy]](), set[str]()
    for copy in _copies(_stage(text)):
        if copy.place != place:
            continue
        if copy.of and copy.of not in known and len(known) < _MOST_LOOKED_AT:
            known[copy.of] = list(_copies(_stage(text, copy.of)))
        before = (each for each in known.get(copy.of, ()) if not each.of)
        sources = {each.source for each in before if f"{copy.source}/".startswith(f"{each.place}/")}
        found |= sources if copy.of else {copy.source}
    folders = {each for each in found if each == "." or any(name.startswith(f"{each}/") for name in tree.names)}
    return folders.pop() if len(folders) == 1 and "." not in folders else ""


def _copies(stage: str) -> Iterator[_Copy]:
    here = "/"
    for match in islice(_PLACES.finditer(stage), _MOST_COPIES):
        if match["folder"] is not None:
            here = posixpath.normpath(posixpath.join(here, match["folder"]))
            continue
        of = _OF_STAGE.search(match["flags"])
        source = posixpath.normpath(match["source"])
        place = posixpath.normpath(posixpath.join(here, match["target"]))
        yield _Copy(source if of else source.lstrip("/") or ".", place, of[1].lower() if of else "")


def _stage(text: str, name: str = "") -> str:
    """The stage of that name, else the last one, after those that it begins with."""
    begins = list(_FROM.finditer(text))[:_MOST_STAGES]
    ends = [*(match.start() for match in begins[1:]), len(text)]
    stages = [
        ((match["name"] or str(number)).lower(), match["base"].lower(), text[match.end() : end])
        for number, (match, end) in enumerate(zip(begins, ends, strict=False))
    ]
    taken, wanted = list[str](), name or (stages[-1][0] if stages else "")
    for each, base, inner in reversed(stages):  # of two of a name the nearer one above is meant
        if each == wanted:
            taken.append(inner)
            wanted = base
    return "".join(reversed(taken)) if begins else text


def whole(tree: Tree) -> str:
    """All of the Dockerfile as far as it is read, where lines that go on are joined, and paths have what variables have
    by themselves (``ARG SETTINGS=./settings.json.docker``).
    """
    text = re.sub(r"\\[ \t]*\n", " ", tree.text(DOCKERFILE)[:_MOST_TEXT])
    given = {match["name"]: match["value"] for match in _GIVEN.finditer(text)}

    def spelled(line: re.Match[str]) -> str:
        known = _NAMED.sub(lambda found: given.get(found[1] or found[2], found[0]), line[0])
        return known.replace('"', "") if "[" not in known else known

    return _WITH_PATHS.sub(spelled, text)[:_MOST_TEXT]
