"""What tools print as they fail ends in the line that says it, and a mend; the outputs are recorded from the tools."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.drivers.runtimes.launch import layer
from headway.kernel.failures import (
    applications,
    backends,
    binaries,
    compiled_languages,
    frameworks,
    hints,
    keys,
    languages,
    machine,
    migrations,
    minifiers,
    missing_variables,
    node,
    package_managers,
    python,
    runs,
    script_languages,
    selection,
    sites,
    sources,
    versions,
)
from headway.kernel.failures.explanation import Explanation, explain, on_own_threads, told
from headway.kernel.failures.rule import Phase, Rule

CASES = sorted((Path(__file__).parents[2] / "cases" / "errors").glob("*.txt"))
TABLES = (
    *(applications, backends, binaries, compiled_languages, frameworks, hints, keys, languages, machine),
    *(migrations, minifiers, missing_variables, package_managers),
    *(node, python, runs, script_languages, sites, sources, versions),
)
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


_TYPES = "src/a.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.\n"
_LACKS_GIT = "sh: 1: git: not found\n"
_NO_REPOSITORY = "fatal: not a git repository (or any of the parent directories): .git\n"
_OF_ANOTHER_PYTHON = (
    "ERROR: Ignored the following versions that require a different python version: 2.3.0 Requires-Python >=3.8; "
    "2.3.1 Requires-Python >=3.8; 3.0.0 Requires-Python >=3.8; 3.1.0 Requires-Python >=3.9\n"
)


def _unknown_to_pip(what: str) -> str:
    return (
        f"ERROR: Could not find a version that satisfies the requirement {what} (from versions: 2.2.4, 2.2.5)\n"
        f"ERROR: No matching distribution found for {what}\n"
    )


@pytest.mark.parametrize(
    "harmless", [_NO_REPOSITORY, _LACKS_GIT, _NO_REPOSITORY + _LACKS_GIT, "sh: 1: husky: not found\n"]
)
@pytest.mark.parametrize(
    ("error", "line"),
    [
        (_TYPES, "error TS2322"),
        ("npm error code ENOTFOUND\nnpm error request failed, getaddrinfo ENOTFOUND nowhere\n", "ENOTFOUND"),
        (_OF_ANOTHER_PYTHON + _unknown_to_pip("flask==30.0.0"), "No matching distribution"),
        ("sh: 1: vite: not found\n", "vite: not found"),
    ],
)
def test_what_a_build_went_on_after_hides_no_error(harmless: str, error: str, line: str) -> None:
    found = explain(f"{harmless}> tsc -p .\n{error}", Phase.BUILD)
    assert found is not None
    assert line in found.line


@pytest.mark.parametrize(
    ("last", "word"),
    [
        (_NO_REPOSITORY, "SOURCE_COMMIT"),
        (_LACKS_GIT, "apt install git"),
        (f"{_LACKS_GIT}  error: subprocess-exited-with-error\n", "apt install git"),
        (_LACKS_GIT * 5_000, "apt install git"),
    ],
)
def test_what_a_build_ended_by_is_told_also_where_others_go_on_after_it(last: str, word: str) -> None:
    found = explain(f"npm warn deprecated x@1: no longer supported\n{last}", Phase.BUILD)
    assert found is not None
    assert word in found.mend


def test_of_a_build_that_a_full_disk_ended_the_mend_is_what_frees_it() -> None:
    found = explain("tar: x: Cannot write: No space left on device\n", Phase.BUILD)
    assert found is not None
    assert "headway disk usage" in found.mend
    assert "headway disk clean" in found.mend
    assert "HEADWAY_APPLICATION_DISK" not in found.mend


def test_a_version_that_pip_does_not_find_is_named_and_a_python_only_where_it_is_for_another() -> None:
    mistyped = explain(_OF_ANOTHER_PYTHON + _unknown_to_pip("flask==30.0.0"), Phase.BUILD)
    newer = explain(_OF_ANOTHER_PYTHON + _unknown_to_pip("flask==3.0.0"), Phase.BUILD)
    assert mistyped is not None
    assert newer is not None
    assert mistyped.cause == "the index has no flask==30.0.0 for this Python and machine"
    assert newer.cause == "flask==3.0.0 is for another Python than this one (>=3.8)"
    assert "--use python=" in newer.mend


@given(st.text(), st.sampled_from(Phase))
def test_any_output_is_explained_without_control_characters(output: str, phase: Phase) -> None:
    found = told(output, phase)
    assert len(found.line) <= 300
    assert not any(character < " " and character != "\t" for character in found.line + found.advice)


@pytest.mark.slow
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
        "\n".join(f"{word} git://example.org/a\n" + ("x" * 45 + "\n") * 6 for word in words),
    ]
    for output in outputs:
        began = time.process_time()
        told(output, Phase.BUILD)
        assert time.process_time() - began < SECONDS, output[:40]


@pytest.mark.slow
def test_errors_that_a_build_went_on_after_are_passed_over_at_no_further_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = "a\n" * 15_000
    passed = (
        "Ignored build scripts: sharp.\n"
        "Your lock file might not be compatible with this Poetry\n"
        "UnicodeDecodeError: 'utf-8' codec\n"
        "sh: husky: not found\n"
        "Invalid next.config.js options detected\n"
        "Failed to fetch `Inter` from Google Fonts.\n"
        "sh: 1: git: not found\n"
        f"{_NO_REPOSITORY}"
        "yaml.h not found\n"
    )
    found = explain(f"{passed}{rest}", Phase.BUILD)
    assert found is not None
    assert found.line == "yaml.h not found", "each is passed over for the one after it"
    ended = f"{rest}error of a kind that nobody knows\n"
    assert _searches(f"{passed}{rest}", monkeypatch) < 2 * _searches(ended, monkeypatch)


def _searches(output: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a rule goes through the output."""
    search, count = selection._found, 0

    def counted(rule: Rule, text: str, begin: int) -> re.Match[str] | None:
        nonlocal count
        count += 1
        return search(rule, text, begin)

    with monkeypatch.context() as patch:
        patch.setattr(selection, "_found", counted)
        told(output, Phase.BUILD)
    return count


