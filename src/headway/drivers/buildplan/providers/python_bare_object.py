"""An application object that no server could serve as it is, since a program of the same repository gives it its pages
before it serves it by itself.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from headway.drivers.buildplan.providers import python_code, python_scripts
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.tree import Tree

_TARGET = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
_FUNCTION = re.compile(r"(?:async[ \t]+)?(?:def|class)\b")
_REGISTERS = re.compile(
    r"\.(?:register_blueprint|register|add_url_rule|include_router|add_resource|add_route|add_routes|mount|merge)\("
)
_DECORATED = re.compile(r"^[ \t]*@\w+\.", re.MULTILINE)
_OWN_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+\.|import_module\()", re.MULTILINE)
_SERVES = re.compile(r"\b(?:serve_forever|run|run_server|start|serve|WSGIServer)\(")
_IMPORTED = re.compile(r"^from[ \t]+(\w+(?:\.\w+){0,4})[ \t]+import[ \t]+\w", re.MULTILINE)
_WITH_CONSTANTS: Final = ("constants.py", "config.py")
_MOST_IMPORTS: Final = 20


def made_whole(tree: Tree, found: Start) -> Start:
    """What a framework's object is started by: the one program that gives it its pages, where the object has none by
    itself; else as it was found.
    """
    target = next((match for word in found.command.split() if (match := _TARGET.fullmatch(word))), None)
    if target is None or found.command.startswith("cd "):
        return found
    path = target[1].replace(".", "/")
    file = next((name for name in (f"{path}/__init__.py", f"{path}.py") if name in tree.contents), None)
    if file is None or not _is_bare(tree, python_code.source(tree, file), target[2], path.split("/")[0]):
        return found
    starters = [name for name in tree.matching("*.py") if name in tree.contents and _starts(tree, name, path)]
    if len(starters) != 1:
        return found
    name = starters[0]
    text = "\n".join((python_code.source(tree, name), *_of_package(tree, name)))
    start = python_scripts.told(tree, name, text, f"python3 {shlex.quote(name)}")
    if not start.takes_requests:
        return found
    reason = f"{found.framework}: {start.reason}; {target[2]} of {file} has no pages before it"
    return replace(found, command=start.command, reason=reason, adds=(), own_port=start.own_port, notes=start.notes)


def _is_bare(tree: Tree, text: str, name: str, top: str) -> bool:
    """Whether nothing that a module does when it is imported gives its object a page, as far as that can be told."""
    match = re.search(rf"^{name}\b[^=\n]{{0,120}}=", text, re.MULTILINE)
    if match is None:
        return False
    after = _at_import(text[match.start() :])
    given = re.search(rf"(?:^|[\s.])[a-z_]\w*\([ \t]*(?:\w+[ \t]*=[ \t]*)?{name}\b[ \t]*[,)]", after, re.MULTILINE)
    return not (
        given
        or _REGISTERS.search(after)
        or _DECORATED.search(text[match.start() :])
        or _OWN_IMPORT.search(after)
        or python_code.imports(after, top)
    ) and not any(python_code.imports(after, module) for module in _tops(tree))


def _at_import(text: str) -> str:
    """The lines of a module that are run when it is imported, without those of its functions and classes."""
    kept, is_inside = list[str](), False
    for line in text.split("\n"):
        if line[:1] not in {"", " ", "\t", "#", ")", "]", "}"}:
            is_inside = _FUNCTION.match(line) is not None
        if not is_inside:
            kept.append(line)
    return "\n".join(kept)


def _tops(tree: Tree) -> Iterator[str]:
    yield from (name.removesuffix(".py") for name in tree.matching("*.py"))


def _starts(tree: Tree, name: str, path: str) -> bool:
    """Whether a program is made to run, and it, or what it calls of the object's package, registers and serves."""
    text = python_code.source(tree, name)
    if not python_code.is_made_to_run(text) or not python_code.imports(text, path.split("/", maxsplit=1)[0]):
        return False
    texts = (text, *(python_code.source(tree, each) for each in _imported(tree, text)))
    return any(_REGISTERS.search(each) and _SERVES.search(each) for each in texts)


def _imported(tree: Tree, text: str) -> Iterator[str]:
    for module in _IMPORTED.findall(text)[:_MOST_IMPORTS]:
        yield from (name for name in (f"{module.replace('.', '/')}.py",) if name in tree.contents)


def _of_package(tree: Tree, name: str) -> Iterator[str]:
    """The texts of what a program imports, and of the constants beside that."""
    for each in _imported(tree, python_code.source(tree, name)):
        yield python_code.source(tree, each)
        beside = (posixpath.join(posixpath.dirname(each), constants) for constants in _WITH_CONSTANTS)
        yield from (python_code.source(tree, other) for other in beside if other in tree.contents)
