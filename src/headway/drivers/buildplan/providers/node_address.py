"""Where a program of Node or Bun listens that does not read PORT: by which variable of its own it is led there, or the
number that its main file has for it.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from headway.drivers.buildplan.providers.jsonc import without_comments
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
_NAMED: Final = r"(?:process|Bun)\.env\.([A-Z][A-Z0-9_]*_PORT|port)\b"
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
_SEVERAL: Final = re.compile(r"[&;|]")
_ENDINGS: Final = (".js", ".mjs", ".cjs", ".ts", ".mts")
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
    PORT, or nothing tells.
    """
    entry = next(started(line, tree), None)
    names = [entry] if entry is not None and entry in tree.contents else mains
    texts = [_code(tree, name) for name in names if name in tree.contents]
    if _SEVERAL.search(line) or not any(_LISTENS.search(text) for text in texts) or _reads_port(tree):
        return None
    found = {match[1] for text in texts for pattern in _VARIABLES for match in pattern.finditer(text)}
    own = sorted(name for name in found if not _OF_OTHERS.search(name))
    if len(own) != 1:
        return None
    return f'env {own[0]}="${{{own[0]}:-$PORT}}" {line}', own[0]


def _reads_port(tree: Tree) -> bool:
    return any(_READS.search(_code(tree, name)) for name in tree.contents if name.endswith(_ENDINGS))


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
