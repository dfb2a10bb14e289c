"""What collectors of logs put before a line is taken off, and what a tool wrote stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel.prefixes import bare_lines


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("2026-04-12T21:54:22.9148404Z error: no tea", "error: no tea"),
        ("[2026-04-12 21:54:22 +0000] error: no tea", "error: no tea"),
        ("2026-04-12T21:54:22.914840+00:00 app[web.1]: error: no tea", "error: no tea"),
        ("[14:02:09.500] error: no tea", "error: no tea"),
        ("10:23:45 AM: error: no tea", "error: no tea"),
        ("#12 3.452 error: no tea", "error: no tea"),
        ("#12 3.452", ""),
        ("tea-1  | error: no tea", "error: no tea"),
        ("apps/tea build: error: no tea", "error: no tea"),
        ("tea:build: error: no tea", "error: no tea"),
        ("ERROR build: no tea", "ERROR build: no tea"),
        ("npm error gyp ERR! stack Error: not found: make", "gyp ERR! stack Error: not found: make"),
        (".../node_modules/pty install: gyp ERR! not found: make", "gyp ERR! not found: make"),
        ("##[error]Process completed with exit code 1.", "Process completed with exit code 1."),
        ("\u0393\u00f6\u00bc error: no tea", "error: no tea"),
        ("\u0393\u03b5\u03b9\u03b1: can\u00e2\u20ac\u2122t pour", "\u0393\u03b5\u03b9\u03b1: can\u2019t pour"),
        ("  \u00d7 error: no tea", "error: no tea"),
        ("235 | const tea = pour()", "235 | const tea = pour()"),
        ("src/tea.ts(3,7): error TS2322: no tea", "src/tea.ts(3,7): error TS2322: no tea"),
        ("remote: Repository not found.", "remote: Repository not found."),
    ],
)
def test_a_line_is_as_its_tool_wrote_it(written: str, line: str) -> None:
    assert bare_lines(written) == [line]


def test_what_a_job_puts_before_each_line_is_taken_off_also_where_a_line_has_no_time() -> None:
    text = "build\tRun tests\t\ufeff2026-01-19T23:53:51.66Z with:\nbuild\tRun tests\tout/\n"
    assert bare_lines(text) == ["with:", "out/", ""]


def test_what_git_passes_on_of_a_build_is_taken_for_the_build() -> None:
    text = "".join(f"remote:        step {number}\n" for number in range(6))
    assert bare_lines(text)[:2] == ["step 0", "step 1"]


@given(st.text())
def test_any_text_has_as_many_lines_as_before(text: str) -> None:
    assert len(bare_lines(text)) == text.count("\n") + 1
