"""Every weakness that is known has tests that try it, and every attack is said to try one."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE: dict[str, list[str]] = json.loads((ROOT / "tests/attacks/weaknesses.json").read_text())


@cache
def names_in(file: str) -> frozenset[str]:
    """The names by which pytest collects what is in a file."""
    found = ast.parse((ROOT / file).read_text()).body if (ROOT / file).is_file() else []
    functions = (each.name for each in found if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(name for name in functions if name.startswith("test_"))


@pytest.mark.parametrize("weakness", TABLE)
def test_a_weakness_is_tried_by_tests_that_there_are(weakness: str) -> None:
    named = [each.partition("::") for each in TABLE[weakness]]
    assert named
    assert [f"{file}::{name}" for file, _, name in named if name not in names_in(file)] == []
    assert len(set(TABLE[weakness])) == len(named)


def test_every_file_of_attacks_tries_one() -> None:
    files = {str(each.relative_to(ROOT)) for each in (ROOT / "tests/attacks").glob("test_*.py")}
    assert files - {each.partition("::")[0] for tests in TABLE.values() for each in tests} == set()
