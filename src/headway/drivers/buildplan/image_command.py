"""Which commands an image starts, as its Dockerfile has them, and the script of the repository that this names: read as
text, where a shell would find its way only by running it.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import islice
from typing import Final

from headway.drivers.buildplan import volumes
from headway.drivers.buildplan.image_stages import DOCKERFILE, dockerfile, last_stage
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

SHELLS: Final = frozenset({"sh", "bash", "ash", "dash", "/bin/sh", "/bin/bash", "/bin/ash"})

_INSTRUCTION = re.compile(r"^[ \t]*(ENTRYPOINT|CMD|WORKDIR)[ \t]+(\S[^\n]{0,4000})$", re.IGNORECASE)
_GIVEN = re.compile(r"^[ \t]*(ENV|ARG)[ \t]+(\S[^\n]{0,4000})$", re.MULTILINE | re.IGNORECASE)
_COPIED = re.compile(
    r"^[ \t]*(?:COPY|ADD)[ \t]+(?:--(?!from)[\w-]{1,40}(?:=\S{1,200})?[ \t]+){0,4}"
    r"(?P<source>(?!-)[\w./-]{1,200})[ \t]+(?P<target>[\w./-]{1,200})[ \t]*$",
    re.IGNORECASE,
)
_FILE = re.compile(r"\.(?:sh|py)$|entry|start|run|boot")
_SHELL_TEXT = re.compile(r"[<>`]|\$\(")
_PAIR = re.compile(r"([A-Za-z_]\w{0,60})=(\"[^\"]{0,300}\"|'[^']{0,300}'|\S{1,300})")
_NAMED = re.compile(r"\$\{(\w{1,60})(?::?-([^{}]{0,200}))?\}|\$(\w{1,60})")
_ASSIGNED = re.compile(r"([A-Za-z_]\w{0,60})=([\w./:,@%+-]{0,200})")
_FUNCTION = re.compile(r"^[ \t]*(?:function[ \t]+)?([A-Za-z_]\w{0,60})[ \t]*\(\)", re.MULTILINE)
_PATTERN = re.compile(r"[\w.*|\"'-]{1,60}\)")
_REST: Final = frozenset({"$@", "$*", "${@}"})
_PARTS: Final = frozenset({"&&", "||", ";", ";;", "|", "&"})
_SAYS_MORE: Final = frozenset({"then", "else", "do", "{", "(", "!", "exec", "command", "nohup", "time", "--", "env"})
_RUNNERS: Final = frozenset({"uv", "poetry", "pipenv", "pdm", "rye", "hatch"})
_AS_OTHERS: Final = frozenset({"gosu", "su-exec", "s6-setuidgid", "setuser"})
_FIRST_PROCESSES: Final = frozenset({"tini", "dumb-init", "catatonit", "docker-init"})
_WATCHING: Final = frozenset({"opentelemetry-instrument", "ddtrace-run"})
_MOST_WORDS: Final = 60
_MOST_COPIED: Final = 40
_MOST_LINES: Final = 400
_MOST_COMMANDS: Final = 100
_LONGEST_LINE: Final = 1000
_LONGEST_PATH: Final = 300
_LONGEST_SCRIPT: Final = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """``words`` of a command that an image starts, the program first; ``folder`` is where, below the build path;
    ``env`` the variables that stand before it, ``file`` what says so.
    """

    words: tuple[str, ...]
    folder: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    file: str = DOCKERFILE


def commands(tree: Tree) -> tuple[Command, ...]:
    """Those that the last stage starts, in their order, those of a script of the repository in its place."""
    if dockerfile(tree) not in tree.contents:
        return ()
    image = _Image(tree)
    return tuple(islice(_unfolded(image, _started(image)), _MOST_COMMANDS))


def variables(tree: Tree) -> dict[str, str]:
    """The variables that the last stage has, where they have what an ARG of it has by itself."""
    known, found = dict[str, str](), dict[str, str]()
    for match in _GIVEN.finditer(last_stage(tree)):
        for key, value in _pairs(match[2].strip()):
            known[key] = expanded(value, known)
            if match[1].upper() == "ENV":
                found[key] = known[key]
    return found


def expanded(word: str, env: Mapping[str, str]) -> str:
    """A word with the values that its variables have in the image; PORT stays, as one that is another here."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        return "$PORT" if name == "PORT" else env.get(name, match[0] if match[2] is None else match[2])

    return _NAMED.sub(value, word)


