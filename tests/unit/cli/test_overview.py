"""How `headway status` says what serves: by the service itself, and by a deployment only since when and from what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headway.cli.overview import Overview


def overview(kind: str, status: str, serving: str | None, *deployments: dict[str, Any]) -> Overview:
    field = "composeStatus" if kind == "compose" else "applicationStatus"
    row = {"name": "shop", field: status, "servingReleaseId": serving, "deployments": list(deployments)}
    return Overview(kind=kind, project="default", row=row)


@pytest.mark.parametrize("kind", ["application", "compose"])
@pytest.mark.parametrize(
    ("status", "serving", "state"),
    [
        ("done", "r1", "serves"),
        ("running", "r1", "serves, deploys"),
        ("error", "r1", "serves, error"),
        ("idle", "r1", "stopped"),
        ("idle", None, "never deployed"),
        ("running", None, "deploys"),
        ("error", None, "error"),
    ],
)
def test_what_serves_is_told_where_its_deployment_is_no_longer_there(
    kind: str, status: str, serving: str | None, state: str
) -> None:
    of = overview(kind, status, serving)
    assert (of.state, of.serving) == (state, None)


@pytest.mark.parametrize(
    ("status", "reason", "state"),
    [
        ("error", "failed", "serves, error"),
        ("error", "cancelled", "last deployment cancelled, serves unless a start failed since"),
        ("error", "killed", "last deployment killed, serves unless a start failed since"),
        ("done", None, "last start did not succeed"),
    ],
)
def test_an_error_behind_an_end_that_was_asked_for_is_told_in_words(
    status: str, reason: str | None, state: str
) -> None:
    waits = {"rollback": None, "status": "pending", "reason": None, "finishedAt": None}
    ended = {"rollback": None, "status": status, "reason": reason, "finishedAt": "2026-11-29T12:00:00Z"}
    assert overview("application", "error", "r1", waits, ended).state == state


@pytest.mark.parametrize("status", ["done", "error"])
@pytest.mark.parametrize(
    ("down", "state", "why"),
    [
        ({"all": True, "lastExit": "exit status 1"}, "does not run", "ended by exit status 1"),
        ({"all": True, "why": "It is gone."}, "does not run", "It is gone."),
        ({"names": ["worker"], "lastExit": "exit status 2"}, "runs only in part", "worker: ended by exit status 2"),
        ({"unknown": True, "why": "The engine does not answer."}, "unknown", "The engine does not answer."),
    ],
)
def test_what_does_not_run_or_cannot_be_asked_is_not_said_to_serve(
    status: str, down: dict[str, Any], state: str, why: str
) -> None:
    told = {"all": False, "names": [], "lastExit": None, "unknown": False, "why": None, **down}
    of = replace(overview("application", status, "r1"), down=told)
    assert (of.state, of.why) == (state, why)


def test_what_was_seen_before_it_was_stopped_or_deployed_is_not_told() -> None:
    told = {"all": True, "names": [], "lastExit": None, "unknown": False, "why": "It is gone."}
    states = {status: replace(overview("compose", status, "r1"), down=told).state for status in ("idle", "running")}
    assert states == {"idle": "stopped", "running": "serves, deploys"}


def test_a_deployment_that_was_left_tells_since_when() -> None:
    row = {"rollback": {"serves": True}, "unstable": True}
    of = overview("application", "done", "r1", {"rollback": None}, row)
    assert (of.state, of.serving) == ("serves, unstable", row)
    assert overview("application", "idle", None, {"rollback": None}).state == "stopped"
