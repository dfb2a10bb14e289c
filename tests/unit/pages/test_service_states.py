"""The state of a service in a word: nothing is told that the row does not tell."""

from __future__ import annotations

from typing import Any, cast

import pytest

from headway.pages.service_states import state_of, state_values

AWAY, MADE, DONE, SINCE = (f"2026-11-29T0{hour}:00:00.000Z" for hour in (2, 3, 4, 5))
SERVES = {"unstable": False, "doneAt": DONE}
UNSTABLE = {"unstable": True, "doneAt": DONE}
DOWN: Any = {
    "all": True,
    "names": ["web"],
    "since": None,
    "exits": 5,
    "lastExit": "exit status 1",
    "unknown": False,
    "why": None,
    "runs": False,
}
UNTOLD: Any = {**DOWN, "all": False, "names": [], "since": AWAY, "exits": 0, "lastExit": None, "unknown": True}


def row(serving: dict[str, Any] | None, status: str, wanted: str, **more: str) -> Any:  # noqa: ANN401 - a row, in part
    times = {"outOfReachSince": None, "createdAt": MADE, "statusSince": SINCE}
    return {"serving": serving, "status": status, "wanted": wanted, "reason": None, **times, **more}


@pytest.mark.parametrize(
    ("serving", "status", "wanted", "told"),
    [
        (None, "idle", "down", ("idle", "not deployed yet")),
        (None, "running", "down", ("starting", "first deployment")),
        (None, "error", "down", ("error", "never served")),
        (SERVES, "done", "up", ("serving", "serves")),
        (SERVES, "running", "up", ("starting", "starting or deploying")),
        (SERVES, "error", "up", ("error", "last deployment or start did not succeed")),
        (UNSTABLE, "done", "up", ("unstable", "unstable")),
        (UNSTABLE, "error", "up", ("unstable", "unstable")),
        (SERVES, "idle", "down", ("stopped", "stopped")),
        (SERVES, "error", "down", ("stopped", "stopped")),
        (UNSTABLE, "idle", "down", ("stopped", "stopped")),
        (SERVES, "idle", "held", ("stopped", "held for a backup")),
    ],
)
def test_a_service_is_told_in_a_word(
    serving: dict[str, Any] | None, status: str, wanted: str, told: tuple[str, str]
) -> None:
    assert state_of(row(serving, status, wanted)) == told


@pytest.mark.parametrize(
    ("reason", "served", "first"),
    [
        ("cancelled", ("cancelled", "last deployment cancelled"), ("idle", "not deployed yet")),
        ("killed", ("cancelled", "last deployment killed"), ("idle", "not deployed yet")),
        ("superseded", ("cancelled", "last deployment superseded"), ("idle", "not deployed yet")),
        ("failed", ("error", "last deployment failed"), ("error", "never served")),
        ("timed_out", ("error", "last deployment timed out"), ("error", "never served")),
    ],
)
def test_an_end_that_somebody_asked_for_is_no_fault(
    reason: str, served: tuple[str, str], first: tuple[str, str]
) -> None:
    assert state_of(row(SERVES, "error", "up", reason=reason)) == served
    assert state_of(row(None, "error", "down", reason=reason)) == first


@pytest.mark.parametrize("status", ["done", "error", "running"])
def test_what_a_server_does_that_does_not_answer_is_not_known(status: str) -> None:
    told = state_values(row(SERVES, status, "up", outOfReachSince=AWAY))
    assert (told["state"], told["at"], told["why"]) == ("unknown", AWAY, "its server does not answer")
    assert told["serves"] is False


@pytest.mark.parametrize(
    ("under_way", "word"),
    [("running", "being deployed"), ("pending", "waits to be deployed"), ("", "starting")],
)
def test_what_is_only_brought_up_is_not_deployed(under_way: str, word: str) -> None:
    assert state_of(row(SERVES, "running", "up"), under_way=under_way) == ("starting", word)


@pytest.mark.parametrize(
    ("serving", "status", "wanted", "at"),
    [
        (None, "idle", "down", MADE),
        (None, "running", "down", SINCE),
        (None, "error", "down", SINCE),
        (SERVES, "running", "up", SINCE),
        (SERVES, "error", "up", SINCE),
        (SERVES, "done", "down", SINCE),
        (SERVES, "done", "held", SINCE),
        (UNSTABLE, "done", "up", DONE),
        (SERVES, "done", "up", None),  # beside it stands since when it serves
    ],
)
def test_each_state_has_its_age(serving: dict[str, Any] | None, status: str, wanted: str, at: str | None) -> None:
    assert state_values(row(serving, status, wanted))["at"] == at


@pytest.mark.parametrize("serving", [SERVES, UNSTABLE])
@pytest.mark.parametrize("status", ["done", "error"])
def test_what_has_died_for_good_is_not_said_to_serve(serving: dict[str, Any], status: str) -> None:
    told = state_values(row(serving, status, "up"), down=DOWN)
    assert (told["state"], told["word"], told["serves"]) == ("error", "does not run", False)
    assert told["why"] == "ended 5 times, last by exit status 1"


def test_what_runs_in_part_names_what_does_not() -> None:
    part: Any = {**DOWN, "all": False, "names": ["worker"], "since": SINCE, "exits": 1}
    told = state_values(row(SERVES, "done", "up"), down=part)
    assert (told["word"], told["at"]) == ("runs only in part", SINCE)
    assert told["why"] == "worker: ended by itself, by exit status 1"
    assert state_values(row(SERVES, "done", "up"), down=cast("Any", {**part, "exits": 0}))["why"] == "worker"


def test_what_is_gone_is_told_with_what_keeps_it_from_coming_back() -> None:
    gone: Any = {**DOWN, "names": [], "exits": 0, "lastExit": None, "why": "it is not on this machine any more"}
    told = state_values(row(SERVES, "done", "up"), down=gone)
    assert (told["word"], told["why"], told["down"]) == ("does not run", gone["why"], gone)
    both = state_values(row(SERVES, "done", "up"), down=cast("Any", {**DOWN, "why": "its port is taken"}))
    assert both["why"] == "ended 5 times, last by exit status 1; its port is taken"


def test_what_runs_and_does_not_serve_is_no_more_said_to_serve() -> None:
    paused: Any = {**DOWN, "exits": 0, "lastExit": None, "runs": True, "why": "is paused"}
    told = state_values(row(SERVES, "done", "up"), down=paused)
    assert (told["state"], told["word"], told["why"], told["serves"]) == (
        "error",
        "does not serve",
        "is paused",
        False,
    )
    part = state_values(row(SERVES, "done", "up"), down=cast("Any", {**paused, "all": False}))
    assert (part["word"], part["why"]) == ("serves only in part", "web: is paused")


@pytest.mark.parametrize("status", ["done", "error"])
def test_what_could_not_be_asked_is_not_known_since_then(status: str) -> None:
    told = state_values(row(SERVES, status, "up"), down=cast("Any", {**UNTOLD, "why": "The engine does not answer."}))
    assert (told["state"], told["word"], told["serves"]) == ("unknown", "unknown", False)
    assert (told["at"], told["why"]) == (AWAY, "The engine does not answer.")


@pytest.mark.parametrize(
    ("status", "wanted", "word"),
    [("running", "up", "starting or deploying"), ("done", "down", "stopped"), ("done", "held", "held for a backup")],
)
def test_what_was_seen_before_it_was_stopped_or_deployed_is_not_told(status: str, wanted: str, word: str) -> None:
    assert state_values(row(SERVES, status, wanted), down=DOWN)["word"] == word
