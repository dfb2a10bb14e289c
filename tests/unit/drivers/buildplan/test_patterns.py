"""No pattern of detection takes quadratic time: a single search holds up all other threads of the panel."""

from __future__ import annotations

import re

import pytest

from headway.drivers.buildplan.tree import tree_of
from tests.support.hostile_texts import slowest
from tests.support.panel.today import today, turn
from tests.support.product_patterns import Patterns

DAYS = 3  # in which all patterns have their turn


@pytest.mark.slow
def test_no_pattern_takes_long_for_any_text() -> None:
    patterns = Patterns("headway.drivers.buildplan").found
    assert len(patterns) > 450
    turns = turn(patterns, DAYS)
    print(f"{today()}: {len(turns)} of {len(patterns)} patterns")
    slow = {name: found for name in turns if (found := slowest(*patterns[name]))}
    assert slow == {}


@pytest.mark.parametrize(
    "pattern",
    [
        r'^(?:import[ \t]+)?[ \t]*"',
        r"\{[^}]*\bfetch",
        r"x [^\n]*y",
        r"import\s*\(?\s*'",
        r"-[ \t]*(.+?)[ \t]*$",
        r"[a-z-]+[0-9-]+$",  # of what both repeat
        r"(\w++)=",  # from each of its characters on
        r'^a = \[(?![^\]]*"b")',  # looking ahead from each line
        r"(a+)+$",  # without an end
    ],
)
def test_a_pattern_that_does_is_found(pattern: str) -> None:
    assert slowest(re.compile(pattern, re.MULTILINE), {"search"}) is not None


def test_what_is_searched_has_no_line_and_no_run_of_blanks_that_is_very_long() -> None:
    minified = "a();" * 2_000 + "app.listen(3000)"
    gap = f"a\n{' ' * 90_000}\n{chr(10) * 90_000}  b"
    tree = tree_of({"server.js": minified, "gap.py": gap, "short.py": "a  \n\n b\r\n"})
    assert max(map(len, tree.text("server.js").split("\n"))) <= 2_000
    assert tree.text("server.js").replace("\n", "") == minified, "nothing of it is lost"
    assert len(tree.text("gap.py")) < 500
    assert tree.text("gap.py").endswith("\n  b")
    assert tree.text("short.py") == "a  \n\n b\r\n"


def test_what_is_parsed_is_parsed_whole() -> None:
    long = "x" * 10_000
    tree = tree_of({"package.json": f'{{"name": "{long}", "a": "{" " * 900}"}}', "a.toml": f'name = "{long}"'})
    assert tree.json("package.json") == {"name": long, "a": " " * 900}
    assert tree.toml("a.toml") == {"name": long}
