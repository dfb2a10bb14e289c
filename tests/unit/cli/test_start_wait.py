"""What the command line says of a start, of applications and compose services alike: only once it is so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
import typer

from headway.cli import start_wait
from headway.cli.start_wait import say_started

STATES = ("applicationStatus", "composeStatus")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_wait, "_PAUSE", 0)


def seen(state: str, *statuses: str) -> Callable[[], Mapping[str, str]]:
    """What is seen look by look."""
    rows = iter([{state: each} for each in statuses])
    return lambda: next(rows)


def start(state: str, *statuses: str, wait: bool = True) -> None:
    look = seen(state, *statuses)
    say_started("shop", look, state, wait=wait, logs="headway logs shop", as_json=False)


@pytest.mark.parametrize("state", STATES)
def test_it_is_started_once_it_serves(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    start(state, "running", "running", "done")
    assert capsys.readouterr() == ("shop is started\n", "")


@pytest.mark.parametrize("state", STATES)
def test_what_does_not_come_up_is_no_start(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        start(state, "running", "error")
    assert ended.value.exit_code == 1
    said = capsys.readouterr()
    assert (said.out, "does not serve (error); headway logs shop shows" in " ".join(said.err.split())) == ("", True)


@pytest.mark.parametrize("state", STATES)
def test_who_does_not_wait_hears_that_it_begins(state: str, capsys: pytest.CaptureFixture[str]) -> None:
    start(state, "running", wait=False)
    assert capsys.readouterr() == ("shop is being started\n", "")
