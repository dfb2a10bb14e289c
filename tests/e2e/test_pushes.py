"""From a push to a new version that serves: a real git server on the loopback tells a real panel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.applications.kept import open_folder
from tests.support.forges.forge import Forge, forge
from tests.support.panel.panel import Panel, panel, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SECRET = "the secret"
Json = Any


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("pushes") / "data") as started:
        yield started


@pytest.fixture
def git_host(tmp_path: Path) -> Iterator[Forge]:
    with forge(tmp_path, web("one"), SECRET) as opened:
        yield opened


def told(running: Panel, git_host: Forge, name: str, **fields: Json) -> str:
    """An application that serves the first version and is told of pushes."""
    settings = {"customGitBranch": "main", "webhookSecret": SECRET, **fields}
    application_id = running.application(git_host.url, name, **settings)
    running.done(running.deploy(application_id))
    token = running.get("application.one", applicationId=application_id)["refreshToken"]
    git_host.tell(f"http://127.0.0.1:{running.port}/api/deploy/{token}")
    return application_id


def deliveries(running: Panel, application_id: str) -> list[Json]:
    """What the application was told, the newest first."""
    found: list[Json] = running.get("webhook.deliveries", applicationId=application_id)["items"]
    return found


def moment(text: str) -> float:
    """A time of the wire as seconds."""
    return datetime.fromisoformat(text).timestamp()


def test_a_push_serves_within_a_second_over_its_own_build(running: Panel, git_host: Forge) -> None:
    application_id = told(running, git_host, "pushed")
    pushed = git_host.push(web("two"), "The second version")
    until(lambda: running.visit("pushed").text == "two", 30, what="the new version serves")
    serves = time.time()

    (delivery,) = deliveries(running, application_id)
    row = running.done(delivery["services"][0]["deploymentId"])
    built = moment(row["finishedAt"]) - moment(row["startedAt"])
    over = serves - moment(delivery["createdAt"]) - built
    print(f"\nfrom the push to the new version {over:.2f} s over the build's own {built:.2f} s")
    assert (delivery["signature"], delivery["outcome"]) == ("valid", "queued")
    assert (row["title"], row["commit"]["hash"], row["trigger"]) == ("The second version", pushed, "webhook")
    assert row["triggeredBy"]["name"] == "pusher (GitHub)"
    assert over < 1


def test_a_push_of_files_that_nobody_watches_deploys_nothing(running: Panel, git_host: Forge) -> None:
    application_id = told(running, git_host, "watching", watchPaths=["app.py", "Procfile"])
    git_host.push({"README.md": "words"})
    (skipped,) = deliveries(running, application_id)
    assert (skipped["services"][0]["reason"], skipped["services"][0]["files"]) == ("watch_paths", ["README.md"])
    git_host.push(web("two"))
    queued, _ = deliveries(running, application_id)
    assert queued["outcome"] == "queued"
    running.done(queued["services"][0]["deploymentId"])
    assert running.visit("watching").text == "two"


def test_of_quick_pushes_the_newest_serves_and_the_rest_name_it(running: Panel, git_host: Forge) -> None:
    application_id = told(running, git_host, "quick")
    with open_folder() as folder:
        waits = f"until [ -e {folder}/all-is-pushed ]; do sleep 0.05; done"
        running.post("application.update", applicationId=application_id, buildCommand=waits)
        git_host.push(web("version 0"))
        first = deliveries(running, application_id)[0]["services"][0]["deploymentId"]
        until(lambda: running.one(first)["status"] == "running", what="the first is being built")
        for number in range(1, 6):
            git_host.push(web(f"version {number}"))
        (folder / "all-is-pushed").touch()
        ids = [each["services"][0]["deploymentId"] for each in reversed(deliveries(running, application_id))]
        rows = [running.ended(each, 60) for each in ids]
    until(lambda: running.visit("quick").text == "version 5", 10, what="the newest serves")
    assert [row["reason"] for row in rows] == [None, *["superseded"] * 4, None]
    assert {rows[0]["status"], rows[-1]["status"]} == {"done"}
    for row in rows[1:-1]:
        assert any(each in row["errorMessage"] for each in ids[ids.index(row["deploymentId"]) + 1 :])


def test_a_tag_is_deployed_as_it_was_tagged(running: Panel, git_host: Forge) -> None:
    application_id = told(running, git_host, "tagged", triggerType="tag")
    git_host.push(web("two"))
    git_host.push_tag("v2")
    git_host.push(web("three"))
    found = deliveries(running, application_id)
    assert [each["services"][0]["reason"] for each in found] == ["branch", "queued", "branch"]
    running.done(found[1]["services"][0]["deploymentId"])
    assert running.visit("tagged").text == "two"


def test_a_branch_named_like_an_option_harms_nobody(running: Panel, git_host: Forge) -> None:
    application_id = told(running, git_host, "odd")
    git_host.push({"x": "y"}, "x\x1b[2J <b>\n\nrest", branch="--upload-pack=touch")
    (skipped,) = deliveries(running, application_id)
    assert skipped["services"][0]["reason"] == "branch"
    assert "--upload-pack=touch was pushed" in skipped["services"][0]["message"]


def test_what_was_pushed_while_the_panel_was_down_is_caught_up_once(running: Panel, git_host: Forge) -> None:
    application_id = told(running, git_host, "away")
    git_host.push(web("two"))
    running.done(deliveries(running, application_id)[0]["services"][0]["deploymentId"])
    running.kill()
    git_host.push(web("three"))
    missed = git_host.push(web("four"), "Missed")
    running.start()
    until(lambda: len(deliveries(running, application_id)) == 2, 30, what="the panel has caught up")
    caught_up = deliveries(running, application_id)[0]
    row = running.done(caught_up["services"][0]["deploymentId"])
    assert (caught_up["event"], row["commit"]["hash"], row["title"]) == ("catch-up", missed, "Missed")
    assert running.visit("away").text == "four"
    running.kill()
    before = len(git_host.asked)
    running.start()

    def is_asked() -> bool:
        return any(path.endswith("/git-upload-pack") for path, _ in git_host.asked[before:])

    until(is_asked, 30, what="it asks once more")
    time.sleep(1)  # and there is nothing to do
    assert len(deliveries(running, application_id)) == 2


def test_a_compose_service_is_caught_up_too(running: Panel, git_host: Forge) -> None:
    environment_id = running.post("project.create", name="stack")["environment"]["environmentId"]
    made = running.post("compose.create", name="stack", environmentId=environment_id, sourceType="git")
    compose = {"composeId": made["composeId"]}
    source = {"customGitUrl": git_host.url, "customGitBranch": "main", "webhookSecret": SECRET}
    running.post("compose.update", **compose, **source, watchPaths=["compose.yml"])
    token = running.get("compose.one", **compose)["refreshToken"]
    git_host.tell(f"http://127.0.0.1:{running.port}/api/deploy/compose/{token}")

    def told() -> list[Json]:
        found: list[Json] = running.get("webhook.deliveries", **compose)["items"]
        return found

    git_host.push({"README.md": "words"})
    (skipped,) = told()
    assert skipped["services"][0]["reason"] == "watch_paths", "no deploy, and no engine, is needed for it"
    running.kill()
    git_host.push({"README.md": "more words"})
    running.start()
    until(lambda: len(told()) == 2, 30, what="the panel has caught up")
    (done,) = told()[0]["services"]
    assert (told()[0]["event"], done["outcome"]) == ("catch-up", "queued")
    assert "Watch paths were not compared" in done["message"]
