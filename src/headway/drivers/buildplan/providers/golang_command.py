"""The command of a program in Go that serves, where the program by itself does no more than say how it is used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.kernel.dataclass import dataclass

# Those of Cobra and of urfave/cli, as their documents write them.
_BEGINS: Final = re.compile(r"(?:\b(\w+)[ \t]*(?::?=|:)[ \t]*)?&?(?:cobra\.Command|cli\.(?:App|Command))\{")
_NAME: Final = re.compile(r"\b(?:Use|Name)[ \t]*:[ \t]*\"([\w-]{1,60})")
_ACTS: Final = re.compile(r"\b(?:Run|RunE|Action)[ \t]*:")
_HAS_COMMANDS: Final = re.compile(r"\bCommands[ \t]*:")
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
_SERVES: Final = ("serve", "server", "web", "start", "run", "http", "api", "daemon")
_LONGEST: Final = 6_000
_MOST: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command by its ``name``; ``variable`` is what it is called in the source, "" where it has none."""

    name: str
    variable: str
    acts: bool
    has_commands: bool


def serving_command(texts: Sequence[str]) -> Command | None:
    """The command that serves; None where the program serves without one, or nothing tells."""
    codes = [without_comments(text) for text in texts]
    found = [each for code in codes for each in _commands(code)]
    if not any(_is_root(each, codes) for each in found):
        return None
    acting = {each.name: each for each in reversed(found) if _does(each, codes)}
    return next((acting[name] for name in _SERVES if name in acting), None)


def _is_root(command: Command, codes: Sequence[str]) -> bool:
    """Whether all others are below it and it does nothing itself."""
    if _does(command, codes):
        return False
    executed = (
        re.compile(rf"\b{re.escape(command.variable)}\.Execute(?:Context|ContextC|C)?\(") if command.variable else None
    )
    return command.has_commands or (executed is not None and any(executed.search(code) for code in codes))


def _does(command: Command, codes: Sequence[str]) -> bool:
    if command.acts or not command.variable:
        return command.acts
    later = re.compile(rf"\b{re.escape(command.variable)}\.(?:Run|RunE|Action)[ \t]*=")
    return any(later.search(code) for code in codes)


def _commands(code: str) -> Iterator[Command]:
    for match in islice(_BEGINS.finditer(code), _MOST):
        fields = _fields(code[match.end() : match.end() + _LONGEST])
        name = _NAME.search(fields)
        if name is not None:
            yield Command(
                name=name[1],
                variable=match[1] or "",
                acts=_ACTS.search(fields) is not None,
                has_commands=_HAS_COMMANDS.search(fields) is not None,
            )


def _fields(text: str) -> str:
    """What stands in a literal itself, without what is within braces or parentheses in it."""
    depth, at, kept = 0, 0, list[str]()
    while at < len(text):
        if text[at] in '"`' and (string := _STRING.match(text, at)) is not None:
            kept.append(string[0] if not depth else "")
            at = string.end()
            continue
        depth += (text[at] in "{(") - (text[at] in "})")
        if depth < 0:
            break
        kept.append(text[at] if not depth else "")
        at += 1
    return "".join(kept)
