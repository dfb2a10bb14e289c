"""Schedules of a real panel: inside an application, on its machine, by hand and at their times, and how they end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.panel.panel import Panel, git_repository, panel, until, web

Json = Any

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NEVER = "0 0 1 1 *"
EACH_SECOND = "* * * * * *"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("schedules")
    with panel(folder / "data", HEADWAY_CONCURRENCY="4", HEADWAY_CANCEL_GRACE="1") as started:
        yield started


@pytest.fixture(scope="module")
def application(running: Panel, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = git_repository(tmp_path_factory.mktemp("repo"), web("one") | {"data.txt": "of the release"})
    application_id = running.application(url, name="timed", env="GREETING=hello\nSECRET_TOKEN=swordfish9")
    running.done(running.deploy(application_id))
    return application_id


def schedule(panel_: Panel, command: str, **fields: Json) -> str:
    """A new schedule, on the panel's machine unless it is said otherwise, that is never due unless it is said when."""
    given = {"name": "nightly", "cronExpression": NEVER, "script": command, "scheduleType": "dokploy-server", **fields}
    made = panel_.post("schedule.create", **given)
    return str(made["scheduleId"])


def run(panel_: Panel, schedule_id: str) -> str:
    """A run by hand; its id."""
    return str(panel_.post("schedule.runManually", scheduleId=schedule_id)["deploymentId"])


def ran(panel_: Panel, command: str, **fields: Json) -> tuple[Json, str]:
    """The row and the log of a run by hand."""
    row = panel_.ended(run(panel_, schedule(panel_, command, **fields)))
    return row, panel_.deployment_log(row["deploymentId"])


def rows(panel_: Panel, schedule_id: str) -> list[Json]:
    """The runs of a schedule, newest first."""
    found: list[Json] = panel_.get("deployment.allByType", id=schedule_id, type="schedule")
    return found


def living(token: str) -> list[str]:
    """The processes that have this among their arguments."""
    found = subprocess.run(["pgrep", "-f", f"sleep {token}"], capture_output=True, check=False, text=True)
    return found.stdout.split()


@pytest.mark.root
def test_inside_an_application_a_script_has_its_folder_account_and_variables(running: Panel, application: str) -> None:
    script = 'cat data.txt; echo; echo "$GREETING $SECRET_TOKEN"; id -u; pwd; test ! -e made && touch made && ls made'
    row, log = ran(running, script, scheduleType="application", applicationId=application)
    assert (row["status"], row["scheduleId"] is not None, row["applicationId"]) == ("done", True, None), log
    assert "of the release\nhello *" in log
    assert "swordfish9" not in log
    assert "\nmade\n" in log, "in a layer of its own"
    assert f"\n{os.geteuid()}\n" not in log
    assert [step["name"] for step in row["steps"]] == ["script"]


@pytest.mark.parametrize(
    ("shell", "script", "said"),
    [
        ("bash", "a=(1 2 3)\necho ${#a[@]}", "3"),
        ("sh", "echo $((6*7))", "42"),
        ("python", "import sys\nprint(sys.version_info.major, repr('$HOME `id`'))", "3 '$HOME `id`'"),
    ],
)
def test_a_script_is_read_by_the_shell_of_choice(running: Panel, shell: str, script: str, said: str) -> None:
    row, log = ran(running, script, shellType=shell)
    assert (row["status"], said in log.splitlines()) == ("done", True), log


def test_no_word_of_a_script_is_read_by_another_shell(running: Panel, tmp_path: Path) -> None:
    awkward = "'; touch " + str(tmp_path / "owned") + "; echo '$(touch x) `touch y` \" \\ \n%s\n\t#!x"
    row, log = ran(running, f"print({awkward!r})", shellType="python")
    assert (row["status"], awkward in log) == ("done", True), log
    assert list(tmp_path.iterdir()) == []
    assert not Path(f"/tmp/.headway-{row['deploymentId']}").exists()


def test_a_script_has_no_input_and_a_long_one_comes_whole(running: Panel) -> None:
    lines = "\n".join(f"n=$((n+{number}))" for number in range(10_000))
    row, log = ran(running, f"cat\n{lines}\necho sum $n")
    assert (row["status"], f"sum {sum(range(10_000))}" in log) == ("done", True)


def test_an_exit_status_ends_the_run_as_an_error_that_says_so(running: Panel) -> None:
    row, log = ran(running, "echo so far; echo 'no space' >&2; exit 3")
    assert (row["status"], row["reason"]) == ("error", "failed")
    assert row["errorMessage"] == "script ended with exit status 3: no space"
    assert "so far" in log


def test_a_daemon_that_a_script_leaves_is_ended_with_it(running: Panel) -> None:
    row, _ = ran(running, "setsid sleep 7401 & echo started")
    assert (row["status"], living("7401")) == ("done", [])


def test_a_timeout_is_the_schedules_own(running: Panel) -> None:
    row, _ = ran(running, "(setsid sleep 7402 &); sleep 7402", timeoutSeconds=1)
    assert (row["reason"], living("7402")) == ("timed_out", [])
    assert row["errorMessage"].startswith("The script took longer than the 1 s that it has.")


def test_a_kill_reaches_whatever_a_run_has_started(running: Panel) -> None:
    deployment_id = run(
        running, schedule(running, "(setsid sleep 7403 &)\nenv -i setsid sleep 7403 &\necho up\nsleep 7403")
    )
    row = running.running(deployment_id, "up")
    assert row["pid"] is not None
    running.post("deployment.killProcess", deploymentId=deployment_id)
    assert living("7403") == []
    row = running.one(deployment_id)
    assert (row["status"], row["reason"], row["pid"]) == ("error", "killed", None)


