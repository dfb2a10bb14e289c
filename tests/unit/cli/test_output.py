"""How answers look: ages, times, states, and tables that fit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from headway.cli import output
from headway.cli.output import Column

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (86399, "23h"), (10**6, "11d")],
)
def test_ages_are_rounded_down_to_one_unit(seconds: float, text: str) -> None:
    assert output.rounded(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0ms"),
        (0.0214, "21ms"),
        (0.0999, "0.1s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.6, "1m 00s"),
        (185, "3m 05s"),
        (3600, "1h 00m"),
    ],
)
def test_times_are_as_exact_as_one_cares_to_know(seconds: float, text: str) -> None:
    assert output.exact(seconds) == text


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({"status": "pending"}, "pending"),
        ({"status": "running", "outOfReachSince": "2026-11-25T11:59:00.000Z"}, "running, out of reach"),
        ({"status": "pending", "waitsFor": {"what": "server"}}, "pending, out of reach"),
        ({"status": "done", "unstable": False}, "done"),
        ({"status": "done", "unstable": True}, "done, unstable"),
        ({"status": "error", "reason": "out_of_memory"}, "out of memory"),
        ({"status": "error", "reason": None}, "error"),
    ],
)
def test_a_state_says_why_it_ended(row: output.Row, state: str) -> None:
    assert output.state_of(row) == state


def test_a_running_deployment_has_taken_what_it_has_so_far() -> None:
    row = {"createdAt": "2026-11-25T11:58:00.000Z", "startedAt": "2026-11-25T11:59:00.000Z", "finishedAt": None}
    assert output.time_of(row, NOW) == "1m 00s"
    assert output.age_of(row, NOW) == "2m"
    assert output.time_of({"startedAt": None}, NOW) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", "a b"),
        ("\x1b[2Jgone", "[2Jgone"),
        ("tab\there", "tab here"),
        ("\u202ereversed", "reversed"),
        ("ünï", "ünï"),
    ],
)
def test_texts_of_others_cannot_steer_the_terminal(text: str, shown: str) -> None:
    assert output.clean(text) == shown


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_table_keeps_to_the_width_and_shortens_only_what_may_be(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = [Column(title="ID", whole=True), Column(title="TITLE"), Column(title="AGE", whole=True, right=True)]
    output.say_table(shown, [("x" * 21, "[bold]a title that goes on" + " and on" * 20, "12d")])
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["ID", "TITLE", "AGE"]
    assert len(row.rstrip()) <= columns
    assert row.startswith("x" * 21 + "  [bold]a title")
    assert row.rstrip().endswith("12d")


def test_fields_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    output.say_fields([("ID", "1"), ("Reason", ""), ("Title", "two\nlines")])
    assert capsys.readouterr().out == "ID     1\nTitle  two lines\n"


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (lambda: output.say_rest(20, 87), "These are the newest 20 of 87; --limit 87 shows all."),
        (lambda: output.say_rest(50, 700, most=500), "These are the newest 50 of 700; a larger --limit shows more."),
        (lambda: output.say_rest(500, 700, most=500), "These are the newest 500 of 700; no list is longer."),
        (lambda: output.say_rest(20), "These are the newest 20; a larger --limit shows more."),
    ],
)
def test_a_list_that_is_cut_off_says_so_beside_it(
    rest: Callable[[], None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rest()
    assert capsys.readouterr() == ("", f"{said}\n")
