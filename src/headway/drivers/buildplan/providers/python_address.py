"""Where a program in Python listens that does not read PORT: by which option or variable of its own it is led there."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    r"""[ \t]*(?:default=)?["']?\d{4,5}\b"""
)
_OF_OTHERS = re.compile(
    r"(?:^|_)(?:DB|DATABASE|SQL|PG|POSTGRES(?:QL)?|MYSQL|MARIADB|REDIS|MONGO(?:DB)?|SMTP|E?MAIL|SFTP|FTP|SSH|DNS|PROXY"
    r"|RABBIT(?:MQ)?|AMQP|MQTT|KAFKA|NATS|LDAP|DEBUG|METRICS|PROMETHEUS|GRPC|ADMIN|REMOTE|QDRANT|CHROMA|MILVUS|ELASTIC"
    r"(?:SEARCH)?|MEMCACHED?|STATSD|CLICKHOUSE|CASSANDRA|NEO4J)_"
)


def led(text: str, line: str) -> str | None:
    """The command line of a program with what leads it to PORT; None where it reads that itself, or nothing tells."""
    if python_code.reads_port(text):
        return None
    found = list(dict.fromkeys(match[1] for match in _VARIABLE.finditer(text) if not _OF_OTHERS.search(match[1])))
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
