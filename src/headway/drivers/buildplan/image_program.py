"""What a Dockerfile starts its program with: options and variables of its own that lead it to its port, and to the
folder that stays.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from typing import Final

from headway.drivers.buildplan import image_command, image_ports, volumes
from headway.drivers.buildplan.image_stages import dockerfile, last_stage, whole
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DATA

_MOST_WORDS: Final = 60
_INSTRUCTION = re.compile(r"^[ \t]*(ENTRYPOINT|CMD)[ \t]+(\S[^\n]{0,4000})$", re.MULTILINE | re.IGNORECASE)
_BUILT = re.compile(r"[ \t]-o[ \t=]{0,4}[\"']?([\w./-]{1,200})")
_SHELL_TEXT = re.compile(r"[&|;<>()`$*?{}]")
_ANYWHERE = r"(?:0\.0\.0\.0|\[::1?\]|127\.0\.0\.1|localhost|\*)?"
_ADDRESS = re.compile(rf"{_ANYWHERE}:\d{{2,5}}(?:,{_ANYWHERE}:\d{{2,5}}){{0,3}}")
_PORT_OPTION = re.compile(r"^-p$|port$|^--?(?:listen|bind|http)", re.IGNORECASE)
_OF_OTHERS = re.compile(
    r"(?:^|[-_.])(?:db|database|sql|pg|postgres\w*|mysql|mariadb|redis|valkey|mongo\w*|smtp|mail|ldap|amqp|rabbit\w*|nats"
    r"|kafka|mqtt|memcached?|elastic\w*|proxy|remote|upstream|backend|target|peer|join|seeds?|debug|pprof|metrics?|stats\w?"
    r"|prometheus|grpc|admin|ssh|dns|timeouts?|backlog|interval|age|limit|max|size)(?:$|[-_.])",
    re.IGNORECASE,
)
# What an image has its program started by, so that it ends with the container.
_WRAPS: Final = frozenset({"tini", "dumb-init", "--", "-g", "-s", "exec", "docker-entrypoint.sh"})
# What only tells how it is used. An image has that for whoever gives no arguments.
_TELLS: Final = frozenset({"--help", "-h", "-help", "help", "--version", "-v", "-V", "version"})
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::", "[::]", "*"})  # noqa: S104 - read, and replaced
_OURS: Final = frozenset({"PATH", "HOME", "DATA_DIR", "PORT", "VIRTUAL_ENV", "PYTHONPATH"})
_PLAIN = re.compile(r"[\w./:=,@%+-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What stands after a program, in the words of a command line; whether it leads to PORT; and of which of the
    folders that stay it leads to DATA_DIR.
    """

    line: str = ""
    is_led: bool = False
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """The last stage of a Dockerfile: the words that it starts, and its variables."""

    words: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


def arguments(tree: Tree, programs: Collection[str]) -> Arguments:
    """What the Dockerfile has after the first of these programs; nothing where something of it has no sense here."""
    spoken = (_image(tree).words, *(each.words for each in image_command.commands(tree)))
    words = next((each for each in spoken if {*map(posixpath.basename, each)} & {*programs}), ())
    at = next((place for place, word in enumerate(words) if posixpath.basename(word) in programs), None)
    if at is None:
        return Arguments()
    rest, found, folders, ports = words[at + 1 :], list[str](), dict[str, str](), set[str]()
    if len(rest) == 1 and rest[0] in _TELLS:
        return Arguments()
    for place, word in enumerate(rest):
        option, sign, value = word.partition("=") if word.startswith("-") else ("", "", word)
        before = option or (rest[place - 1] if place and rest[place - 1].startswith("-") else "")
        if option and not sign:
            led: str | None = option
        else:
            led = _value(tree, value, before, ports, folders)
            led = led if led is None else f"{option}{sign}{led}"
        led = led if _PLAIN.fullmatch(option or "-") else None
        if led is None:
            return Arguments()
        found.append(led)
    if len(ports) > 1:  # which of them is for requests is not said
        return Arguments()
    return Arguments(line=" ".join(found), is_led=bool(ports), folders=tuple(dict.fromkeys(folders.values())))


def started_file(tree: Tree, runners: Collection[str]) -> tuple[str, str] | None:
    """The command line by which the image starts a file by one of these programs, and that file, both as seen
    from the build path; None where it starts something else, or by what only a shell knows.
    """
    words = _image(tree).words
    at = next((place for place, word in enumerate(words) if posixpath.basename(word) in runners), None)
    before = () if at is None else words[:at]
    if at is None or any(posixpath.basename(word) not in _WRAPS for word in before):
        return None
    rest = [volumes.inside(tree, word) if word.startswith("/") else word for word in words[at + 1 :]]
    named = (posixpath.normpath(word) for word in rest if word != "run" and not word.startswith("-"))
    file = next(named, "")
    if not file or file.startswith("..") or not all(map(_PLAIN.fullmatch, rest)):
        return None
    return " ".join((posixpath.basename(words[at]), *rest)), file


