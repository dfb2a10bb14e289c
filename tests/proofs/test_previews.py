"""Must show 3: many pull requests, told of out of order and twice, while the panel is killed: what exists is what the
list says, and in the end nothing is left.
"""

from __future__ import annotations

import random
from pathlib import Path

import httpx

from tests.support.forges.forge import forge
from tests.support.forges.pull_requests import SECRET, PullRequest
from tests.support.panel.panel import Json, Panel, panel, until, web

SEED = 20_260_101
WORDS = 40
KILLS = (10, 20, 30)


def test_what_exists_is_what_the_list_says(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with panel(tmp_path / "data") as running, forge(tmp_path / "host", web("main"), SECRET) as git_host:
        settings = {"customGitBranch": "main", "webhookSecret": SECRET, "isPreviewDeploymentsActive": True}
        application_id = running.application(git_host.url, "storm", previewLimit=3, **settings)
        running.done(running.deploy(application_id))
        pulls = [PullRequest(running, git_host, application_id, number) for number in range(1, 6)]
        versions: dict[int, str] = {}
        for number in range(WORDS):
            if number in KILLS:
                running.kill()
                running.start()
            pull = chance.choice(pulls)
            if pull.head and chance.random() < 0.25:
                pull.tell("closed", state="closed")
                pull.head = ""
                continue
            is_new = not pull.head
            versions[pull.number] = f"{pull.number}.{number}"
            pull.push(web(versions[pull.number]))
            pull.tell("reopened" if is_new else "synchronize")
            if chance.random() < 0.3:  # an older word comes late, and changes nothing
                assert pull.tell("synchronize", at=0)["reason"] == "outdated"
            if number % 8 == 7:
                is_as_listed(running, application_id, versions)
        is_as_listed(running, application_id, versions)

        for pull in pulls:
            if pull.head:
                pull.tell("closed", state="closed")
        until(lambda: left_of(running, application_id) == [], 60, what="nothing is left of any preview")
        assert running.visit("storm").text == "main"
        print(f"\n{WORDS} words about {len(pulls)} pull requests, {len(KILLS)} panels killed: nothing is left")


def listed(running: Panel, application_id: str) -> list[Json]:
    found: list[Json] = running.get("previewDeployment.all", applicationId=application_id)
    return found


def is_as_listed(running: Panel, application_id: str, versions: dict[int, str]) -> None:
    """Once nothing is being deployed, each preview of the list serves its newest push, and no other is there."""

    def at_rest() -> bool:
        return all(each["previewStatus"] == "done" for each in listed(running, application_id))

    until(at_rest, 120, what="every preview is done")
    found = listed(running, application_id)
    assert len(found) <= 3
    for each in found:
        assert running.visit(each["appName"]).text == versions[int(each["pullRequestNumber"])]
    names = {each["previewDeploymentId"] for each in found} | {application_id}
    until(lambda: folders(running) == names, 60, what=f"the machine has {names}, and nothing else")


def folders(running: Panel) -> set[str]:
    """The applications and previews of which there are releases on the machine."""
    return {path.name for path in (running.work / "releases").iterdir()}


def left_of(running: Panel, application_id: str) -> list[str]:
    """What there is beside the application itself: folders, routes, and addresses that answer."""
    found = sorted(folders(running) - {application_id})
    for number in range(1, 6):
        answer: httpx.Response = running.visit(f"storm-pr-{number}")
        found += [] if answer.status_code == 404 else [f"storm-pr-{number}"]
    return found
