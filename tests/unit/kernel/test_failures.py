"""What tools print as they fail ends in the line that says it, and a mend; the outputs are recorded from the tools."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.kernel.failures import compiled, machine, node, python, runs, scripted, sites, sources
from headway.kernel.failures.explanation import explain, told
from headway.kernel.failures.rule import Phase

CASES = sorted((Path(__file__).parents[2] / "cases" / "errors").glob("*.txt"))
TABLES = (compiled, machine, node, python, runs, scripted, sites, sources)
SECONDS = 5.0
_LITERALS = re.compile(r"[A-Za-z][A-Za-z' ]{3,}")


def test_there_are_cases() -> None:
    assert len(CASES) >= 30


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_recorded_failure_ends_in_its_line_and_a_mend(path: Path) -> None:
    head, _, output = path.read_text().partition("---\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    found = explain(output, Phase(fields["phase"]))
    assert found is not None
    assert fields["line"] in found.line
    for word in fields["mend"].split("; "):
        assert word in found.advice
    assert len(f"{found.line}{found.advice}") < 800


@pytest.mark.parametrize("phase", Phase)
def test_an_output_that_no_table_knows_keeps_its_last_line_that_matters(phase: Phase) -> None:
    found = told("fine\nerror: the moon is down\nbye\n", phase)
    assert (found.line, found.advice) == ("error: the moon is down", "")


def test_colours_and_what_a_runner_writes_before_a_line_do_not_hide_it() -> None:
    output = '#9 12.34 \x1b[31mnpm error\x1b[0m Missing script: "build"\r\nweb-1  | bye\n'
    found = explain(output, Phase.BUILD)
    assert found is not None
    assert found.line == 'npm error Missing script: "build"'


def test_of_an_image_the_mend_is_in_its_dockerfile() -> None:
    step = "[2/3] RUN pip install -r requirements.txt\n"
    lacks = explain(f"{step}Error: pg_config executable not found.\n", Phase.BUILD)
    old = explain(f"{step}go: go.mod requires go >= 1.99 (running go 1.27.3; GOTOOLCHAIN=local)\n", Phase.BUILD)
    assert lacks is not None
    assert old is not None
    assert "in the Dockerfile: RUN apt-get update && apt-get install -y libpq-dev" in lacks.mend
    assert "FROM golang:1.99 in the Dockerfile" in old.mend


def test_no_folder_of_a_release_is_quoted() -> None:
    folder = "/var/lib/headway-work/ab12cd/releases/V1StGXR8_Z5jdHi6B-myT/Uakgb_J5m9g-0JDMbcJqL"
    found = told(f"Error: Cannot find module '{folder}/dist/index.js'\n", Phase.START)
    assert found.line == "Error: Cannot find module 'dist/index.js'"
    assert told(f"error: {folder}/x.c is odd\n", Phase.BUILD).line == "error: x.c is odd"


def test_the_first_error_of_a_compiler_is_told_and_not_the_last() -> None:
    output = "".join(f"src/a{n}.ts({n},1): error TS2322: no number {n}.\n" for n in range(1, 300))
    found = explain(output, Phase.BUILD)
    assert found is not None
    assert found.line == "src/a1.ts(1,1): error TS2322: no number 1."


def test_of_a_program_the_last_is_told_and_not_what_it_warned_of() -> None:
    output = "DATABASE_URL is not set, using sqlite\nModuleNotFoundError: No module named 'x'\n"
    found = explain(output, Phase.START)
    assert found is not None
    assert found.line == "ModuleNotFoundError: No module named 'x'"


@given(st.text(), st.sampled_from(Phase))
def test_any_output_is_explained_without_control_characters(output: str, phase: Phase) -> None:
    found = told(output, phase)
    assert len(found.line) <= 300
    assert not any(character < " " and character != "\t" for character in found.line + found.advice)


def test_outputs_made_of_the_beginnings_of_all_patterns_are_read_in_no_time() -> None:
    rules = [rule for table in TABLES for rule in (*table.RULES, *getattr(table, "GENERAL", ()))]
    words = sorted({word for rule in rules for word in _LITERALS.findall(rule.pattern.pattern)})
    assert len(words) > 200
    outputs = [
        *(_in_lines(word * (200_000 // len(word))) for word in words[:: len(words) // 8]),
        _in_lines(" ".join(words) * 20),
        "\n".join(words) * 60,
        "\n".join("npm error " + "x" * 590 for _ in range(400)),
        "(" * 300_000,
        "/a" * 150_000,
    ]
    for output in outputs:
        began = time.process_time()
        told(output, Phase.BUILD)
        assert time.process_time() - began < SECONDS, output[:40]


def _in_lines(text: str) -> str:
    return "\n".join(text[at : at + 590] for at in range(0, len(text), 590))
