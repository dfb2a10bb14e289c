"""Runs by the command line, inside an application of a real panel: what one sees, how it ends, what is left of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headway.cli.statuses import Status
from tests.e2e.test_compose_cli import typed
from tests.e2e.test_schedules import living
from tests.support.applications.consoles import HIDING, first_line, sitting, way_to
from tests.support.panel.panel import KEY, Panel, git_repository, panel, until, web

Json = Any

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NONE = "headway: there is no program echo a b here; a line for a shell is given as sh -c '...'"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("runs")
    with panel(folder / "data", HEADWAY_CONCURRENCY="4", HEADWAY_CANCEL_GRACE="1") as started:
        yield started


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return git_repository(tmp_path_factory.mktemp("repo"), web("one") | {"data.txt": "of the release\n"})


@pytest.fixture(scope="module")
def application(running: Panel, url: str) -> str:
    application_id = running.application(url, name="shop", env="GREETING=hello\nSECRET_TOKEN=swordfish9")
    running.done(running.deploy(application_id))
    return application_id


def ran(panel_: Panel, *command: str, app: str = "shop") -> tuple[int, str, str]:
    """What a run ends with, and says."""
    return typed(panel_, "apps", "run", app, "--", *command)


def detached(panel_: Panel, *command: str, app: str = "shop") -> str:
    """The id of a run that goes on by itself, once it has said ``up``."""
    status, out, err = typed(panel_, "apps", "run", "--detach", app, "--", *command)
    assert status == 0, err
    deployment_id = out.strip()
    panel_.running(deployment_id, "up")
    return deployment_id


def runs(panel_: Panel) -> list[Json]:
    """The runs of the application, the newest first."""
    found: list[Json] = json.loads(typed(panel_, "apps", "runs", "shop", "--json")[1])
    return found


def test_what_a_command_writes_comes_out_and_so_does_its_exit_status(running: Panel, application: str) -> None:
    line = 'cat data.txt; echo "$1 $GREETING $SECRET_TOKEN"; echo Deployment done: not at all; echo why >&2; exit 3'
    status, out, err = ran(running, "sh", "-c", line, "sh", "a  b; exit 9")
    assert (status, out) == (
        3,
        "of the release\na  b; exit 9 hello ******\nDeployment done: not at all\nwhy\n",
    ), err
    assert err == "headway: command ended with exit status 3: why\n"
    (row, *_) = runs(running)
    assert (row["kind"], row["status"], row["applicationId"]) == ("application.run", "error", application)
    assert row["application"]["name"] == "shop"
    assert row["title"].startswith("sh -c 'cat data.txt; echo ")
    assert running.get("application.readRun", deploymentId=row["deploymentId"])["exitStatus"] == 3
    assert ran(running, "printf", "no line end")[:2] == (0, "no line end\n")
    assert ran(running, "true") == (0, "", "")
    assert ran(running, "sh", "-c", "kill -TERM $$")[0] == 128 + signal.SIGTERM
    assert ran(running, "echo a b")[::2] == (127, f"headway: command ended with exit status 127: {NONE}\n")


def test_it_is_no_deployment_of_the_application(running: Panel, application: str) -> None:
    before = running.get("application.one", applicationId=application)
    assert ran(running, "false")[0] == 1
    after = running.get("application.one", applicationId=application)
    assert (after["applicationStatus"], len(after["deployments"])) == ("done", len(before["deployments"]))
    assert {each["kind"] for each in running.get("deployment.all", applicationId=application)} == {"application.deploy"}
    assert "application.run" in {each["kind"] for each in running.get("deployment.allCentralized")}
    answer = running.client.get("/deployment.allByType", params={"id": application, "type": "run"})
    assert answer.status_code == 400
    assert running.visit("shop").text == "one"


@pytest.mark.root
def test_it_has_what_the_release_has_and_no_more(running: Panel, application: str) -> None:
    del application
    line = "id -u; id -G; echo $DATA_DIR; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status; touch made && ls made"
    status, out, err = ran(running, "sh", "-c", line)
    assert status == 0, out + err
    uid, groups, home, *bounds, made = out.splitlines()
    assert (uid != "0", uid, groups, made) == (True, str(Path(home).stat().st_uid), uid, "made")
    assert [each.split()[1] for each in bounds] == ["0000000000000000", "1"]
    assert ran(running, "ls", "made")[0] != 0, "each has a layer of its own"
    assert ran(running, "cat", f"{running.data_dir}/headway.db")[0] != 0
    assert ran(running, "sh", "-c", f"echo kept >{home}/kept.txt && env")[0] == 0
    assert ran(running, "cat", f"{home}/kept.txt")[1] == "kept\n"
    assert "HEADWAY_API_KEY" not in ran(running, "env")[1]


def test_a_kill_reaches_all_that_it_started(running: Panel, application: str) -> None:
    deployment_id = detached(running, "sh", "-c", HIDING.format(7601))
    until(lambda: len(living("7601")) >= 4, 10)
    assert typed(running, "deployments", "kill", deployment_id)[0] == 0
    assert living("7601") == []
    row = running.one(deployment_id)
    assert (row["status"], row["reason"], row["applicationId"]) == ("error", "killed", application)
    assert running.visit("shop").text == "one"


def test_control_c_cancels_it_and_what_it_wrote_came_before(running: Panel, application: str) -> None:
    del application
    argv = (*(sys.executable, "-m", "headway.cli.main", "apps", "run", "shop", "--"), "sh", "-c")
    at = {"HEADWAY_URL": f"http://127.0.0.1:{running.port}", "HEADWAY_API_KEY": KEY, "PATH": os.environ["PATH"]}
    with subprocess.Popen(
        [*argv, HIDING.format(7602)], env=at, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as typing:
        assert typing.stdout is not None
        assert typing.stdout.readline() == "up\n"
        until(lambda: len(living("7602")) >= 4, 10)
        typing.send_signal(signal.SIGINT)
        out, err = typing.communicate(timeout=30)
    assert (typing.returncode, out, living("7602")) == (Status.INTERRUPTED, "", []), err
    assert "--detach" in err
    assert runs(running)[0]["reason"] == "cancelled"


def test_it_goes_on_while_no_panel_runs(running: Panel, application: str) -> None:
    del application
    deployment_id = detached(running, "sh", "-c", "echo up; sleep 3; echo on; exit 4")
    with sitting(way_to(running.port, KEY), "shop", "sh", "-c", HIDING.format(7607)) as console:
        assert first_line(console) == b"up\n"
        until(lambda: len(living("7607")) >= 4, 10)
        running.kill()
        until(lambda: living("7607") == [], 10, what="a console ends with the panel")
    running.start()
    row = running.ended(deployment_id)
    assert (row["status"], row["errorMessage"]) == ("error", "command ended with exit status 4: on")
    assert running.get("application.readRun", deploymentId=deployment_id)["exitStatus"] == 4


def test_its_time_is_bounded_and_said(running: Panel, application: str) -> None:
    del application
    status, _, err = typed(running, "apps", "run", "--timeout", "1", "shop", "--", "sleep", "7603")
    assert (status, living("7603")) == (124, []), err
    assert "The command took longer than the 1 s that it has." in err


def test_what_is_given_as_an_argument_is_sealed(running: Panel, application: str) -> None:
    del application
    deployment_id = detached(running, "sh", "-c", "echo up; sleep 7604", "--password=tr0ub4dor", "--quiet")
    typed(running, "apps", "run", "--title", "a look", "-d", "shop", "--", "true", "--password=c0rrect-horse")
    written = b"".join(path.read_bytes() for path in running.data_dir.glob("headway.db*"))
    assert b"c0rrect-horse" not in written
    assert runs(running)[0]["title"] == "a look"
    running.post("deployment.killProcess", deploymentId=deployment_id)
    assert living("7604") == []


def test_a_stop_and_a_delete_end_it_and_nothing_of_it_is_left(running: Panel, url: str) -> None:
    application = running.application(url, name="gone")
    status, _, err = ran(running, "true", app="gone")
    assert (status, err) == (1, "headway: The application gone was never deployed; deploy it first.\n")
    running.done(running.deploy(application))
    detached(running, "sh", "-c", HIDING.format(7605), app="gone")
    running.post("application.stop", applicationId=application)
    assert living("7605") == []
    status, _, err = ran(running, "true", app="gone")
    assert (status, err) == (1, "headway: The application gone is stopped; start it first.\n")
    running.post("application.start", applicationId=application)
    deployment_id = detached(running, "sh", "-c", HIDING.format(7606), app="gone")
    log = Path(running.one(deployment_id)["logPath"])
    assert log.exists()
    running.post("application.delete", applicationId=application)
    assert (living("7606"), log.exists()) == ([], False)
    assert running.client.get("/deployment.one", params={"deploymentId": deployment_id}).status_code == 404