def test_deleting_a_schedule_ends_its_run_and_forgets_its_logs(running: Panel) -> None:
    schedule_id = schedule(running, "echo up; sleep 7404")
    row = running.running(run(running, schedule_id), "up")
    running.post("schedule.delete", scheduleId=schedule_id)
    assert (living("7404"), Path(row["logPath"]).exists()) == ([], False)
    assert running.client.get("/deployment.one", params={"deploymentId": row["deploymentId"]}).status_code == 404


def test_at_its_times_it_runs_on_time_and_shows_when(running: Panel) -> None:
    schedule_id = schedule(running, "echo tick", cronExpression=EACH_SECOND)
    until(lambda: len([row for row in rows(running, schedule_id) if row["status"] == "done"]) >= 3, 20)
    running.post("schedule.update", scheduleId=schedule_id, enabled=False)
    seen = running.get("schedule.one", scheduleId=schedule_id)
    started = [each for each in seen["dueTimes"] if each["fate"] == "started"]
    assert len({each["dueAt"] for each in seen["dueTimes"]}) == len(seen["dueTimes"])
    assert {each["deploymentId"] for each in started} == {row["deploymentId"] for row in rows(running, schedule_id)}
    assert 0 <= seen["driftSeconds"] < 1
    assert (seen["nextRunAt"], seen["missedRuns"]) == (None, 0)
    (last, *_) = rows(running, schedule_id)
    assert (last["trigger"], last["description"][:6]) == ("schedule", "Due at")
    assert datetime.fromisoformat(seen["lastDueAt"]).microsecond == 0


def test_a_failure_is_tried_again(running: Panel, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    script = f"echo x >> {marks}\ntest $(wc -l < {marks}) -ge 3"
    schedule_id = schedule(running, script, cronExpression="*/10 * * * * *", retries=3, retryDelaySeconds=1)
    until(lambda: any(row["status"] == "done" for row in rows(running, schedule_id)), 60, what="a run that succeeds")
    running.post("schedule.update", scheduleId=schedule_id, enabled=False)
    attempts = [
        (each["attempt"], each["fate"]) for each in running.get("schedule.one", scheduleId=schedule_id)["dueTimes"]
    ]
    assert (2, "started") in attempts
    assert any(", attempt 3" in row["description"] for row in rows(running, schedule_id))


def test_a_run_that_replaces_ends_the_one_before(running: Panel) -> None:
    schedule_id = schedule(running, "echo up; sleep 7405", cronExpression="*/2 * * * * *", overlap="replace")
    until(lambda: len(rows(running, schedule_id)) >= 2, 20)
    running.post("schedule.update", scheduleId=schedule_id, enabled=False)
    until(lambda: [row for row in rows(running, schedule_id) if row["reason"] == "superseded"], 10)
    until(lambda: len(living("7405")) == 1, 10, what="one run alone")
    running.post("schedule.delete", scheduleId=schedule_id)


def test_what_there_is_nothing_to_run_in_is_said(running: Panel, application: str) -> None:
    url = "https://git.example/x.git"
    never = running.application(url, name="never deployed")
    row, _ = ran(running, "true", scheduleType="application", applicationId=never)
    assert row["errorMessage"] == "The application never deployed was never deployed; deploy it first."
    running.post("application.stop", applicationId=application)
    row, _ = ran(running, "true", scheduleType="application", applicationId=application)
    assert row["errorMessage"] == "The application timed is stopped; start it first."
    running.post("application.start", applicationId=application)


def test_a_script_that_is_not_there_is_an_error_with_its_name(running: Panel, application: str) -> None:
    row, _ = ran(running, "./nightly.sh", scheduleType="application", applicationId=application)
    assert row["status"] == "error"
    assert "exit status 127" in row["errorMessage"]
    assert "nightly.sh" in row["errorMessage"]


def test_the_schedules_of_an_application_go_with_it(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", web("x")), name="leaving")
    running.done(running.deploy(application_id))
    schedule_id = schedule(running, "echo up; sleep 7406", scheduleType="application", applicationId=application_id)
    row = running.running(run(running, schedule_id), "up")
    running.post("application.delete", applicationId=application_id)
    until(lambda: not living("7406") and not Path(row["logPath"]).exists(), 10, what="the end of the run and its log")
    assert running.client.get("/schedule.one", params={"scheduleId": schedule_id}).status_code == 404


def test_a_run_survives_the_panel_and_what_was_missed_is_caught_up_once(tmp_path: Path) -> None:
    with panel(tmp_path / "data", HEADWAY_MISSED_AFTER="1", HEADWAY_CONCURRENCY="4") as started:
        long = run(started, schedule(started, "echo up; sleep 6; echo on"))
        started.running(long, "up")
        often = schedule(started, "echo tick", cronExpression=EACH_SECOND, catchUp="once", overlap="allow")
        until(lambda: rows(started, often), 10)
        started.kill()
        started.start()
        row = started.done(long)
        assert "on\n" in started.deployment_log(row["deploymentId"])
        started.post("schedule.update", scheduleId=often, enabled=False)
        due = started.get("schedule.one", scheduleId=often)["dueTimes"]
        assert len([each for each in due if each["caughtUp"]]) <= 1
        assert len({each["dueAt"] for each in due}) == len(due)
        deployments = [each["deploymentId"] for each in due if each["fate"] == "started"]
        assert len(set(deployments)) == len(deployments) == len(rows(started, often))
