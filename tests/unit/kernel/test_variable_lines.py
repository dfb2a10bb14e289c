"""A text of variables is read as python-dotenv reads it, in time that grows with the text alone."""

from __future__ import annotations

import io
import random
import time

import pytest
from dotenv.parser import parse_stream

from headway.kernel.variable_lines import variable_lines
from headway.kernel.variables import parse_variables
from headway.kernel.veil import unveiled_variables, veiled_variables

PIECES = ("A", "b_1", "export", " ", "\t", "=", "'", '"', "\\", "#", "\n", "\n", "x-y", "1", "\\n", "é", "\x0b", " #")


@pytest.mark.parametrize("seed", range(20))
def test_it_reads_what_dotenv_reads(seed: int) -> None:
    chosen = random.Random(seed)
    for _ in range(500):
        text = "".join(chosen.choices(PIECES, k=chosen.randint(0, 24)))
        theirs = [(*each[:2], *each.original, each.error) for each in parse_stream(io.StringIO(text))]
        ours = [(each.name, each.value, each.text, each.number, each.is_wrong) for each in variable_lines(text)]
        assert ours == theirs, repr(text)


@pytest.mark.parametrize("text", ["A=1\r\nB=2\rC='x\r\ny'\r\n", "\ufeffA=1\n", "A=1", "\n\n", ""])
def test_ends_of_lines_of_any_kind_are_read(text: str) -> None:
    theirs = [(each.key, each.value) for each in parse_stream(io.StringIO(text, newline=""))]
    assert [(each.name, each.value) for each in variable_lines(text)] == theirs


@pytest.mark.parametrize(
    "text",
    [
        "A=x" + " " * 500_000 + "y",
        "A=1\n" * 100_000,
        "A='1' #\n" * 50_000,
        "A='\n" * 100_001,
        "'a\n" * 100_001,
        "export\t" * 70_000,
    ],
    ids=["blanks", "lines", "quotes", "open quotes", "open names", "exports"],
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    veiled = veiled_variables(text)
    assert time.process_time() - began < 3
    began = time.process_time()
    assert unveiled_variables(veiled, text) == text
    assert time.process_time() - began < 3


def test_blanks_in_a_value_are_kept() -> None:
    assert parse_variables("A=x" + " " * 50_000 + "y # z") == {"A": "x" + " " * 50_000 + "y"}
