"""What the command line says of what was asked for: what has become of it, and nothing that is not so yet."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from typer.testing import CliRunner, Result

from headway.cli.main import build
from tests.support.panel.answering import STARTED, Answer, Events, answering

TIMES = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:03Z"}
DONE = {"deploymentId": STARTED, "status": "done", **TIMES}
FAILED = {**DONE, "status": "error", "reason": "failed", "errorMessage": "Step build: exit status 7"}
OF_A_PREVIEW = {
    "previewDeployment.redeploy": True,
    "previewDeployment.approve": True,
    "previewDeployment.one": {"address": "http://shop-pr-3.localhost"},
    "deployment.follow": Events((("end", {}),)),
}
STARTS = ("redeploy p1", "approve p1 abc")


def typed(line: str, answers: Mapping[str, Answer]) -> Result:
    arguments = line.split()
    with answering(answers) as panel:
        return CliRunner().invoke(build(arguments[0]), arguments, env=panel.env)


@pytest.mark.parametrize("command", STARTS)
def test_a_preview_is_deployed_once_its_deployment_is_done(command: str) -> None:
    done = typed(f"previews {command}", {**OF_A_PREVIEW, "deployment.one": DONE})
    assert (done.exit_code, done.stdout) == (0, "p1 is deployed (3.0s)\nhttp://shop-pr-3.localhost\n")


@pytest.mark.parametrize("command", STARTS)
def test_a_preview_whose_deployment_fails_is_not_deployed(command: str) -> None:
    done = typed(f"previews {command}", {**OF_A_PREVIEW, "deployment.one": FAILED})
    assert (done.exit_code, done.stdout) == (1, "")
    assert "p1 was not deployed: Step build: exit status 7" in done.stderr


@pytest.mark.parametrize("command", STARTS)
def test_a_preview_that_nobody_waits_for_is_queued(command: str) -> None:
    done = typed(f"previews {command} --no-wait", {**OF_A_PREVIEW})
    assert (done.exit_code, done.stdout) == (0, f"p1 is queued as {STARTED}\n")
    done = typed(f"previews {command} --no-wait --json", {**OF_A_PREVIEW})
    assert json.loads(done.stdout) == {"deploymentId": STARTED, "previewDeploymentId": "p1"}


@pytest.mark.parametrize("command", ["kill", "cancel"])
@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"status": "error", "reason": "killed"}, "is killed"),
        ({"status": "error", "reason": "cancelled"}, "is cancelled"),
        ({"status": "error", "reason": "superseded"}, "is superseded"),
        (FAILED, "had ended before that (failed): Step build: exit status 7"),
        ({"status": "error", "reason": "timed_out"}, "had ended before that (timed out)"),
    ],
)
def test_an_end_is_told_as_the_row_has_it(command: str, row: dict[str, str], told: str) -> None:
    answers = {"deployment.killProcess": None, "deployment.cancel": None, "deployment.one": row}
    done = typed(f"deployments {command} {STARTED}", answers)
    assert (done.exit_code, done.stdout) == (0, f"{STARTED} {told}\n")


def test_a_deployment_of_no_commit_has_no_line_of_one() -> None:
    row = {**FAILED, "title": "Nightly", "createdAt": "2026-01-01T00:00:00Z", "logPath": "/log", "trigger": "api"}
    told = typed(f"deployments show {STARTED}", {"deployment.one": row}).stdout
    assert [line for line in told.splitlines() if line.startswith("Commit")] == []
    commit = {"hash": "abc", "branch": None, "author": "Owner"}
    told = typed(f"deployments show {STARTED}", {"deployment.one": {**row, "commit": commit}}).stdout
    assert [line.split(maxsplit=1)[1] for line in told.splitlines() if line.startswith("Commit")] == ["abc Owner"]


def test_the_usage_of_what_may_be_left_out_has_one_pair_of_brackets() -> None:
    for line in ("previews approve --help", "env list --help"):
        told = typed(line, {}).stdout
        assert "[[" not in told
        assert "]]" not in told
