"""The ports that the files for containers declare, which say that an application takes requests, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headway.drivers.buildplan import image_command
from headway.drivers.buildplan.composes import COMPOSES, built_service, listed
from headway.drivers.buildplan.image_stages import DOCKERFILE, FILES, dockerfile, last_stage
from headway.drivers.buildplan.plan import Choice
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

_EXPOSES = re.compile(r"^[ \t]*EXPOSE[ \t]+([^\n]{1,300})$", re.MULTILINE | re.IGNORECASE)
_PORT = re.compile(r"(?<!\S)(\d{1,5})(?:/tcp)?(?!\S)")
_MAPPED = re.compile(r"(?:^|:)(\d{1,5})(?:/tcp)?$")
_LEAST, _MOST = 1024, 65535  # what any account may listen on


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The ``ports`` that a ``file`` declares."""

    ports: tuple[int, ...] = ()
    file: str = DOCKERFILE

    @property
    def only(self) -> tuple[int, str] | None:
        """The only one that any account may listen on, with the file."""
        mine = [port for port in self.ports if _LEAST <= port <= _MOST]
        return (mine[0], self.file) if len(mine) == 1 else None


def declared(tree: Tree) -> Declared:
    """Those of the last stage of the Dockerfile; else those of the one service that a compose file has built."""
    env = image_command.variables(tree)
    lines = (image_command.expanded(line, env) for line in _EXPOSES.findall(last_stage(tree)))
    found = dict.fromkeys(int(port) for line in lines for port in _PORT.findall(line))
    if found:
        return Declared(ports=tuple(found), file=dockerfile(tree))
    for name in COMPOSES:
        if ports := tuple(dict.fromkeys(_of_compose(tree, name))):
            return Declared(ports=ports, file=name)
    return Declared()


def port_choice(port: int, file: str) -> Choice:
    """The choice of a port that a program has of its own, or that a file for containers declares for it."""
    if file not in {*FILES, *COMPOSES}:
        return Choice.of_port(port, file)
    why = "declares it, and nothing else says where the program listens: no release starts beside the one before"
    return Choice(name="port", value=str(port), reason=f"{file} {why}, and web runs once")


def ports_note(found: Declared) -> str:
    """What is to be said where nothing tells which of the declared ports takes the requests."""
    named = " and ".join(map(str, found.ports[:5]))
    first = found.ports[0] if found.ports else 0
    return (
        f"{found.file} declares {named}, and nothing leads the program to PORT: where it listens on one of them "
        f"whatever PORT says, tell Headway: headway env set APP PORT={first}"
    )


def _of_compose(tree: Tree, name: str) -> Iterator[int]:
    for each in listed(built_service(tree, name), "ports"):
        said = each.get("target", "") if isinstance(each, dict) else each
        if match := _MAPPED.search(str(said)[-100:]):
            yield int(match[1])
