"""The life of a pull request: a real git server on the loopback, a real panel, and what is there at each point."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_reasons import check_row
from tests.integration.sources.servers import serve_http
from tests.support.applications.answering import (
    BROKEN_AT_FIRST_REQUEST,
    BROKEN_AT_IMPORT,
    DIES_AFTER_TEN,
    SERVES_SLOWLY,
    TALKS_OF_ITSELF,
)
from tests.support.applications.led import Led, require_given_back
from tests.support.applications.mortal import WHY, mortal
from tests.support.applications.visitors import CALM_SECONDS, Visitors
from tests.support.forges.forge import Forge, forge
from tests.support.forges.forge_apis import TOKEN, forge_api
from tests.support.forges.pull_requests import SECRET, PullRequest
from tests.support.panel.command_line import run_headway
from tests.support.panel.panel import KEY, Panel, git, git_repository, panel, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Json = Any


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("previews") / "data") as started:
        yield started


@pytest.fixture
def git_host(tmp_path: Path) -> Iterator[Forge]:
    with forge(tmp_path, web("one"), SECRET) as opened:
        yield opened


def previewed(running: Panel, git_host: Forge, name: str, **fields: Json) -> str:
    """An application that serves and has previews."""
    settings = {"customGitBranch": "main", "webhookSecret": SECRET, "isPreviewDeploymentsActive": True, **fields}
    application_id = running.application(git_host.url, name, **settings)
    running.done(running.deploy(application_id))
    return application_id


def headway(running: Panel, *arguments: str, refused: bool = False) -> str:
    """What the command line says, or its error where it is to refuse."""
    env = {"HEADWAY_URL": f"http://127.0.0.1:{running.port}", "HEADWAY_API_KEY": KEY, "PATH": "/usr/bin:/bin"}
    ended = run_headway(arguments, env)
    assert ended.returncode == (2 if refused else 0), ended.stderr
    return ended.stderr if refused else ended.stdout


def previews(running: Panel, application_id: str) -> list[Json]:
    found: list[Json] = running.get("previewDeployment.all", applicationId=application_id)
    return found


def nothing_left(running: Panel, preview_id: str, app_name: str) -> bool:
    """Whether the machine holds nothing of a preview any more."""
    try:
        folders = [path for path in running.work.rglob(f"*{preview_id}*") if path.exists()]
    except FileNotFoundError:  # one went while it was looked into
        return False
    routes = list((running.data_dir / "edge").rglob(f"*{preview_id}*"))
    return not folders and not routes and running.visit(app_name).status_code == 404


def test_a_pull_request_is_opened_pushed_to_and_merged_and_nothing_is_left(running: Panel, git_host: Forge) -> None:
    application_id = previewed(running, git_host, "life", previewEnv="GREETING=hello-preview", env="SECRET=of-the-app")
    pull = PullRequest(running, git_host, application_id, 7)
    pull.push(web("preview one"), "First")
    opened = pull.tell("opened")
    assert (opened["outcome"], opened["reason"]) == ("queued", "queued")
    row = running.done(opened["deploymentId"])
    (preview,) = previews(running, application_id)
    assert (preview["pullRequestNumber"], preview["previewStatus"], preview["appName"]) == ("7", "done", "life-pr-7")
    assert running.visit("life-pr-7").text == "preview one"
    assert running.visit("life").text == "one"
    assert (row["isPreviewDeployment"], row["previewDeploymentId"]) == (True, preview["previewDeploymentId"])
    listed = running.get("deployment.allByType", type="previewDeployment", id=preview["previewDeploymentId"])
    assert [each["deploymentId"] for each in listed] == [opened["deploymentId"]]
    own = [each["deploymentId"] for each in running.get("deployment.all", applicationId=application_id)]
    assert opened["deploymentId"] not in own

    asked = []
    for number in range(5):
        pull.push(web(f"preview {number}"), f"Push {number}")
        asked.append(pull.tell("synchronize")["deploymentId"])
    ends = [running.ended(each, 60) for each in asked]
    assert ends[-1]["status"] == "done"
    assert all(each["status"] == "done" or each["reason"] == "superseded" for each in ends)
    assert running.visit("life-pr-7").text == "preview 4"

    running.post("application.update", applicationId=application_id, previewSleepHours=0.0001)
    running.post("previewDeployment.redeploy", previewDeploymentId=preview["previewDeploymentId"])
    until(lambda: previews(running, application_id)[0]["asleepSince"], 60, what="it is asleep")
    until(lambda: running.visit("life-pr-7").status_code == 404, 20, what="nothing of it runs")
    running.post("application.update", applicationId=application_id, previewSleepHours=None)
    running.post("previewDeployment.redeploy", previewDeploymentId=preview["previewDeploymentId"])
    until(lambda: running.visit("life-pr-7").text == "preview 4", 30, what="it is awake")

    merged = pull.tell("closed", state="closed")
    assert (merged["outcome"], merged["reason"]) == ("removed", "preview_removed")
    assert previews(running, application_id) == []
    until(lambda: nothing_left(running, preview["previewDeploymentId"], "life-pr-7"), 15, what="nothing is left")
    late = pull.tell("synchronize", at=1)
    assert (late["outcome"], late["reason"]) == ("skipped", "outdated")
    assert running.visit("life").text == "one"


def test_a_preview_that_dies_under_requests_gives_them_back(running: Panel, git_host: Forge) -> None:
    application_id = previewed(running, git_host, "dying", drainSeconds=6)
    pull = PullRequest(running, git_host, application_id, 5)
    pull.push({**web(""), "app.py": SERVES_SLOWLY}, "Serve")
    running.done(pull.tell("opened")["deploymentId"])
    pull.push({**web(""), "app.py": DIES_AFTER_TEN}, "Die amid the eleventh answer")
    with (
        Led(running, "dying-pr-5.localhost") as led,
        Visitors(running.edge_port, ["dying-pr-5"], kept=49, pause_seconds=CALM_SECONDS) as visitors,
    ):
        until(lambda: visitors.count > 100, what="visitors are there")
        deployment_id = pull.tell("synchronize")["deploymentId"]
        running.comes_to(deployment_id, "start")
        visitors.hurry()
        running.ended(deployment_id)
        until(lambda: running.one(deployment_id)["errorMessage"], what="it is told")
        before = visitors.count
        until(lambda: visitors.count > before + 500, what="more of them came")
    require_given_back("dying-pr-5", visitors, led, post=False)
    assert "ended by itself" in running.one(deployment_id)["errorMessage"]
    assert running.visit("dying-pr-5").text == "old"


@pytest.mark.parametrize(
    ("number", "program"), [(6, BROKEN_AT_IMPORT), (7, BROKEN_AT_FIRST_REQUEST)], ids=["import", "first"]
)
def test_a_push_to_a_preview_that_never_answers_gets_no_request(
    running: Panel, git_host: Forge, number: int, program: str
) -> None:
    application_id = previewed(running, git_host, f"breaking-{number}", healthDeadlineSeconds=20)
    pull, name = PullRequest(running, git_host, application_id, number), f"breaking-{number}-pr-{number}"
    pull.push({**web(""), "app.py": SERVES_SLOWLY}, "Serve")
    running.done(pull.tell("opened")["deploymentId"])
    pull.push({**web(""), "app.py": program}, "Break")
    with Visitors(running.edge_port, [name], kept=49, pause_seconds=CALM_SECONDS) as visitors:
        until(lambda: visitors.count > 100, what="visitors are there")
        deployment_id = pull.tell("synchronize")["deploymentId"]
        running.comes_to(deployment_id, "start")
        visitors.hurry(0.005)
        row = running.ended(deployment_id, 60)
        before = visitors.count
        until(lambda: visitors.count > before + 100, what="more of them came")
    print(f"{name}: {visitors.count} requests, {len(visitors.failures)} failed; {row['errorMessage']}")
    assert row["status"] == "error", (row, running.deployment_log(deployment_id))
    assert row["steps"][-1]["name"] == "health check", "the route was never its own"
    assert (visitors.failures, set(visitors.answers)) == ([], {(name, "old")})


def test_a_preview_that_dies_after_its_health_check_says_why(running: Panel, git_host: Forge) -> None:
    """What it wrote is in the log of its last try, which the application's own output knows nothing of."""
    application_id = previewed(running, git_host, "mortal")
    pull = PullRequest(running, git_host, application_id, 4)
    pull.push(mortal(), "Become mortal")
    row = running.ended(pull.tell("opened")["deploymentId"])
    assert row["steps"][-1]["name"] != "health check", "it was healthy"
    check_row(running, row, "web | ")
    (preview,) = previews(running, application_id)
    (tried,) = preview["deployments"]
    assert (tried["deploymentId"], tried["errorMessage"]) == (row["deploymentId"], row["errorMessage"])
    said = headway(running, "deployments", "logs", tried["deploymentId"])
    assert "web | bye\n" in said
    assert WHY in said.splitlines()[-1]
    assert running.get("application.readLogs", applicationId=application_id) == ""
    assert running.visit("mortal").text == "one"