def named_files(tree: Tree) -> frozenset[str]:
    """The files of the repository that the Dockerfile, or its script, has started: scripts, and programs in Python."""
    if dockerfile(tree) not in tree.contents:
        return frozenset()
    image = _Image(tree)
    started = _started(image)
    found = {image.file(word, image.here) for words in started for word in words if _FILE.search(word)}
    for each in islice(_unfolded(image, started), _MOST_COMMANDS):
        found |= {file_of(tree, each, word) for word in each.words if word.endswith(".py")}
    return frozenset(each for each in found if each in tree.names)


def file_of(tree: Tree, command: Command, word: str) -> str:
    """The path below the build path of a file that a command names."""
    inner = volumes.inside(tree, word) if word.startswith("/") else posixpath.join(command.folder, word)
    return posixpath.normpath(inner)


def words_of(text: str) -> list[list[str]]:
    """The commands of a line of a shell, each by its words; none of a line that cannot be told."""
    lexer = shlex.shlex(text[:_LONGEST_LINE], posix=True, punctuation_chars=";&|")
    lexer.whitespace_split, lexer.commenters = True, "#"
    found: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word in _PARTS:
                found.append([])
            else:
                found[-1].append(word)
    except ValueError:
        return []
    return [each[:_MOST_WORDS] for each in found if each]


