"""What an engine says of a container, read as the state of a release."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headway.drivers.runtimes.container.state import ContainerState, how_it_ended, read, unwrapped
from headway.drivers.runtimes.contract.runtime import ProcessState


def inspected(**state: Any) -> ContainerState:  # noqa: ANN401 - parts of an answer
    plain = {
        "Status": "running",
        "Pid": 42,
        "StartedAt": "2026-01-02T03:04:05.123456789Z",
        "ExitCode": 0,
        "OOMKilled": False,
        "Error": "",
    }
    restarts, policy = state.pop("RestartCount", 0), state.pop("RestartPolicy", "no")
    answer = {
        "Id": "c1",
        "State": {**plain, **state},
        "RestartCount": restarts,
        "HostConfig": {"RestartPolicy": {"Name": policy}},
        "Config": {"Labels": {"headway.release": "r1"}, "Tty": False, "Env": ["A=1=2", "B="]},
        "NetworkSettings": {"Networks": {"n": {"IPAddress": "10.1.0.2"}}},
    }
    return read(answer, "headway.release")


def test_one_that_runs() -> None:
    found = inspected()
    assert (found.runs, found.exits, found.address, found.release_id) == (True, 0, "10.1.0.2", "r1")
    assert found.since == datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert found.env == {"A": "1=2", "B": ""}
    assert found.status().up
    assert found.status().last_exit is None


def test_one_that_was_made_and_never_started() -> None:
    found = inspected(Status="created", Pid=0, StartedAt="0001-01-01T00:00:00Z")
    assert (found.state, found.exits, found.since, found.has_exited) == (ProcessState.STOPPED, 0, None, False)


@pytest.mark.parametrize(("status", "restarts", "exits"), [("restarting", 2, 2), ("exited", 0, 1), ("exited", 3, 4)])
def test_its_ends_are_counted(status: str, restarts: int, exits: int) -> None:
    found = inspected(Status=status, Pid=0, ExitCode=7, RestartCount=restarts)
    assert (found.exits, found.has_exited, found.status().last_exit) == (exits, True, "exit status 7")


@pytest.mark.parametrize(
    ("ended", "was_stopped", "own_exits"),
    [
        ({"Status": "exited", "ExitCode": 143}, True, 0),
        ({"Status": "exited", "ExitCode": 137}, True, 0),
        ({"Status": "exited", "ExitCode": 255}, True, 0),
        ({"Status": "exited", "ExitCode": 0, "RestartPolicy": "unless-stopped"}, True, 0),
        ({"Status": "exited", "ExitCode": 3, "RestartPolicy": "unless-stopped", "RestartCount": 2}, True, 2),
        ({"Status": "exited", "ExitCode": 0}, False, 1),
        ({"Status": "exited", "ExitCode": 3, "RestartPolicy": "on-failure", "RestartCount": 4}, False, 5),
        ({"Status": "exited", "ExitCode": 137, "OOMKilled": True}, False, 1),
        ({"Status": "restarting", "ExitCode": 137, "RestartPolicy": "unless-stopped", "RestartCount": 1}, False, 1),
        ({"Status": "created"}, False, 0),
        ({}, False, 0),
    ],
)
def test_what_an_engine_has_ended_has_not_ended_by_itself(
    ended: dict[str, Any],
    was_stopped: bool,  # noqa: FBT001 - a table
    own_exits: int,
) -> None:
    found = inspected(**ended)
    assert (found.was_stopped, found.own_exits, found.status().exits) == (was_stopped, own_exits, own_exits)


def test_an_end_for_the_memory_says_so_until_it_runs_again() -> None:
    ended = inspected(Status="restarting", ExitCode=137, OOMKilled=True, RestartCount=1)
    assert "memory bound was reached" in (ended.status().last_exit or "")
    assert not inspected(OOMKilled=True, RestartCount=1).out_of_memory


def test_its_own_check_and_what_that_said_last() -> None:
    log = [{"Output": "first\n"}, {"Output": "not well\n\n"}]
    found = inspected(Health={"Status": "unhealthy", "Log": log})
    assert (found.health, found.told) == ("unhealthy", "not well")
    assert inspected(Health={"Status": "none", "Log": None}).health == ""


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit status 0"), (137, "exit status 137 (SIGKILL)"), (3, "exit status 3")]
)
def test_an_end_in_words(code: int, words: str) -> None:
    assert how_it_ended(code, out_of_memory=False) == words


def test_pieces_of_a_log_are_put_together_and_half_ones_too() -> None:
    pieces = b"\x01\0\0\0\0\0\0\x03on" + b"e" + b"\x02\0\0\0\0\0\0\x05\ntwo\n" + b"\x01\0\0\0\0\0\0\x09half"
    assert unwrapped(pieces, has_terminal=False) == "one\ntwo\nhalf"
    assert unwrapped(b"one\r\ntwo", has_terminal=True) == "one\ntwo"
