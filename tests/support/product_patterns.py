"""Every pattern of the product with what it is asked: constants and tables of modules, what functions compile, and what
fields and forms are given as theirs.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

SEARCHED: Final = frozenset({"search", "finditer", "findall", "sub", "subn", "split"})
_ASKED: Final = SEARCHED | {"compile", "match", "fullmatch"}
_MIGRATIONS: Final = ".migrations."  # Alembic runs these files itself, and they cannot be imported
_MADE: Final = ("import re\n", "pattern=", "matching(")  # one of these is in each file that makes one


class Patterns:
    """The patterns of a package by the names that they have in it, each with what it is asked; and the calls of whose
    patterns nothing can be known here.
    """

    def __init__(self, package: str) -> None:
        self.found: dict[str, tuple[re.Pattern[Any], frozenset[str]]] = {}
        self.unknown: set[str] = set()
        self._names: dict[re.Pattern[Any], str] = {}
        root = importlib.import_module(package)
        names = [each.name for each in pkgutil.walk_packages(root.__path__, f"{package}.")]
        values = {name: vars(importlib.import_module(name)) for name in names if _MIGRATIONS not in f"{name}."}
        sources = {name: Path(each["__file__"]).read_text() for name, each in values.items()}
        for name, source in sources.items():
            for constant, value in values[name].items():
                if patterns := list(_within(value)):
                    asked = _asked(constant, [source] if constant.startswith("_") else sources.values())
                    for pattern in patterns:
                        self._add(f"{name}.{constant}", pattern, asked)
            has_more = any(each in source for each in _MADE)
            for call, scope in _calls(ast.parse(source if has_more else "")):
                self._read(name, call, _Scope(scope, values[name]))

    def _read(self, name: str, call: ast.Call, scope: _Scope) -> None:
        called = ast.unparse(call.func)
        asked = called.removeprefix("re.")
        given = [each.value for each in call.keywords if each.arg == "pattern" and asked not in _ASKED]
        if called == "matching" or (called.startswith("re.") and asked in _ASKED):
            given += call.args[:1]
        asks = frozenset({asked}) if asked in _ASKED else frozenset({"fullmatch"})
        for node in given:
            texts = scope.texts(node)
            if not texts and called.startswith("re."):
                self.unknown.add(f"{name}: {ast.unparse(node)}")
            for text in texts:
                pattern = re.compile(text, scope.flags(call))
                if asked != "compile" or pattern not in self._names:
                    self._add(f"{name}:{call.lineno}", pattern, asks - {"compile"})

    def _add(self, name: str, pattern: re.Pattern[Any], asked: frozenset[str]) -> None:
        if pattern in self._names:
            before = self.found[self._names[pattern]][1]
            self.found[self._names[pattern]] = (pattern, asked | before if asked and before else frozenset())
            return
        same = sum(key.partition(" ")[0] == name for key in self.found)
        self._names[pattern] = f"{name} {same}" if same else name
        self.found[self._names[pattern]] = (pattern, asked)


class _Scope:
    """What the names of a function, or of a module, stand for, as far as that can be read."""

    def __init__(self, tree: ast.AST, values: Mapping[str, object]) -> None:
        self._tree = tree
        self._values = values

    def texts(self, node: ast.expr) -> list[Any]:
        """What an expression may be; with a word in the place of each value that is filled in. None where it is all
        unknown.
        """
        match node:
            case _ if isinstance(known := self._value(node), str | bytes):
                return [known]
            case ast.JoinedStr(values=parts):
                return ["".join((self.texts(part) or ["name"])[0] for part in parts)]
            case ast.FormattedValue(value=value):
                return self.texts(value) or ["name"]
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return [a + b for a in self.texts(left)[:1] for b in self.texts(right)[:1]]
            case ast.Name(id=name):
                return [each for each in self._named(name) if isinstance(each, str | bytes)]
        return []

    def flags(self, call: ast.Call) -> int:
        """The flags that a call gives."""
        given = (self._value(each) for each in (*call.args[1:], *(keyword.value for keyword in call.keywords)))
        return next((each for each in given if isinstance(each, re.RegexFlag)), 0)

    def _named(self, name: str) -> Iterator[Any]:
        """What is assigned to a name, and over what it goes in a loop."""
        for node in ast.walk(self._tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=other)], value=value) if other == name:
                    yield from self.texts(value)
                case ast.For(target=target, iter=given) | ast.comprehension(target=target, iter=given):
                    among = self._value(given)
                    names = [each.id for each in ast.walk(target) if isinstance(each, ast.Name)]
                    if name in names and isinstance(among, tuple | list):
                        rows = among if isinstance(target, ast.Tuple) else [(each,) for each in among]
                        yield from (row[names.index(name)] for row in rows)

    def _value(self, node: ast.expr) -> object:
        try:
            return eval(compile(ast.Expression(node), "", "eval"), dict(self._values))  # noqa: S307
        except Exception:  # noqa: BLE001
            return None  # a name of a function's own


def _calls(tree: ast.AST, scope: ast.AST | None = None) -> Iterator[tuple[ast.Call, ast.AST]]:
    """Every call with the function that it stands in, or the module."""
    for node in ast.iter_child_nodes(tree):
        inner = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else scope or tree
        if isinstance(node, ast.Call):
            yield node, inner
        yield from _calls(node, inner)


def _within(value: object, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, Mapping):
        for item in value.items():
            yield from _within(item, depth + 1)
    elif depth < 4 and isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _within(each, depth + 1)
    elif depth < 4 and not isinstance(value, type) and hasattr(value, "__dataclass_fields__"):
        for each in value.__dataclass_fields__:
            yield from _within(getattr(value, each, None), depth + 1)


def _asked(constant: str, sources: Iterable[str]) -> frozenset[str]:
    """By which methods a constant is used; none where it goes by other names, as what is in a table does."""
    name = re.escape(constant)
    source = "\n".join(each for each in sources if constant in each)
    asked = re.findall(rf"\b{name}\.(\w+)", source)
    aside = re.search(rf"[(,\[]\s*{name}\b(?![.\w])", source)
    return frozenset() if aside else frozenset(asked) & (_ASKED - {"compile"})
