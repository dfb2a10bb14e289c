"""Schedules and consoles inside containers that go on: what a script has there, and that a kill reaches all that it
started.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.boxes import BUILD_SECONDS, boxed_web
from tests.e2e.test_compose_cli import typed
from tests.e2e.test_schedules import EACH_SECOND, living, ran, rows, run, schedule
from tests.support.docker.compose import SERVES, SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, git_repository, until

Json = Any

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

HIDING = "(setsid sleep {0} &)\nenv -i setsid sleep {0} </dev/null >/dev/null 2>&1 &\nsleep {0} &\necho up\nsleep {0}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    data_dir = tmp_path_factory.mktemp("inside") / "data"
    with panel_with_engine(data_dir, docker_engine, HEADWAY_CONCURRENCY="4", HEADWAY_CANCEL_GRACE="1") as started:
        yield started


@pytest.fixture(scope="module")
def shop(running: Panel, docker_engine: Engine) -> Iterator[Stack]:
    made = stack(running, docker_engine, "timed")
    made.change(env="API_TOKEN=swordfish9")
    made.deploy(web={**SERVES, "environment": {"GREETING": "hello", "TOKEN": "${API_TOKEN}"}}, db=SLEEPS)
    yield made
    running.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)


@pytest.fixture(scope="module")
def boxed(running: Panel, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = git_repository(tmp_path_factory.mktemp("boxed") / "repo", boxed_web("one"))
    application_id = running.application(url, name="boxed", env="A=b")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    return application_id


def inside(shop: Stack, service: str = "web") -> dict[str, Json]:
    """Where a schedule runs."""
    return {"scheduleType": "compose", "composeId": shop.compose_id, "serviceName": service}


def test_inside_a_service_a_script_has_its_variables_and_leaves_no_file(shop: Stack) -> None:
    row, log = ran(shop.panel, 'echo "$GREETING $TOKEN"; ls -A /tmp; ls /proc/self/fd/ >/dev/null; pwd', **inside(shop))
    assert (row["status"], row["scheduleId"] is not None, row["composeId"]) == ("done", True, None), log
    assert "hello *" in log
    assert "swordfish9" not in log
    assert ".headway" not in log
    assert [step["name"] for step in row["steps"]] == ["enter", "script"]


@pytest.mark.parametrize(("shell", "script"), [("bash", "echo ${BASH_VERSION:+yes}"), ("python", "print('y' + 'es')")])
def test_a_script_is_read_by_the_shell_of_choice(shop: Stack, shell: str, script: str) -> None:
    row, log = ran(shop.panel, script, shellType=shell, **inside(shop))
    assert (row["status"], "yes" in log.splitlines()) == ("done", True), log


def test_an_exit_status_comes_out(shop: Stack) -> None:
    row, _ = ran(shop.panel, "echo why; exit 5", **inside(shop))
    assert row["errorMessage"] == "script ended with exit status 5: why"


def test_a_daemon_that_a_script_leaves_is_ended_with_it(shop: Stack) -> None:
    before = shop.containers()
    row, log = ran(shop.panel, "setsid sleep 7501 &\necho started", **inside(shop))
    assert (row["status"], living("7501")) == ("done", []), log
    assert shop.containers() == before


def test_a_kill_reaches_all_that_was_started_and_the_service_goes_on(shop: Stack) -> None:
    before = shop.containers()
    deployment_id = run(shop.panel, schedule(shop.panel, HIDING.format(7502), **inside(shop)))
    shop.panel.running(deployment_id, "up")
    until(lambda: len(living("7502")) >= 4, 10)
    shop.panel.post("deployment.killProcess", deploymentId=deployment_id)
    assert living("7502") == []
    row = shop.panel.one(deployment_id)
    assert (row["status"], row["reason"], row["pid"]) == ("error", "killed", None)
    assert shop.containers() == before
    assert shop.one()["composeStatus"] == "done"


def test_a_timeout_and_the_end_of_a_schedule_reach_it_too(shop: Stack) -> None:
    row, _ = ran(shop.panel, HIDING.format(7503), timeoutSeconds=2, **inside(shop))
    assert (row["reason"], living("7503")) == ("timed_out", [])
    schedule_id = schedule(shop.panel, HIDING.format(7504), **inside(shop))
    shop.panel.running(run(shop.panel, schedule_id), "up")
    shop.panel.post("schedule.delete", scheduleId=schedule_id)
    assert living("7504") == []


def test_a_service_that_does_not_run_or_is_not_there_is_said(shop: Stack) -> None:
    row, _ = ran(shop.panel, "true", **inside(shop, "nope"))
    assert row["errorMessage"] == "The compose service timed has no service nope; it has: db, web."
    (container,) = shop.containers()["db"]

    def said() -> bool:
        """Whether the run came before the keeper, which starts the container again."""
        shop.engine.docker("stop", "--time=0", container)
        row, _ = ran(shop.panel, "true", **inside(shop, "db"))
        return row["errorMessage"] is not None and "No container of the service db runs" in row["errorMessage"]

    until(said, 30, what="it is said that none runs")
    shop.engine.docker("start", container)


def test_a_container_that_ends_in_the_middle_ends_the_run(shop: Stack) -> None:
    deployment_id = run(shop.panel, schedule(shop.panel, "echo up; sleep 7505", **inside(shop, "db")))
    shop.panel.running(deployment_id, "up")
    (container,) = shop.containers()["db"]
    shop.engine.docker("restart", "--time=0", container)
    row = shop.panel.ended(deployment_id)
    assert (row["status"], living("7505")) == ("error", [])


def test_a_run_survives_the_panel(shop: Stack) -> None:
    deployment_id = run(
        shop.panel, schedule(shop.panel, "echo up\nsleep 4\nsetsid sleep 7506 &\necho on", **inside(shop))
    )
    shop.panel.running(deployment_id, "up")
    shop.panel.kill()
    shop.panel.start()
    row = shop.panel.done(deployment_id)
    assert "on\n" in shop.panel.deployment_log(row["deploymentId"])
    assert living("7506") == []


def test_a_killed_panels_successor_ends_what_a_run_has_started(shop: Stack) -> None:
    deployment_id = run(shop.panel, schedule(shop.panel, HIDING.format(7507), **inside(shop)))
    shop.panel.running(deployment_id, "up")
    shop.panel.kill()
    assert len(living("7507")) >= 4
    shop.panel.start()
    shop.panel.post("deployment.killProcess", deploymentId=deployment_id)
    assert living("7507") == []


def test_inside_the_container_of_an_application(running: Panel, boxed: str) -> None:
    where = {"scheduleType": "application", "applicationId": boxed}
    row, log = ran(running, "echo A is $A in $(hostname)", **where)
    assert (row["status"], "A is b in " in log) == ("done", True), (row["errorMessage"], log)
    assert os.uname().nodename not in log
    deployment_id = run(running, schedule(running, HIDING.format(7508), **where))
    running.running(deployment_id, "up")
    running.post("deployment.killProcess", deploymentId=deployment_id)
    assert living("7508") == []
    assert running.visit("boxed").text == "one"


def test_a_command_inside_the_container_of_an_application(running: Panel, boxed: str) -> None:
    del boxed

    def ran(*command: str) -> tuple[int, str, str]:
        return typed(running, "apps", "run", "boxed", "--", *command)

    status, out, err = ran("sh", "-c", 'echo "A is $A, $1"; ls /proc/self/fd >/dev/null; exit 6', "sh", "a  b; c")
    assert (status, out) == (6, "A is b, a  b; c\n"), err
    assert ran("cat") == (0, "", ""), "without any input"
    status, _, err = ran("echo a b")
    assert (status, "there is no program echo a b here" in err) == (127, True), err
    out = typed(running, "apps", "run", "--detach", "boxed", "--", "sh", "-c", HIDING.format(7511))[1]
    running.running(out.strip(), "up")
    running.post("deployment.killProcess", deploymentId=out.strip())
    assert living("7511") == []
    assert typed(running, "apps", "run", "boxed", "--", "sh", "-c", "setsid sleep 7512 & echo on")[:2] == (0, "on\n")
    assert (living("7512"), running.visit("boxed").text) == ([], "one")


def test_two_at_once_do_not_touch_each_other(shop: Stack) -> None:
    first = run(shop.panel, schedule(shop.panel, HIDING.format(7509), **inside(shop)))
    second = run(shop.panel, schedule(shop.panel, HIDING.format(7510), **inside(shop)))
    for each in (first, second):
        shop.panel.running(each, "up")
    shop.panel.post("deployment.killProcess", deploymentId=first)
    assert (living("7509"), len(living("7510")) >= 4) == ([], True)
    shop.panel.post("deployment.cancel", deploymentId=second)
    assert living("7510") == []


def test_at_its_times(shop: Stack) -> None:
    schedule_id = schedule(shop.panel, "echo tick", cronExpression=EACH_SECOND, overlap="queue", **inside(shop))
    until(lambda: len([row for row in rows(shop.panel, schedule_id) if row["status"] == "done"]) >= 2, 30)
    shop.panel.post("schedule.delete", scheduleId=schedule_id)


def test_a_console_is_in_a_container_of_the_service_that_is_named_and_leaves_nothing(shop: Stack) -> None:
    before = shop.containers()
    within = ("composes", "exec", "timed", "web", "--")
    line = 'cat; echo "$GREETING $TOKEN"; echo why >&2; (env -i setsid sleep 7551 &); exit 3'
    assert typed(shop.panel, *within, "sh", "-c", line, stdin="in\n") == (3, "in\nhello ******\n", "why\n")
    assert living("7551") == []
    as_terminal = ("composes", "exec", "-t", "timed", "db", "--", "sh", "-c", "tty; stty size; exit 5")
    assert typed(shop.panel, *as_terminal)[:2] == (5, "/dev/pts/0\r\n24 80\r\n")
    status, _, err = typed(shop.panel, "composes", "exec", "timed", "nobody", "--", "true")
    assert (status, "has no service nobody; it has: db, web" in err) == (1, True), err
    assert shop.containers() == before


def test_there_is_no_console_in_a_compose_service_that_is_stopped(running: Panel, docker_engine: Engine) -> None:
    made = stack(running, docker_engine, "halted")
    made.deploy(web=SLEEPS)
    running.post("compose.stop", composeId=made.compose_id)
    status, _, err = typed(running, "composes", "exec", "halted", "web", "--", "true")
    assert (status, "is stopped; start it first" in err) == (1, True), err
    running.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)
