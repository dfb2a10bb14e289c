"""The stages of a Dockerfile: what stands in the one that is run, and in those that it is made from."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

DOCKERFILE: Final = "Dockerfile"
_NAMES: Final = (DOCKERFILE, "Containerfile", "dockerfile")
# Where repositories have it that keep their top for other things.
_FOLDERS: Final = (
    *("docker", ".docker", "container", "containers", "build", "build/docker", "build/package", "deploy", "etc"),
    *("deploy/docker", "deployment", "deployments", "deployments/docker", "packaging/docker", "tools/docker"),
    *("tools/deploy/docker", "contrib/docker", "infra/docker", "ops/docker", "scripts/docker"),
)
FILES: Final = (*_NAMES, *(f"{folder}/{name}" for folder in _FOLDERS for name in _NAMES))
_MOST_TEXT: Final = 64 << 10
_MOST_STAGES: Final = 50
_MOST_LOOKED_AT: Final = 5
_MOST_COPIES: Final = 100
_FROM = re.compile(
    r"^[ \t]*FROM[ \t]+(?:--\w+=\S+[ \t]+)?(?P<base>\S{1,200})(?:[ \t]+AS[ \t]+(?P<name>\S{1,100}))?[^\n]*$",
    re.MULTILINE | re.IGNORECASE,
)
_COPIED = re.compile(r"^[ \t]*(?:COPY|ADD)[ \t]+(\S[^\n]{0,1000})$", re.MULTILINE | re.IGNORECASE)
_FROM_STAGE: Final = "--from="
_MOST_COPIED: Final = 100
_WITH_NAMES = re.compile(
    r"^[ \t]*(?:(?P<paths>FROM|WORKDIR|COPY|VOLUME|EXPOSE)|(?P<gives>ARG|ENV))[ \t][^\n]*$",
    re.MULTILINE | re.IGNORECASE,
)
_GIVEN = re.compile(
    r"(?<!\S)(?P<name>\w{1,100})=(?P<quote>[\"']?)(?P<value>[\w./-]{1,200})(?P=quote)(?!\S)",
)
_PLACES = re.compile(
    r"^[ \t]*(?:WORKDIR[ \t]+[\"']?(?P<folder>[\w./-]{1,200})[\"']?"
    r"|(?:COPY|ADD)[ \t]+(?P<flags>(?:--[\w-]{1,40}=\S{1,200}[ \t]+){0,4})"
    r"(?P<source>[\w./-]{1,200})[ \t]+(?P<target>[\w./-]{1,200}))[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_OF_STAGE = re.compile(r"--from=(\S{1,100})", re.IGNORECASE)
_NAMED = re.compile(r"\$(?:\{(\w{1,100})(?::-([\w./-]{1,200}))?\}|(\w{1,100}))")


def dockerfile(tree: Tree) -> str:
    """The file that says how an image is made: the one at the build path; else the only one in a folder that is for
    such files.
    """
    found = [name for name in FILES if name in tree]
    is_sure = len(found) == 1 or (bool(found) and found[0] in _NAMES)
    return found[0] if is_sure else DOCKERFILE


def called(tree: Tree) -> str:
    """That file in a sentence, with its folder where it is in one."""
    name = dockerfile(tree)
    return "the Dockerfile" if name == DOCKERFILE else name


class _Stage(NamedTuple):
    """A stage: what it is called, what it begins with, and its instructions."""

    name: str
    base: str
    text: str


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
    return _based(tree, _stages(tree))


def joined_folders(tree: Tree) -> tuple[str, str] | None:
    """Two folders of the repository, where the Dockerfile puts what it makes of the first into what it makes of the
    second: neither is all of the application.
    """
    folders = {name.partition("/")[0] for name in tree.names if "/" in name}
    own, made = dict[str, str](), list[tuple[str, str]]()
    for stage in _stages(tree):
        own[stage.name] = own.get(stage.base, "")
        for line in _COPIED.findall(stage.text)[:_MOST_COPIED]:
            words = line.split()
            others = [word[len(_FROM_STAGE) :].lower() for word in words if word.lower().startswith(_FROM_STAGE)]
            tops = (posixpath.normpath(word).lstrip("/").partition("/")[0] for word in words[:-1])
            if others:
                made += [(own.get(each, ""), stage.name) for each in others]
            else:
                own[stage.name] = next((each for each in tops if each in folders), own[stage.name])
    return next(((first, own[name]) for first, name in made if first and own[name] not in {"", first}), None)


def folder_at(tree: Tree, place: str) -> str:
    """The folder of the repository that the image has at a ``place``, itself or what a stage before has made of it; ""
    where that is all of the repository, or not sure.
    """
    stages, known, found = _stages(tree), dict[str, list[_Copy]](), set[str]()
    for copy in _copies(_based(tree, stages)):
        if copy.place != place:
            continue
        if copy.of and copy.of not in known and len(known) < _MOST_LOOKED_AT:
            known[copy.of] = list(_copies(_based(tree, stages, copy.of)))
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


def _based(tree: Tree, stages: Sequence[_Stage], name: str = "") -> str:
    """The instructions of the stage of that name, else of the last one, after those that it begins with."""
    taken, wanted = list[str](), name or (stages[-1].name if stages else "")
    for stage in reversed(stages):  # of two of a name the nearer one above is meant
        if stage.name == wanted:
            taken.append(stage.text)
            wanted = stage.base
    return "".join(reversed(taken)) if stages else whole(tree)


def _stages(tree: Tree) -> list[_Stage]:
    text = whole(tree)
    begins = list(_FROM.finditer(text))[:_MOST_STAGES]
    ends = [*(match.start() for match in begins[1:]), len(text)]
    return [
        _Stage((match["name"] or str(number)).lower(), match["base"].lower(), text[match.end() : end])
        for number, (match, end) in enumerate(zip(begins, ends, strict=False))
    ]


def whole(tree: Tree) -> str:
    """All of the Dockerfile as far as it is read, where lines that go on are joined, and paths, ports and variables
    have what variables have by themselves (``ARG SETTINGS=./settings.json.docker``).
    """
    return _spelled(tree.text(dockerfile(tree))[:_MOST_TEXT])


@lru_cache(maxsize=4)  # what is said of each of a thousand variables is looked up in the same text
def _spelled(text: str) -> str:
    given = dict[str, str]()

    def value(found: re.Match[str]) -> str:
        return given.get(found[1] or found[3]) or found[2] or found[0]

    def spelled(line: re.Match[str]) -> str:
        known = _NAMED.sub(value, line[0])
        if line["gives"] is not None:
            given.update((match["name"], match["value"]) for match in _GIVEN.finditer(known))
            return known
        return known.replace('"', "") if "$" in line[0] and "[" not in known else known

    return _WITH_NAMES.sub(spelled, re.sub(r"\\[ \t]*\n", " ", text))[:_MOST_TEXT]
