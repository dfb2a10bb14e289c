"""A day with what runs by itself, through the pages alone: a schedule, and a volume that is backed up and restored."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.panel.panel import Panel, git_repository, panel, until, web

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="volumes hold files of many accounts: needs root"),
]
PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("running") / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as started:
        yield started


@pytest.fixture(scope="module")
def client(running: Panel) -> Iterator[httpx.Client]:
    """A browser without scripts, in which the owner has signed in by the link that the panel has printed."""
    link = re.search(r"^To sign in, open within an hour, once: (\S+)$", running.log(), re.MULTILINE)
    assert link is not None
    origin = f"http://127.0.0.1:{running.port}"
    headers = {"accept": "text/html", "origin": origin, "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=origin, headers=headers, timeout=30) as opened:
        answer = opened.post(link[1], data={"name": "owner", "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        yield opened


def sent(client: httpx.Client, path: str, **typed: str) -> str:
    """Opens a form and sends it with what is typed; where it leads to."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    fields = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text)
    }
    done = client.post(path, data={**fields, **typed})
    assert done.status_code == 303, done.text
    return done.headers["location"]


def test_a_schedule_runs_by_hand_and_at_its_time(running: Panel, client: httpx.Client, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    typed = {
        "name": "tidy",
        "cronExpression": "* * * * * *",
        "script": f"echo $$ >> {proof}\nexit 3",
        "shellType": "sh",
    }
    path = sent(client, "/schedules/in/dokploy-server/here/create", **typed, overlap="skip", catchUp="none")
    deployment = sent(client, f"{path}/run").removeprefix("/deployments/")
    assert running.ended(deployment)["status"] == "error"
    assert proof.read_text().count("\n") == 1
    page = client.get(path).text
    assert f"/deployments/{deployment}" in page
    assert "failed" in page
    assert "switched off" in page
    sent(client, f"{path}/switch-on")
    until(lambda: proof.read_text().count("\n") > 1, 30)
    sent(client, f"{path}/switch-off")
    until(lambda: "data-live" not in client.get(f"{path}/-/runs").text, 30)
    assert "started" in client.get(path).text
    assert sent(client, f"{path}/remove", typed="tidy") == "/schedules"
    assert "tidy" not in client.get("/schedules").text.partition("<main")[2].replace("Removed, with", "")


def test_a_volume_is_backed_up_and_comes_back(running: Panel, client: httpx.Client, tmp_path: Path) -> None:
    url = git_repository(tmp_path / "repository", web("one"))
    application_id = running.application(url, "kept")
    running.done(running.deploy(application_id), 60)
    data = running.work / "data" / application_id
    data.mkdir(exist_ok=True)
    (data / "words").write_text("first")

    made = sent(client, f"/backups/of/application/{application_id}/create-volume", name="words", volumeName="data")
    assert "nothing is kept yet" in client.get(made).text
    run = sent(client, f"{made}/run-volume").removeprefix("/deployments/")
    running.done(run, 120)
    page = client.get(made).text
    file = re.search(rf'href="({made}/files/[A-Za-z0-9_-]+)"', page)
    assert file is not None, page
    assert "read back whole, never tried" in client.get("/backups").text
    assert f"/deployments/{run}" in client.get(file[1]).text
    folder = client.get(f"{made}/destination").text
    assert "kept" in folder.partition("<main")[2]

    (data / "words").write_text("second")
    restore = sent(client, f"{file[1]}/restore-volume", typed="data").removeprefix("/deployments/")
    row = running.ended(restore, 120)
    assert row["status"] == "done", running.deployment_log(restore)
    assert (data / "words").read_text() == "first"
    assert f"/deployments/{restore}" in client.get(made).text
    sent(client, f"{made}/remove-volume", typed="words")
    assert [path.name for path in (running.data_dir / "backups").rglob("*.zst")] != [], "its files stay"
