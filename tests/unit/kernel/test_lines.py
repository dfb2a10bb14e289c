"""The line that an error message quotes is the one a person would point at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.infra.logs.reader import last_meaningful_line

PYTHON = """Traceback (most recent call last):
  File "/app/main.py", line 1, in <module>
    import flask
ModuleNotFoundError: No module named 'flask'
"""
NPM = """npm ERR! code ELIFECYCLE
npm ERR! errno 1
npm ERR! app@1.0.0 build: `webpack`
npm ERR! Exit status 1
npm ERR! A complete log of this run can be found in:
npm ERR!     /root/.npm/_logs/x.log
"""
PIP = """ERROR: Could not find a version that satisfies the requirement flaskk (from versions: none)
ERROR: No matching distribution found for flaskk

[notice] A new release of pip is available
"""
MAKE = "main.c:3:5: error: unknown type name 'itn'\nmake: *** [Makefile:2: main] Error 1\n"
GIT = "Cloning into 'x'...\nfatal: Remote branch nope not found in upstream origin\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (PYTHON, "ModuleNotFoundError: No module named 'flask'"),
        (PIP, "ERROR: No matching distribution found for flaskk"),
        (MAKE, "main.c:3:5: error: unknown type name 'itn'"),
        (GIT, "fatal: Remote branch nope not found in upstream origin"),
        ("sh: 1: gunicorn: not found\nstopping\n", "sh: 1: gunicorn: not found"),
        ("all is well\n\n  \n", "all is well"),
        ("\x1b[31mERROR\x1b[0m: it \x1b]0;title\x07broke\x1b[K\nbye\n", "ERROR: it broke"),
        ("10%\r50%\r100%\r\n", "100%"),
        ("error: long ago\n" + "fine\n" * 20, "fine"),
        ("only\x00nul", "onlynul"),
        ("", ""),
        ("\n\x1b[0m\n", ""),
    ],
)
def test_the_line_that_tells_most_is_found(text: str, line: str) -> None:
    assert last_meaningful_line(text) == line


def test_npm_is_not_quoted_with_the_place_of_its_log() -> None:
    assert "complete log" not in last_meaningful_line(NPM)


def test_a_long_line_is_cut() -> None:
    line = last_meaningful_line("error: " + "x" * 1000)
    assert len(line) == 300
    assert line.endswith("…")


@given(st.text())
def test_any_text_has_a_line_without_control_characters(text: str) -> None:
    line = last_meaningful_line(text)
    assert len(line) <= 300
    assert not any(character < " " and character != "\t" for character in line)