def test_what_a_preview_answered_before_it_has_to_answer_again(running: Panel, git_host: Forge) -> None:
    application_id = previewed(running, git_host, "mailing")
    pull = PullRequest(running, git_host, application_id, 8)
    pull.push(web("preview"), "Serve")
    running.done(pull.tell("opened")["deploymentId"])
    running.post("application.update", applicationId=application_id, healthDeadlineSeconds=8)
    pull.push({**web(""), "app.py": TALKS_OF_ITSELF}, "Become a mail server")
    row = running.ended(pull.tell("synchronize")["deploymentId"])
    assert row["status"] == "error"
    assert "It has to answer HTTP there, as the release before does" in row["errorMessage"]
    assert running.visit("mailing-pr-8").text == "preview"


def test_one_that_is_closed_while_it_builds_is_gone_and_comes_back_when_it_is_opened_again(
    running: Panel, git_host: Forge
) -> None:
    application_id = previewed(running, git_host, "closing", buildCommand="echo begun; sleep ${WAIT:-0}")
    running.post("application.update", applicationId=application_id, previewEnv="WAIT=60")
    pull = PullRequest(running, git_host, application_id, 3)
    pull.push(web("preview"))
    opened = pull.tell("opened")
    running.running(opened["deploymentId"], "begun")
    (preview,) = previews(running, application_id)
    pull.tell("closed", state="closed")
    assert previews(running, application_id) == []
    until(lambda: nothing_left(running, preview["previewDeploymentId"], "closing-pr-3"), 25, what="nothing is left")
    mine = {"deploymentId": opened["deploymentId"]}  # its row goes once nothing is left on the machine
    until(lambda: running.client.get("/deployment.one", params=mine).status_code == 404, 10, what="its row is gone")

    running.post("application.update", applicationId=application_id, previewEnv="WAIT=0")
    again = pull.tell("reopened")
    running.done(again["deploymentId"])
    (reopened,) = previews(running, application_id)
    assert reopened["previewDeploymentId"] != preview["previewDeploymentId"]
    assert running.visit(reopened["appName"]).text == "preview"
    running.post("previewDeployment.delete", previewDeploymentId=reopened["previewDeploymentId"])
    until(lambda: nothing_left(running, reopened["previewDeploymentId"], reopened["appName"]), 15, what="gone")


