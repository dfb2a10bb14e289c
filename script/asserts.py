"""Which asserts of the tests over HTTP, of whole panels and of contracts one commit has and a later one has not.

A change of the structure touches none. `.venv/bin/python -m script.asserts OLD NEW`
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

_FOLDERS = re.compile(r"tests/(contract|e2e|integration/http)/.*\.py")


def main(arguments: Sequence[str]) -> int:
    """Prints what has changed, test by test. The result is 1 where the earlier commit has no such test at all."""
    old, new = (_asserts(commit) for commit in arguments)
    tests = [name for name in old if name.startswith("test_")]
    unnamed = [name for name in tests if name not in new]
    changed = 0
    for name in tests:
        gone, come = old[name] - new.get(name, Counter()), new.get(name, Counter()) - old[name]
        if name in unnamed or not gone:
            continue
        changed += gone.total()
        print("\n".join([name, *(f"  - {each}" for each in gone), *(f"  + {each}" for each in come)]))
    print(f"no test of that name any more: {', '.join(unnamed) or 'none'}")
    print(
        f"{len(tests)} tests with {sum(old[name].total() for name in tests)} asserts, {changed} of them not there now"
    )
    return 0 if tests else 1


def _asserts(commit: str) -> Mapping[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for path in filter(_FOLDERS.fullmatch, _git("ls-tree", "-r", "--name-only", commit, "tests").splitlines()):
        for name, asserted in _in(ast.parse(_git("show", f"{commit}:{path}"))):
            found.setdefault(name, Counter()).update(asserted)
    return found


def _in(module: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            yield function.name, [ast.unparse(each.test) for each in ast.walk(function) if isinstance(each, ast.Assert)]


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
