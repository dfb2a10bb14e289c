"""What failed at a first try is named, and counted over the runs that follow each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.panel.tries import main


@pytest.fixture
def last(tmp_path: Path) -> Path:
    return tmp_path / "lastfailed"


def tried(last: Path, *failed: str) -> int:
    """A run in which these failed at first; what it ends with."""
    last.write_text(json.dumps(dict.fromkeys(failed, True)))
    return main(last, last.parent / "cache" / "kept.json")


def test_what_failed_is_named(last: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(last, "tests/b.py::two", "tests/a.py::one") == 0
    assert capsys.readouterr().out == "2 failed at the first try:\n  tests/a.py::one\n  tests/b.py::two\n"


def test_the_same_test_in_three_runs_in_a_row_is_a_failure(last: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [tried(last, "one", "two"), tried(last, "one"), tried(last, "one", "two")] == [0, 0, 1]
    assert "  one (in 3 runs in a row)\n  two\n" in capsys.readouterr().out


def test_a_run_without_it_begins_anew(last: Path) -> None:
    assert [tried(last, "one"), tried(last, "one"), tried(last), tried(last, "one"), tried(last, "one")] == [0] * 5


def test_where_nothing_failed_or_nothing_can_be_read_there_is_nothing_to_name(
    last: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = last.parent / "kept.json"
    kept.write_text("{half")
    assert main(last, kept) == 0
    assert (capsys.readouterr().out, json.loads(kept.read_text())) == ("", {})
