"""Watch paths: which files concern a service."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.features.webhooks.watch_paths import check_patterns, concerned
from headway.kernel.errors import InvalidInput

FILES = (
    "README.md",
    "src/app.py",
    "src/deep/er/x.css",
    "docs/guide.md",
    ".github/ci.yml",
    "with space/ü.txt",
)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["src/**"], ["src/app.py", "src/deep/er/x.css"]),
        (["src"], ["src/app.py", "src/deep/er/x.css"]),
        (["./src/"], ["src/app.py", "src/deep/er/x.css"]),
        (["/src/*.py"], ["src/app.py"]),
        (["*.md"], ["README.md"]),
        (["**/*.md"], ["README.md", "docs/guide.md"]),
        (["*"], ["README.md"]),
        (["src/*"], ["src/app.py"]),
        (["s[rx]c/deep"], ["src/deep/er/x.css"]),
        (["**"], list(FILES)),
        ([".github/**"], [".github/ci.yml"]),
        (["{src,docs}/**"], ["src/app.py", "src/deep/er/x.css", "docs/guide.md"]),
        (["**", "!docs/**"], [each for each in FILES if each != "docs/guide.md"]),
        (["!docs"], [each for each in FILES if each != "docs/guide.md"]),
        (["src/**", "!**/*.css"], ["src/app.py"]),
        (["with space/?.txt"], ["with space/ü.txt"]),
        (["nothing"], []),
        (["SRC/**"], []),
    ],
)
def test_a_pattern_names_files(patterns: Sequence[str], expected: Sequence[str]) -> None:
    assert concerned(FILES, patterns) == tuple(expected)


@pytest.mark.parametrize("pattern", ["{1..1000}", "{a,b}{c,d}{e,f}{g,h}{i,j}{k,l}{m,n}{o,p}", "*" * 21, "a" * 1_025])
def test_a_pattern_that_stands_for_too_much_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput):
        check_patterns([pattern], 2)
    concerned(FILES, [pattern])  # one that was saved before it was looked at does no harm


@pytest.mark.parametrize(("most", "pattern"), [(1, "a/**"), (2, "a/**/b/**"), (3, "{**/a,**/b/**/c/**}")])
def test_as_many_depths_are_taken_as_are_set(most: int, pattern: str) -> None:
    check_patterns([pattern], most)
    with pytest.raises(InvalidInput, match="HEADWAY_WATCH_DEPTHS"):
        check_patterns([f"**/x/{pattern}"], most)


@given(st.lists(st.text(max_size=30), max_size=5), st.lists(st.text(max_size=30), max_size=5))
def test_any_texts_can_be_compared(files: list[str], patterns: list[str]) -> None:
    found = concerned(files, patterns)
    assert found == tuple(each for each in files if each in (found or ()))
