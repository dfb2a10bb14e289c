"""Where a program in Python listens that does not read PORT: by which option or variable of its own it is led there, or
the number that it has for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Final

from headway.drivers.buildplan.providers import python_code

_ARGUMENTS = re.compile(r"""\.add_argument\(\s{0,40}(?:["']-\w["'],\s{0,40})?["']--port["']""")
_OPTION = re.compile(r"""^@(?:click\.|\w+\.)?option\(\s{0,40}(?:["']-\w["'],\s{0,40})?["']--port["']""", re.MULTILINE)
_HOST = re.compile(r"""(?:\.add_argument|option)\(\s{0,40}(?:["']-\w["'],\s{0,40})?["']--host["']""")
_COMMAND = re.compile(r"""^@(?:(\w+)\.)?command\(\s{0,40}(?:["']([\w-]+)["'])?""", re.MULTILINE)
_FUNCTION = re.compile(r"^(?:async[ \t]+)?def[ \t]+(\w+)\(", re.MULTILINE)
_SUBCOMMANDS = ("add_subparsers(", "add_parser(")
_SERVES = ("serve", "server", "run", "runserver", "start", "web")
_VARIABLE = re.compile(
    r"""(?:environ\.get\(|getenv\(|\benv(?:\.int)?\()[ \t]*["']([A-Z][A-Z0-9_]*_PORT)["'][ \t]*,"""
    r"""[ \t]*(?:default=)?["']?(?:\d{4,5}\b|([A-Z][A-Z0-9_]{0,60})\b(?![\w.(\[]))"""
)
_OF_OTHERS = re.compile(
    r"(?:^|_)(?:DB|DATABASE|SQL|PG|POSTGRES(?:QL)?|MYSQL|MARIADB|REDIS|MONGO(?:DB)?|SMTP|E?MAIL|SFTP|FTP|SSH|DNS|PROXY"
    r"|RABBIT(?:MQ)?|AMQP|MQTT|KAFKA|NATS|LDAP|DEBUG|METRICS|PROMETHEUS|GRPC|ADMIN|REMOTE|QDRANT|CHROMA|MILVUS|ELASTIC"
    r"(?:SEARCH)?|MEMCACHED?|STATSD|CLICKHOUSE|CASSANDRA|NEO4J)_"
)

# What listens when it is called, and the word that names the port among its arguments.
_LISTENING = re.compile(
    r"(?<![\w])(?:run|run_server|run_app|launch|listen|serve|start_server|create_server|make_server|TCPSite"
    r"|(?:Threading)?HTTPServer|(?:Threading)?TCPServer|WSGIServer|run_simple)\("
)
_BY_NAME = re.compile(r"\b(?:server_|bind_)?port[ \t]*=[ \t]*(\d{4,5}|[A-Za-z_]\w*)\b(?![\w.(\[])")
_BY_PLACE = re.compile(
    r"^\(?[ \t]*+(?:[\w.]++[ \t]*+,[ \t]*+)?\(?[ \t]*+[\"'][\w.]*+[\"'][ \t]*+,[ \t]*+(\d{4,5}|[A-Za-z_]\w*)[ \t]*[,)]"
)
_FIRST = re.compile(r"^\([ \t]*(\d{4,5})[ \t]*[,)]")
_WRITTEN = re.compile(
    r"\bserver\.socket_port[\"']?[ \t]*[:=][ \t]*(\d{4,5})\b"  # of CherryPy
    r"|\b\w{0,40}addr\w{0,40}[ \t]*=[ \t]*\([ \t]*[\"'][\w.]*[\"'][ \t]*,[ \t]*(\d{4,5})[ \t]*\)"
)
# Where these listen that are told nothing, by their own documents.
_USUAL: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {"nicegui": ("ui.run(", 8080), "aiohttp": ("run_app(", 8080), "cherrypy": ("quickstart(", 8080)}
)
_CONSTANT = re.compile(
    r"^((?:DEF(?:AULT)?_)?(?:(?:WEB|HTTP|SERVER|LISTEN|APP|UI)_?)?PORT)[ \t]*(?::[ \t]*\w+[ \t]*)?"
    r"=[ \t]*[\"']?(\d{4,5})\b",
    re.MULTILINE,
)
_COMMENT = re.compile(r"(?m)(?:^|[ \t])#[^\n]*")
_LONGEST: Final = 600
_MOST_CALLS: Final = 40
_LEAST, _MOST = 1024, 65535  # what any account may listen on


def own_port(text: str, name: str) -> tuple[int, str] | None:
    """The port that a program listens on whatever PORT says, with its file; None where it reads PORT, has a second
    server, or nothing is sure.
    """
    if python_code.reads_port(text):
        return None
    plain = _COMMENT.sub("", text)
    found = {*_ports(plain), *(int(one or other) for one, other in _WRITTEN.findall(plain))}
    if not found:
        usual = (port for module, (call, port) in _USUAL.items() if python_code.imports(text, module) and call in plain)
        found = set(usual)
    port = found.pop() if len(found) == 1 else 0
    return (port, name) if _LEAST <= port <= _MOST else None


def constant_port(texts: Mapping[str, str], all_texts: Iterable[str]) -> tuple[int, str] | None:
    """The port that is the one constant of such a name in these files, with its file, where something uses it by that
    name; None where there is none, or are several.
    """
    found = [(match[1], int(match[2]), name) for name, text in texts.items() for match in _CONSTANT.finditer(text)]
    if len(found) != 1:
        return None
    constant, port, file = found[0]
    uses = sum(len(re.findall(rf"\b{constant}\b", text)) for text in all_texts)
    return (port, file) if uses > 1 and _LEAST <= port <= _MOST else None


def _ports(text: str) -> Iterator[int]:
    """The port of each call that listens; 0 where it has one that the text does not tell."""
    for match in islice(_LISTENING.finditer(text), _MOST_CALLS):
        given = _arguments(text, match.end() - 1)
        named = _BY_NAME.search(given) or _BY_PLACE.search(given) or _FIRST.search(given)
        if named is None and re.search(r"\bport\b", given, re.IGNORECASE):
            yield 0
        elif named is not None:
            value = named[1] if named[1].isdecimal() else _assigned(text, named[1])
            if value is not None or named.re is not _BY_PLACE:
                yield int(value or 0)


def _arguments(text: str, begins: int) -> str:
    """What a call is given, as far as it is looked at, with its parentheses."""
    depth = 0
    for at in range(begins, min(len(text), begins + _LONGEST)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return text[begins : at + 1]
    return text[begins : begins + _LONGEST]


def _assigned(text: str, name: str) -> str | None:
    """The number that a name stands for, where it is written once."""
    found = re.findall(rf"^[ \t]*{name}[ \t]*(?::[ \t]*int[ \t]*)?=[ \t]*(.{{0,80}})$", text, re.MULTILINE)
    return found[0].strip() if len(found) == 1 and re.fullmatch(r"\d{4,5}[ \t]*", found[0]) else None


def _is_number(text: str, name: str) -> bool:
    """Whether a name has a number first, whatever it has later."""
    return re.search(rf"^[ \t]*{name}[ \t]*(?::[ \t]*int[ \t]*)?=[ \t]*\d{{4,5}}\b", text, re.MULTILINE) is not None


def led(text: str, line: str) -> str | None:
    """The command line of a program with what leads it to PORT; None where it reads that itself, or nothing tells."""
    if python_code.reads_port(text):
        return None
    variables = (match for match in islice(_VARIABLE.finditer(text), _MOST_CALLS) if not _OF_OTHERS.search(match[1]))
    found = list(dict.fromkeys(match[1] for match in variables if match[2] is None or _is_number(text, match[2])))
    if len(found) == 1:
        return f'env {found[0]}="${{{found[0]}:-$PORT}}" {line}'
    if _ARGUMENTS.search(text) and not any(word in text for word in _SUBCOMMANDS):
        return f"{line}{_host(text)} --port $PORT"
    commands = dict(_commands(text))
    chosen = next((name for name in _SERVES if name in commands), next(iter(commands), None))
    if chosen is None or (len(commands) > 1 and chosen not in _SERVES):
        return None
    return f"{line} {chosen}".rstrip() + f"{_host(commands[chosen])} --port $PORT"


def _host(text: str) -> str:
    return " --host 127.0.0.1" if _HOST.search(text) else ""


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands (of click) that have such an option, with what stands above each; "" for a program that is one."""
    begins = 0
    for function in _FUNCTION.finditer(text):
        above = text[begins : function.start()]
        begins = function.end()
        command = _COMMAND.search(above)
        if command is not None and _OPTION.search(above, command.start()):
            is_one = command[1] in {None, "click"}
            yield "" if is_one else command[2] or function[1].replace("_", "-"), above