def test_nothing_of_a_fork_runs_before_somebody_approves_its_commit(running: Panel, git_host: Forge) -> None:
    touched = Path(f"/tmp/of-the-fork-{uuid.uuid4().hex}")
    env = "TOKEN=secret-of-previews\nLOG_LEVEL=debug\nTAKEN=${{project.SHARED}}"
    application_id = previewed(running, git_host, "forked", env="SECRET=secret-of-the-app", previewEnv=env)
    tells = web("x", **{"app.py": web("x")["app.py"].replace('b"x"', "repr(sorted(os.environ.items())).encode()")})
    tells["Procfile"] += f"release: touch {touched}\n"
    pull = PullRequest(running, git_host, application_id, 9, fork=True)
    pull.push(tells)
    opened = pull.tell("opened")
    assert (opened["outcome"], opened["reason"], opened["deploymentId"]) == ("skipped", "fork", None)
    (preview,) = previews(running, application_id)
    assert (preview["awaitsApproval"], preview["previewStatus"], preview["deployments"]) == (True, "idle", [])
    preview_id = preview["previewDeploymentId"]
    refused = running.client.post("/previewDeployment.redeploy", json={"previewDeploymentId": preview_id})
    assert (refused.status_code, "nobody has approved" in refused.text) == (400, True)
    assert not touched.exists()

    looked_at = {"previewDeploymentId": preview_id, "commit": preview["head"]}
    pull.push({**tells, "unseen": "1"})
    pull.tell("synchronize")
    refused = running.client.post("/previewDeployment.approve", json=looked_at)
    assert (refused.status_code, pull.head in refused.json()["message"]) == (409, True)
    assert previews(running, application_id)[0]["deployments"] == []
    asked = headway(running, "previews", "approve", preview_id, refused=True)
    print(asked)
    assert asked.strip().endswith(f"headway previews approve {preview_id} {pull.head}")
    headway(running, "previews", "approve", preview_id, pull.head)
    ((queued,),) = (each["deployments"] for each in previews(running, application_id))
    row = running.done(queued["deploymentId"])
    assert row["commit"]["hash"] == pull.head
    assert touched.exists()
    touched.unlink()
    told = running.visit("forked-pr-9").text
    assert "LOG_LEVEL" in told
    assert all(each not in told for each in ("secret-of-the-app", "secret-of-previews", "TAKEN"))

    approved = pull.head
    pull.push({**tells, "more": "1"})
    pushed = pull.tell("synchronize")
    assert (pushed["reason"], pushed["deploymentId"]) == ("fork", None)
    (now,) = previews(running, application_id)
    assert (now["awaitsApproval"], now["approvedHead"]) == (True, approved)
    assert not touched.exists()
    running.post("application.delete", applicationId=application_id)
    assert nothing_left(running, preview_id, "forked-pr-9")