async def test_outputs_are_gone_through_in_threads_that_nothing_else_waits_for() -> None:
    def explained() -> Explanation:
        return Explanation(line=threading.current_thread().name.partition("_")[0])

    assert (await on_own_threads(explained)).line == "failures"


@pytest.mark.slow
def test_what_a_release_wrote_as_it_ended_is_read_in_a_moment() -> None:
    rules = [rule for table in TABLES for rule in (*table.RULES, *getattr(table, "GENERAL", ()))]
    words = sorted({word for rule in rules for word in _LITERALS.findall(rule.pattern.pattern)})
    outputs = ("a\n" * 70_000, "AB_C\n" * 40_000, "\n".join(words) * 60, _in_lines("(" * 300_000))
    # Beside what a build wrote, of which more is read: that measure is as slow as the machine is.
    at_start, at_build = (max(_thread_seconds(each, phase) for each in outputs) for phase in (Phase.START, Phase.BUILD))
    assert at_start < at_build / 3


@pytest.mark.parametrize("sentence", layer.SENTENCES.values(), ids=layer.SENTENCES)
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("prefix", ["", "web | "])
def test_how_a_process_was_started_is_not_why_it_ended(sentence: str, phase: Phase, prefix: str) -> None:
    note = f"{prefix}headway: {sentence} This took 0.1 s at the start.\n"
    assert told(note * 3, phase) == Explanation(line="")
    assert told(f"{note}{prefix}bye\n{note}", phase).line == "bye"


def _thread_seconds(output: str, phase: Phase) -> float:
    """The time of a processor that it takes, without what other tests' threads take beside it."""
    began = time.thread_time()
    told(output, phase)
    return time.thread_time() - began


def _in_lines(text: str) -> str:
    return "\n".join(text[at : at + 590] for at in range(0, len(text), 590))
