"""The recipes of a Makefile, with its simple variables spelled out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from headway.drivers.buildplan.tree import Tree

FILES: Final = ("GNUmakefile", "makefile", "Makefile")  # in the order in which make looks for them

_MOST_TEXT: Final = 64 << 10
_MOST_LINES: Final = 500
_LONGEST: Final = 4_000
_MOST_ROUNDS: Final = 8
_MOST_STEPS: Final = 4
_VARIABLE = re.compile(r"^(?:export[ \t]+)?([A-Za-z_]\w{0,60})[ \t]*(?:\?|::?:?)?=[ \t]*([^\n]{0,2000})$", re.MULTILINE)
_TARGETS = re.compile(r"^([\w./-]{1,80}(?:[ \t]+[\w./-]{1,80}){0,9})[ \t]*:(?!=)([^\n=]{0,500})$")
_USED = re.compile(r"(?<!\$)\$(?:\(([^(){}]{0,300})\)|\{([^(){}]{0,300})\})")
_UNTRUE = re.compile(r"if[ \t]+,")  # the condition was a variable that nothing gives a value
UNKNOWN: Final = "?"  # what only make itself, or a shell, could tell


def makefile(tree: Tree) -> str:
    """The name of the Makefile at the build path; "" where there is none."""
    return next((name for name in FILES if name in tree), "")


def recipes(tree: Tree, wanted: Collection[str]) -> list[tuple[str, str]]:
    """The lines of its recipes, each with its target: those of the targets that are ``wanted`` first, with what these
    ask for, then the others as they stand there.
    """
    text = re.sub(r"\\[ \t]*\n", " ", tree.text(makefile(tree))[:_MOST_TEXT])
    variables = dict(_VARIABLE.findall(text))
    lines, needs = _lines(text)
    order = list(_with_needs(wanted, needs))
    first = [each for target in order for each in lines if each[0] == target]
    rest = [each for each in lines if each[0] not in order]
    return [(target, expanded(line, variables)) for target, line in (*first, *rest)]


def expanded(line: str, variables: Mapping[str, str]) -> str:
    """The line with what its variables stand for, the innermost first; UNKNOWN in the place of a function."""

    def value(found: re.Match[str]) -> str:
        inner = found[1] or found[2] or ""
        if inner.isidentifier() or not inner:
            return variables.get(inner, "")
        return "" if _UNTRUE.match(inner) else UNKNOWN

    for _ in range(_MOST_ROUNDS):
        before, line = line, _USED.sub(value, line)[:_LONGEST]
        if line == before:
            break
    return line


def _lines(text: str) -> tuple[list[tuple[str, str]], dict[str, list[str]]]:
    """The lines of all recipes with their targets, and what each target asks for."""
    target, found, needs = "", list[tuple[str, str]](), dict[str, list[str]]()
    for line in text.splitlines():
        if line.startswith("\t"):
            if target and len(found) < _MOST_LINES:
                found.append((target, line[1 : 1 + _LONGEST]))
        elif (match := _TARGETS.match(line)) is not None:
            target = match[1].split()[0]
            needs.setdefault(target, []).extend(match[2].partition("##")[0].split()[:20])
        elif line.strip() and not line.startswith(("#", "ifn", "if", "else", "endif")):
            target = ""
    return found, needs


def _with_needs(wanted: Collection[str], needs: Mapping[str, list[str]]) -> Iterator[str]:
    """The targets with those that they ask for, each once."""
    seen, step = set[str](), list(wanted)
    for _ in range(_MOST_STEPS):
        new = [each for each in dict.fromkeys(step) if each in needs and each not in seen]
        seen.update(new)
        yield from new
        step = [each for target in new for each in needs[target]]