def _spoken(text: str) -> list[list[str]]:
    """The commands of an instruction, in either form, those of a shell that it starts in its place."""
    if not text.startswith("["):
        lines = words_of(text)
        is_shell = len(lines) == 1 and lines[0][0] in SHELLS and lines[0][1:2] == ["-c"]
        return [each for line in lines[0][2:3] for each in words_of(line)] if is_shell else lines
    try:
        found = json.loads(text)
    except ValueError:
        return []
    words = [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
    if words[:1] and words[0] in SHELLS and words[1:2] and re.fullmatch(r"-[a-z]{0,4}c", words[1]):
        return [each for line in words[2:3] for part in line.split("\n") for each in words_of(part)]
    return [words[:_MOST_WORDS]] if words else []


class _Image:
    """Where the last stage has what of the repository, which variables, and where it is started."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.env = variables(tree)
        self.here = "/"
        self._copied = dict[str, str]()
        self._folders = set[str]()
        self._scripts: dict[str, list[str]] = defaultdict(list)
        self._known = dict[str, str | None]()
        for name in tree.names:
            if name.endswith(".sh"):
                self._scripts[posixpath.basename(name)].append(name)
            above = posixpath.dirname(name)
            while above and above not in self._folders:
                self._folders.add(above)
                above = posixpath.dirname(above)
        self.told = dict[str, str]()
        for line in last_stage(tree).split("\n"):
            match = _INSTRUCTION.match(line)
            if match and match[1].upper() == "WORKDIR":
                place = expanded(match[2].strip().strip("\"'"), self.env)
                self.here = posixpath.normpath(posixpath.join(self.here, place))
            elif match:
                self.told[match[1].upper()] = match[2].strip()
            elif (copied := _COPIED.match(line)) and len(self._copied) < _MOST_COPIED:
                self._copy(copied["source"], copied["target"])

    def folder(self, path: str) -> str | None:
        """What a folder of the image is below the build path; None for one that is not there."""
        if path not in self._known:
            self._known[path] = self._folder(path)
        return self._known[path]

    def _folder(self, path: str) -> str | None:
        if len(path) > _LONGEST_PATH:
            return None
        above = path
        while above.strip("/"):
            if (source := self._copied.get(above)) is not None:
                inner = posixpath.normpath(posixpath.join(source, path.removeprefix(above).strip("/")))
                if inner in self._folders or inner == ".":
                    return "" if inner == "." else inner
            above = posixpath.dirname(above)
        inner = volumes.inside(self.tree, path)
        if inner in self._folders:
            return inner
        return "" if path == "/" or volumes.is_place(self.tree, path) else None

    def file(self, path: str, here: str) -> str:
        """The file of the repository that a path of the image is, "" where it is none that is known."""
        path = posixpath.normpath(posixpath.join(here, path))
        base = posixpath.basename(path)
        folder = self.folder(posixpath.dirname(path))
        inner = self._copied.get(path) or (posixpath.join(folder, base) if folder is not None else "")
        if inner in self.tree:
            return inner
        named = self._scripts.get(base, [])
        return named[0] if len(named) == 1 else ""

    def _copy(self, source: str, target: str) -> None:
        source = posixpath.normpath(source).lstrip("/")
        if source in self.tree and target.endswith(("/", ".")):
            target = posixpath.join(target, posixpath.basename(source))
        self._copied[posixpath.normpath(posixpath.join(self.here, target))] = source


def _started(image: _Image) -> list[list[str]]:
    """What the image starts: its CMD after its ENTRYPOINT."""
    first, later = (_spoken(image.told.get(name, "")) for name in ("ENTRYPOINT", "CMD"))
    return [*first[:-1], [*first[-1], *(later[0] if later else ())], *later[1:]] if first else later


def _unfolded(image: _Image, started: Sequence[Sequence[str]]) -> Iterator[Command]:
    here = image.here
    for words in started:
        here, found = _step(image, words, here, dockerfile(image.tree))
        if found is None:
            continue
        rest = found.words[1:] if found.words[0] in {*SHELLS, ".", "source"} else found.words
        script = image.file(rest[0], here) if rest and not rest[0].endswith(".py") else ""
        if script:
            yield from _of_script(image, script, rest[1:], here)
        elif rest[1:] and rest[0].endswith(".sh"):  # of what it is made from, which starts what comes after it
            inner = _step(image, rest[1:], here, dockerfile(image.tree))[1]
            yield from (inner,) if inner is not None else ()
        else:
            yield found


def _of_script(image: _Image, name: str, given: Sequence[str], here: str) -> Iterator[Command]:
    text = re.sub(r"\\[ \t]*\n", " ", image.tree.text(name)[:_LONGEST_SCRIPT])
    functions = frozenset(_FUNCTION.findall(text))
    for line in text.split("\n")[:_MOST_LINES]:
        for words in words_of(line.strip()):
            filled = [each for word in words for each in (given if word in _REST else (word,))]
            here, found = _step(image, filled[:_MOST_WORDS], here, name, functions)
            if found is not None:
                yield found


def _step(
    image: _Image, words: Sequence[str], here: str, file: str, functions: frozenset[str] = frozenset()
) -> tuple[str, Command | None]:
    """Where the shell is after a command, and the command without what stands around its program; None for what only
    a shell understands.
    """
    own = dict[str, str]()
    rest = [expanded(word, image.env) for word in words]
    while rest and (taken := _around(rest, own, functions)):
        rest = rest[taken:]
    if rest[:1] == ["cd"]:
        return (posixpath.normpath(posixpath.join(here, rest[1])) if len(rest) > 1 else here), None
    folder = image.folder(here)
    if not rest or folder is None or any(_SHELL_TEXT.search(word) for word in rest):
        return here, None
    return here, Command(words=tuple(rest), folder=folder, env=own, file=file)


def _around(words: Sequence[str], own: dict[str, str], functions: frozenset[str]) -> int:
    """How many words at the beginning only tell how the program after them is started."""
    name = posixpath.basename(words[0])
    if name in _SAYS_MORE or words[0] in functions or name in _WATCHING or _PATTERN.fullmatch(words[0]):
        return 1
    if match := _ASSIGNED.match(words[0]):
        if match.end() == len(words[0]):  # else it is what only a shell knows
            own[match[1]] = match[2]
        return 1
    if name in _AS_OTHERS:
        return 2
    if name in _FIRST_PROCESSES or (name in _RUNNERS and words[1:2] == ["run"]):
        at = 2 if name in _RUNNERS else 1
        while at < len(words) and words[at].startswith("-"):
            at += 1
        return at
    return 0


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """The variables of an ENV, in either form."""
    found = [(match[1], match[2].strip("\"'")) for match in _PAIR.finditer(text)]
    name, _, value = text.partition(" ")
    if not found and "=" not in name:
        found = [(name, value.strip().strip("\"'"))]
    yield from found
