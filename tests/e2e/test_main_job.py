"""The main job on real input: from a git repository to an address that answers, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.panel.panel import Panel, commit, git_repository, panel, until, web

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data") as started:
        yield started


def test_a_repository_is_deployed_and_answers_at_its_address(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", web("one")), name="first")

    row = running.done(running.deploy(application_id))

    assert running.visit("first").text == "one"
    assert row["title"] == "first commit"
    assert row["description"].startswith("Commit: ")
    assert row["pid"] is None
    listed = running.get("deployment.all", applicationId=application_id)
    assert [each["deploymentId"] for each in listed] == [row["deploymentId"]]
    assert running.get("application.one", applicationId=application_id)["applicationStatus"] == "done"


def test_a_new_commit_replaces_the_release_and_the_old_one_ends(running: Panel, tmp_path: Path) -> None:
    repository = tmp_path / "repo"
    application_id = running.application(git_repository(repository, web("old")), name="second")
    running.done(running.deploy(application_id))

    commit(repository, web("new"), "second commit")
    row = running.done(running.deploy(application_id))

    assert row["title"] == "second commit"
    assert running.visit("second").text == "new"


def test_a_failing_build_ends_with_its_step_status_and_line_and_the_old_release_serves(
    running: Panel, tmp_path: Path
) -> None:
    repository = tmp_path / "repo"
    application_id = running.application(git_repository(repository, web("kept")), name="third")
    running.done(running.deploy(application_id))
    running.post("application.update", applicationId=application_id, buildCommand="echo broken on purpose; exit 7")

    row = running.ended(running.deploy(application_id))

    assert (row["status"], row["reason"]) == ("error", "failed")
    assert "exit status 7" in row["errorMessage"]
    assert "broken on purpose" in row["errorMessage"]
    assert running.visit("third").text == "kept"


def test_a_kill_ends_the_build_and_says_so(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", web("x")), name="fourth")
    running.post("application.update", applicationId=application_id, buildCommand="echo building; sleep 600")
    deployment_id = running.deploy(application_id)
    row = running.running(deployment_id, "building")
    assert row["status"] == "running"
    assert isinstance(row["pid"], str)

    assert running.post("deployment.killProcess", deploymentId=deployment_id) is None

    row = running.one(deployment_id)
    assert (row["status"], row["reason"], row["pid"]) == ("error", "killed", None)
    again = running.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
    assert (again.status_code, again.json()["message"]) == (400, "Deployment is not running")


@pytest.mark.slow
def test_stop_ends_its_processes_and_start_brings_them_back(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", web("up")), name="fifth")
    running.done(running.deploy(application_id))

    assert running.post("application.stop", applicationId=application_id)["applicationStatus"] == "idle"
    until(lambda: running.visit("fifth").status_code == 404, what="the route is gone")

    running.post("application.start", applicationId=application_id)
    until(lambda: running.visit("fifth").status_code == 200, what="it serves again")


@pytest.mark.slow
def test_reload_starts_the_same_release_anew(running: Panel, tmp_path: Path) -> None:
    files = web("one")
    files["app.py"] = files["app.py"].replace('b"one"', "str(os.getpid()).encode()")
    application_id = running.application(git_repository(tmp_path / "repository", files), "reloaded")
    running.done(running.deploy(application_id))
    before = running.visit("reloaded").text
    running.post("application.reload", applicationId=application_id, appName="reloaded")
    after = until(lambda: (found := running.visit("reloaded")).status_code == 200 and found.text)
    assert after != before
    until(lambda: running.get("application.one", applicationId=application_id)["applicationStatus"] == "done")
    running.post("application.stop", applicationId=application_id)
    running.post("application.reload", applicationId=application_id, appName="reloaded")
    assert until(lambda: (found := running.visit("reloaded")).status_code == 200 and found.text)


def test_removing_a_deployment_leaves_the_application_serving(running: Panel, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", web("stays")), name="sixth")
    deployment_id = running.deploy(application_id)
    row = running.done(deployment_id)

    removed = running.post("deployment.removeDeployment", deploymentId=deployment_id)

    assert removed["deploymentId"] == deployment_id
    assert not Path(row["logPath"]).exists()
    assert running.get("deployment.all", applicationId=application_id) == []
    assert running.visit("sixth").text == "stays"
    running.done(running.deploy(application_id, "application.redeploy"))
    assert running.visit("sixth").text == "stays"
