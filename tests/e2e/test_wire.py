"""The wire on a real panel: what is under way is followed, cancelled and killed through every procedure that can."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.cli.sse import Event, EventReader
from tests.contract.wire.recordings import cases, compare
from tests.support.panel.panel import KEY, Panel, git_repository, panel, until, web

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("wire") / "data") as started:
        yield started


def slow(running: Panel, folder: Path, name: str) -> tuple[str, str]:
    """An application whose build is under way, and that deployment."""
    url = git_repository(folder / name, web("one"))
    application_id = running.application(url, name, buildCommand="echo begun; sleep 300")
    deployment_id = running.deploy(application_id)
    running.running(deployment_id, "begun")
    return application_id, deployment_id


def follow(running: Panel, deployment_id: str) -> Iterator[Event]:
    reader = EventReader()
    with running.client.stream("GET", "/deployment.follow", params={"deploymentId": deployment_id}) as answer:
        for piece in answer.iter_bytes():
            yield from reader.feed(piece)


def test_a_deployment_is_followed_from_request_to_end(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repository", web("one")), "followed")
    deployment_id = running.deploy(application_id)
    found = list(follow(running, deployment_id))
    text = "".join(json.loads(event.data) for event in found if event.kind == "log")
    assert text == running.deployment_log(deployment_id)
    statuses = [json.loads(event.data)["status"] for event in found if event.kind == "status"]
    assert statuses[-1] == "done"
    steps = [json.loads(event.data) for event in found if event.kind == "step"]
    assert {step["name"] for step in steps} == {step["name"] for step in running.one(deployment_id)["steps"]}
    assert found[-1].kind == "end"


def test_cancel_deployment_ends_what_runs_and_what_waits(running: Panel, tmp_path: Path) -> None:
    application_id, active = slow(running, tmp_path, "cancelled")
    waiting = running.deploy(application_id)
    assert running.post("application.cancelDeployment", applicationId=application_id)["success"] is True
    for deployment_id in (active, waiting):
        row = running.one(deployment_id)
        assert (row["status"], row["reason"]) == ("error", "cancelled")


def test_kill_build_kills_this_build_and_no_other(running: Panel, tmp_path: Path) -> None:
    application_id, mine = slow(running, tmp_path, "mine")
    _, others = slow(running, tmp_path, "others")
    assert running.post("application.killBuild", applicationId=application_id) is None
    assert (running.one(mine)["status"], running.one(mine)["reason"]) == ("error", "killed")
    assert running.one(others)["status"] == "running"
    running.post("deployment.killProcess", deploymentId=others)


def test_a_second_kill_is_told_that_nothing_runs(running: Panel, tmp_path: Path) -> None:
    _, deployment_id = slow(running, tmp_path, "twice")
    first = running.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
    second = running.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
    assert (first.status_code, first.content) == (200, b"")
    assert (second.status_code, second.json()["message"]) == (400, "Deployment is not running")


def test_a_running_row_has_the_pid_of_a_living_process_as_a_string(running: Panel, tmp_path: Path) -> None:
    _, deployment_id = slow(running, tmp_path, "pid")
    pid = running.one(deployment_id)["pid"]
    assert isinstance(pid, str)
    assert Path(f"/proc/{pid}").exists()
    running.post("deployment.killProcess", deploymentId=deployment_id)


@pytest.mark.slow
def test_followers_are_sent_away_when_the_panel_stops_and_go_on_after_it(tmp_path: Path) -> None:
    with panel(tmp_path / "data") as own:
        _, deployment_id = slow(own, tmp_path, "survivor")
        following = follow(own, deployment_id)
        before = [next(following) for _ in range(3)]
        began = time.monotonic()
        own.stop()
        assert time.monotonic() - began < 30
        before += list(following)
        assert "end" not in {event.kind for event in before}
        own.start()
        until(lambda: own.one(deployment_id)["status"] == "running")
        own.post("deployment.killProcess", deploymentId=deployment_id)
        after = list(follow(own, deployment_id))
    assert after[-1].kind == "end"
    assert json.loads([event for event in after if event.kind == "status"][-1].data)["reason"] == "killed"


def test_a_running_build_is_killed_in_the_words_that_clients_know(running: Panel, tmp_path: Path) -> None:
    application_id, deployment_id = slow(running, tmp_path, "recorded")
    for case in cases("running/killing"):
        if case.get("before") == "builds":
            deployment_id = running.deploy(application_id)
            running.running(deployment_id, "begun")

        def filled(text: str, deployment_id: str = deployment_id) -> str:
            return text.replace("{application}", application_id).replace("{deployment}", deployment_id)

        url = f"http://127.0.0.1:{running.port}{filled(case['path'])}"
        body = json.loads(filled(case["body"])) if "body" in case else None
        compare(case, running.client.request(case["method"], url, json=body))


def test_a_run_of_a_host_schedule_is_killed_in_the_words_that_clients_know(running: Panel) -> None:
    given = {"name": "s", "cronExpression": "0 0 1 1 *", "scheduleType": "dokploy-server"}
    schedule_id = running.post("schedule.create", script="echo start; sleep 300 & sleep 301", **given)["scheduleId"]
    deployment_id = running.post("schedule.runManually", scheduleId=schedule_id)["deploymentId"]
    running.running(deployment_id, "start")
    for case in cases("running/schedule"):

        def filled(text: str) -> str:
            return text.replace("{schedule}", schedule_id).replace("{deployment}", deployment_id)

        url = f"http://127.0.0.1:{running.port}{filled(case['path'])}"
        body = json.loads(filled(case["body"])) if "body" in case else None
        compare(case, running.client.request(case["method"], url, json=body))


def test_the_key_travels_as_a_bearer_token_too(running: Panel) -> None:
    headers = {"authorization": f"Bearer {KEY}", "x-api-key": ""}
    assert running.client.get("/user.get", headers=headers).status_code == 200