def test_the_forge_is_told_by_one_status_and_one_comment_also_after_it_was_away(running: Panel, tmp_path: Path) -> None:
    git_repository(tmp_path / "clone", web("one"))
    bare = tmp_path / "served/team/app.git"
    bare.parent.mkdir(parents=True)
    git(tmp_path, "clone", "--quiet", "--bare", str(tmp_path / "clone"), str(bare))
    git(bare, "config", "http.receivepack", "true")
    with forge_api("github") as api, serve_http(tmp_path / "served") as host:
        git(tmp_path / "clone", "remote", "add", "origin", f"{host.url}/team/app.git")
        url, clone, addresses = f"{host.url}/team/app.git", tmp_path / "clone", tmp_path / "addresses"
        git_host = Forge(url=url, clone=clone, addresses=addresses, asked=host.asked)
        made = running.post("github.create", name="ours", githubUrl=host.url, apiUrl=api.url, accessToken=TOKEN)
        application_id = previewed(running, git_host, "told", customGitBranch=None)
        place = {"owner": "team", "repository": "app", "branch": "main", "githubId": made["githubId"]}
        running.post("application.saveGithubProvider", applicationId=application_id, **place)
        pull = PullRequest(running, git_host, application_id, 5)
        pull.push(web("two"))
        running.done(pull.tell("opened")["deploymentId"])
        facts = api.facts

        def of_previews() -> list[dict[str, str]]:
            return [each for each in facts.statuses if not each["context"].endswith("/deploy")]

        until(lambda: [each["state"] for each in of_previews()][-1:] == ["success"], 10, what="the status is told")
        assert {each["commit"] for each in of_previews()} == {pull.head}
        assert of_previews()[-1]["target_url"].startswith("http://told-pr-5.")
        until(lambda: "ready" in "".join(facts.comments.values()), 10, what="the comment says so")
        assert len(facts.comments) == 1

        facts.failing = (500, {}, b"{}")
        pull.push({**web("three"), "Procfile": "web: exit 1\n"})
        running.ended(pull.tell("synchronize")["deploymentId"])
        until(lambda: "error of its own" in (previews(running, application_id)[0]["reportError"] or ""), 10)
        facts.failing = None
        pull.tell("closed", state="closed")
        until(lambda: "removed" in "".join(facts.comments.values()), 10, what="the comment says that it is gone")
        assert len(facts.comments) == 1
        assert running.visit("told").text == "one"


def test_labels_limit_and_other_branches_decide_and_the_oldest_makes_room(running: Panel, git_host: Forge) -> None:
    application_id = previewed(running, git_host, "many", previewLimit=2, previewLabels=["preview"])
    pulls = [PullRequest(running, git_host, application_id, number) for number in (1, 2, 3)]
    pulls[0].push(web("1"))
    assert pulls[0].tell("opened")["reason"] == "labels"
    for pull in pulls:
        pull.labels = ["preview"]
        pull.push(web(f"{pull.number}"))
        running.done(pull.tell("labeled")["deploymentId"])
    assert [each["pullRequestNumber"] for each in previews(running, application_id)] == ["3", "2"]
    pulls[1].push(web("2 again"))
    running.done(pulls[1].tell("synchronize")["deploymentId"])
    assert [each["pullRequestNumber"] for each in previews(running, application_id)] == ["3", "2"]
    assert running.visit("many-pr-2").text == "2 again"
    pulls[2].labels = []
    assert pulls[2].tell("unlabeled")["reason"] == "preview_removed"
    assert [each["pullRequestNumber"] for each in previews(running, application_id)] == ["2"]
    told = headway(running, "previews", "list", "many")
    assert "Change 2" in told
    assert "many-pr-2" in told
    running.kill()
    running.start()
    until(lambda: running.visit("many-pr-2").text == "2 again", 15, what="it serves after the panel has died")
    running.post("application.delete", applicationId=application_id)
    assert running.visit("many-pr-2").status_code == 404
