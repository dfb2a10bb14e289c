"""Where a program of Node or Bun listens that does not read PORT: by which variable of its own it is led there, or the
number that its main file has for it.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from headway.drivers.buildplan import env_example
from headway.drivers.buildplan.composes import COMPOSES
from headway.drivers.buildplan.image_ports import declared
from headway.drivers.buildplan.image_program import has_port, led_variable
from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.providers.node_sources import imported
from headway.drivers.buildplan.tree import Tree

_VALUE: Final = r"(\d{4,5}|[A-Za-z_$][\w$]*)"
_INSIDE: Final = rf"[^{{}}]{{0,300}}?\bport\s*:\s*{_VALUE}\s*[,}}]"
_SOCKETS: Final = r"\bnew\s+(?:WebSocketServer|\w+\.(?:WebSocketServer|Server))\s*\(\s*\{"
_APOLLO: Final = "startStandaloneServer"
_OF_APOLLO: Final = 4000  # where it listens that is told nothing
_LISTENS: Final = re.compile(
    rf"\.listen\s*\(|(?<!\w)serve\s*\(|\bexport\s+default\s*\{{|\b{_APOLLO}\s*\(|{_SOCKETS}[^{{}}]{{0,300}}?\bport\b"
)
_LITERAL: Final = (
    re.compile(rf"\.listen\s*\(\s*{_VALUE}\s*[,)]"),
    re.compile(rf"(?:\.listen|(?<!\w)serve)\s*\(\s*\{{{_INSIDE}"),
    re.compile(rf"\bexport\s+default\s*\{{{_INSIDE}"),
    re.compile(rf"\blisten\s*:\s*\{{{_INSIDE}"),
    re.compile(rf"{_SOCKETS}{_INSIDE}"),
)
_READS: Final = re.compile(
    r"\benv\.PORT\b|\benv\[[\"']PORT[\"']\]|\{[^{}]{0,200}?\bPORT\b[^{}]{0,200}\}\s*=\s*process\.env\b"
)
_NAMED: Final = r"(?:(?:process|Bun)\.env|(?<![\w.$])env)\.([A-Z][A-Z0-9_]*_PORT|port)\b"
_VARIABLES: Final = (
    re.compile(rf"{_NAMED}[^\n;]{{0,20}}?(?:\|\||\?\?)\s*[\"'`]?\d{{4,5}}\b"),
    re.compile(rf"\.listen\s*\(\s*(?:\w+\s*\(\s*|\+)?{_NAMED}"),
)
_OF_OTHERS: Final = re.compile(
    r"(?:^|_)(?:DB|DATABASE|SQL|PG|POSTGRES(?:QL)?|MYSQL|MARIADB|REDIS|MONGO(?:DB)?|SMTP|E?MAIL|SFTP|FTP|SSH|DNS|PROXY"
    r"|RABBIT(?:MQ)?|AMQP|MQTT|KAFKA|NATS|LDAP|DEBUG|METRICS|PROMETHEUS|GRPC|ADMIN|REMOTE|ELASTIC(?:SEARCH)?"
    r"|MEMCACHED?|CLIENT|FRONTEND|VITE|HMR|HTTPS|SSL|TLS|CACHE|QUEUE)_"
)
_PROGRAM: Final = re.compile(r"(?:^|\s)(?:node|bun)\s+(?:run\s+)?[\w./-]+")
_OF_FOLDER: Final = re.compile(
    r"(?:^|\s)(?:node|bun|tsx|ts-node|nodemon)\s+(?:--?\S+\s+)*+(?:\./)?([\w./-]+?)/?(?=\s|$)"
)
_RUNS_FILE: Final = re.compile(
    r"(?:[A-Za-z_]\w*=[^\s\"']*\s+|(?:cross-env|env|exec)\s+)*+(?:node|bun|tsx|ts-node)\s+(?:run\s+)?(?:--?\S+\s+)*+[\w./-]+"
)
# What a file of examples or a compose file gives a variable, what a compose file maps to a container, and by which
# variables it says where that is published.
_GIVEN: Final = re.compile(
    r"^[ \t]*(?:-[ \t]*)?(?:export[ \t]+)?([A-Z][A-Z0-9_]{0,60}_PORT)[ \t]*[=:][ \t]*[\"']?(\d{4,5})[\"']?[ \t]*"
    r"(?:#.*)?$",
    re.MULTILINE,
)
_TARGET: Final = re.compile(
    r"^[ \t]*-[ \t]*[\"']?(?:[\d.]{7,15}:)?(?:\d{1,5}|\$\{?\w{1,60}(?::-\d{1,5})?\}?):(\d{4,5})(?:/tcp)?[\"']?"
    r"[ \t]*(?:#.*)?$",
    re.MULTILINE,
)
_OUTSIDE: Final = re.compile(r"\$\{?([A-Z][A-Z0-9_]{0,60}_PORT)\b[^\n:}]{0,20}(?::-\d{1,5})?\}?:\d")
_SEVERAL: Final = re.compile(r"[&;|]")
_ENDINGS: Final = (".js", ".mjs", ".cjs", ".ts", ".mts", ".tsx")
_LEAST, _MOST = 1024, 65535  # what any account may listen on


def own_port(tree: Tree, line: str, mains: tuple[str, ...]) -> tuple[int, str] | None:
    """The port that the program listens on whatever PORT says, with the file that has it; None where it reads that, or
    where nothing is sure. ``line`` starts it, ``mains`` are the names of main files.
    """
    entry = next(started(line, tree), None)
    if entry not in tree.contents if entry is not None else _PROGRAM.search(line) is None:
        return None
    names = [entry] if entry is not None and _LISTENS.search(_code(tree, entry)) else mains
    found = [name for name in names if name in tree.contents and _LISTENS.search(_code(tree, name))]
    if _reads_port(tree):
        return None  # what has a number may be a second server
    port = _port(_code(tree, found[0])) if len(found) == 1 else None
    return None if port is None else (port, found[0])


def led(tree: Tree, line: str, mains: Sequence[str]) -> tuple[str, str] | None:
    """The command line with what leads the program to PORT, and the variable of its own that does; None where it reads
    PORT, or nothing tells. What it loads is asked where the main file does not tell, and has no number either.
    """
    entry = next(started(line, tree), None)
    names = [entry] if entry is not None and entry in tree.contents else mains
    texts = [_code(tree, name) for name in names if name in tree.contents]
    if _SEVERAL.search(line) or _reads_port(tree):
        return None
    if any(_LISTENS.search(text) for text in texts) and (own := _variable(texts)) is not None:
        return _with_port(line, own), own
    if entry is None or any(_port(text) is not None for text in texts):
        return None
    texts += [_code(tree, name) for name in imported(tree, entry) if name in tree.contents]
    own = _variable(texts) if any(_LISTENS.search(text) for text in texts) else None
    return None if own is None else (_with_port(line, own), own)


def led_outside(tree: Tree, inner: Tree, line: str) -> tuple[str, str] | None:
    """The same, by a variable of its own that the Dockerfile gives the declared port; else by the only one that a file
    of examples or a compose file has with the port of its container. ``inner`` is what lies in the folder of the
    program, whose sources do not tell.
    """
    if _SEVERAL.search(line) or _RUNS_FILE.match(line) is None or has_port(tree):
        return None
    found = _outer(tree)
    return None if found is None or _reads_port(inner) else (_with_port(line, *found), found[0])


def _outer(tree: Tree) -> tuple[str, str] | None:
    """Such a variable, and what it is to have."""
    ports = {port for name in COMPOSES for port in _TARGET.findall(tree.text(name))}
    only = declared(tree).only
    if only is not None and (named := led_variable(tree)) is not None and not _OF_OTHERS.search(named[0]):
        return named
    if only is not None:
        ports.add(str(only[0]))
    texts = [tree.text(name) for name in (*env_example.FILES, *COMPOSES) if name in tree.contents]
    given = {match[1] for text in texts for match in _GIVEN.finditer(text) if match[2] in ports}
    outer = {name for text in texts for name in _OUTSIDE.findall(text)}  # what is published on the machine
    own = sorted(name for name in given - outer if not _OF_OTHERS.search(name))
    return (own[0], "$PORT") if len(own) == 1 else None


def _variable(texts: Sequence[str]) -> str | None:
    """The only variable of its own that sources take a port of."""
    found = {match[1] for text in texts for pattern in _VARIABLES for match in pattern.finditer(text)}
    own = sorted(name for name in found if not _OF_OTHERS.search(name))
    return own[0] if len(own) == 1 else None


def _with_port(line: str, variable: str, value: str = "$PORT") -> str:
    return f'env {variable}="${{{variable}:-{value}}}" {line}'


def _reads_port(tree: Tree) -> bool:
    named = (name for name, data in tree.contents.items() if name.endswith(_ENDINGS) and b"PORT" in data)
    return any(_READS.search(_code(tree, name)) for name in named)


def _port(text: str) -> int | None:
    if len(_LISTENS.findall(text)) != 1:
        return None
    value = next((match[1] for pattern in _LITERAL for match in pattern.finditer(text)), "")
    if not value and _APOLLO in text and not re.search(r"\blisten\b|\bport\b", text):
        return _OF_APOLLO
    if value and not value.isdecimal():
        constant = re.search(
            rf"\b(?:const|let|var)\s+{re.escape(value)}(?:\s*:\s*\w+)?\s*=\s*[\"']?(\d{{4,5}})[\"']?[ \t]*(?:;|\r?\n)",
            text,
        )
        value = constant[1] if constant is not None else ""
    return int(value) if value and _LEAST <= int(value) <= _MOST else None


def started(line: str, tree: Tree) -> Iterator[str]:
    """The files of the repository that a command line starts."""
    try:
        words = shlex.split(line)
    except ValueError:
        return
    for word in words:
        name = word.removeprefix("./")
        for file in (name, *(f"{name}{ending}" for ending in _ENDINGS)):
            if file.endswith(_ENDINGS) and file in tree:
                yield file
    folder = _OF_FOLDER.search(line)
    if folder is not None:
        names = (posixpath.join(folder[1], f"index{ending}") for ending in _ENDINGS)
        yield from (name for name in names if name in tree)


def _code(tree: Tree, name: str) -> str:
    return without_comments(tree.text(name))
