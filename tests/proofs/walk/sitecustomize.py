"""Notes which functions of Headway a panel calls, from one SIGURG to the next. Python loads it by its name, and it lets
each module of Headway note its calls (a profiler in the interpreter would see those of everything else too, and change
when the panel's threads run).
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import signal
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from itertools import count
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import TypeVar

Named = TypeVar("Named", ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_NOTE = "__walked__"
_called: dict[tuple[str, str], None] = {}
_looks = count()


class _Noting(ast.NodeTransformer):
    """Puts a note of the call before the first statement of each function."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._names: list[str] = []

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        return self._inside(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return self._noted(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        return self._noted(node)

    def _inside(self, node: Named) -> Named:
        self._names.append(node.name)
        self.generic_visit(node)
        self._names.pop()
        return node

    def _noted(self, node: Named) -> Named:
        name = ".".join([*self._names, node.name])
        self._inside(node)
        after = 1 if ast.get_docstring(node) is not None else 0
        node.body[after:after] = ast.parse(f"{_NOTE}({self._path!r}, {name!r})").body
        return node


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = _Noting(path).visit(ast.parse(self.get_data(path)))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


class _Finder:
    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name.partition(".")[0] == "headway" else None
        if spec is None or spec.origin is None or not isinstance(spec.loader, SourceFileLoader):
            return spec
        below = spec.submodule_search_locations
        loader = _Loader(name, spec.origin)
        return spec_from_file_location(name, spec.origin, loader=loader, submodule_search_locations=below)


def _note(path: str, name: str) -> None:
    _called.setdefault((path, name))


def _write(_number: int, _frame: FrameType | None) -> None:
    """Writes what was called since the last time, in the order of first calls, and begins anew."""
    found = json.dumps(list(_called))
    _called.clear()
    path = Path(os.environ["HEADWAY_WALKS"]) / f"{next(_looks)}.json"
    part = path.with_suffix(".part")
    part.write_text(found)
    part.rename(path)


if "serve" in sys.orig_argv:
    setattr(builtins, _NOTE, _note)
    sys.meta_path.insert(0, _Finder)
    signal.signal(signal.SIGURG, _write)