def led_variable(tree: Tree) -> tuple[str, str] | None:
    """A variable of the image that has a port that the Dockerfile declares, and what it is to have here; None where
    there is none, or it is PORT itself.
    """
    found = image_ports.declared(tree)
    declared = {str(port) for port in found.ports} if found.file == dockerfile(tree) else set[str]()
    for name, value in _image(tree).env.items():
        address = _ADDRESS.fullmatch(value) is not None
        if name in _OURS or _OF_OTHERS.search(name) or value.rpartition(":")[2] not in declared:
            continue
        if address or (value.isdecimal() and "port" in name.lower()):
            return name, "127.0.0.1:$PORT" if address else "$PORT"
    return None


def path_here(tree: Tree, path: str) -> str:
    """A whole path of the image as it is here, "" for one that has no sense here."""
    return _path(tree, path, {}) or ("." if volumes.is_place(tree, path) else "")


def has_port(tree: Tree) -> bool:
    """Whether the image has a variable PORT, as what reads it has."""
    return "PORT" in _image(tree).env


def programs_built(tree: Tree) -> tuple[str, ...]:
    """What the Dockerfile calls the programs that it compiles."""
    return tuple(dict.fromkeys(posixpath.basename(name) for name in _BUILT.findall(whole(tree))))


def places(tree: Tree, keep: Collection[str]) -> dict[str, str]:
    """Its variables that lead to a folder that stays and is not kept anyhow, each with where that is here."""
    folders = [each for each in volumes.staying(tree) if not volumes.is_kept(volumes.inside(tree, each), keep)]
    env = {name: value for name, value in _image(tree).env.items() if value.startswith("/") and name not in _OURS}
    led = {name: _staying(value, folders) for name, value in env.items() if not _is_brought(tree, value)}
    taken = dict[str, str]()
    return {name: f"{DATA}{_apart(taken, *place)}" for name, place in led.items() if place is not None}


def _apart(taken: dict[str, str], folder: str, rest: str) -> str:
    """Where a path is below DATA_DIR, apart from a file of that name of another folder that stays. Whole folders share
    DATA_DIR: what was released looks for its files there.
    """
    place = f"{folder}{rest}" if rest and taken.get(rest, folder) != folder else rest
    taken[place or f"{folder}/"] = folder
    return place


def _is_brought(tree: Tree, path: str) -> bool:
    """Whether a path of the image is one of the repository's own files, a folder with some, or made by a build."""
    inner = volumes.inside(tree, path)
    files = (f"{each}/" for each in tree.names if "/." not in f"/{each}")
    return bool(inner) and (
        not volumes.MADE.isdisjoint(inner.split("/")) or any(each.startswith(f"{inner}/") for each in files)
    )


def _value(tree: Tree, value: str, before: str, ports: set[str], folders: dict[str, str]) -> str | None:
    """A value as it has to be here, None where that is not known."""
    is_place = _ADDRESS.fullmatch(value) is not None or (value.isdecimal() and _PORT_OPTION.search(before) is not None)
    if is_place and _OF_OTHERS.search(before.lstrip("-")):
        return None
    if _ADDRESS.fullmatch(value):
        ports.update(each.rpartition(":")[2] for each in value.split(","))
        return "127.0.0.1:$PORT"
    if (value == "$PORT" or (value.isdecimal() and len(value) > 1)) and _PORT_OPTION.search(before):
        ports.add(value)
        return "$PORT"
    if value in _EVERYWHERE:
        return "127.0.0.1"
    if value.startswith("/"):
        return _path(tree, value, folders)
    return value if _PLAIN.fullmatch(value) else shlex.quote(value) if "$" not in value else None


def _path(tree: Tree, value: str, folders: dict[str, str]) -> str | None:
    inner = volumes.inside(tree, value)
    stays = None if inner else _staying(value, volumes.staying(tree))
    if stays is not None:
        return f'"$DATA_DIR{_apart(folders, *stays)}"'
    return inner if _PLAIN.fullmatch(inner) else None


def _staying(path: str, folders: Collection[str]) -> tuple[str, str] | None:
    """The folder that stays which a path is in, and the rest of the path below it."""
    path = posixpath.normpath(path)
    above = next((each for each in folders if f"{path}/".startswith(f"{each}/")), None)
    return None if above is None or not _PLAIN.fullmatch(path) else (above, path.removeprefix(above))


def _image(tree: Tree) -> _Image:
    """What the last stage says."""
    stage = [(match[1].upper(), match[2].strip()) for match in _INSTRUCTION.finditer(last_stage(tree))]
    last = dict(stage)
    words = (*_words(last.get("ENTRYPOINT", "")), *_words(last.get("CMD", "")))
    return _Image(
        words=words[:_MOST_WORDS],
        env=image_command.variables(tree),
    )


def _words(text: str) -> Sequence[str]:
    """The words of an instruction, in either form; none of a text that only a shell understands."""
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            return ()
        words = [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
        if words[:1] and words[0] in image_command.SHELLS and words[1:2] == ["-c"]:
            return _words(" ".join(words[2:]))
        return words
    line = text.rpartition("&&")[2].strip()
    if _SHELL_TEXT.search(line):
        return ()
    try:
        return shlex.split(line)
    except ValueError:
        return ()
