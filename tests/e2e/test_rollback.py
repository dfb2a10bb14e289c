"""Going back on a real panel: what served before serves again with what it ran with, whatever became of its source."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.panel.command_line import run_headway
from tests.support.panel.panel import KEY, Json, Panel, commit, git_repository, panel, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

WEB = """\
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"VERSION {os.environ.get('COLOUR')}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


BUILD = "echo begun; sleep 300"


def files(version: str) -> dict[str, str]:
    return {"app.py": WEB.replace("VERSION", version), "Procfile": "web: python3 app.py\n"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_CONCURRENCY="2") as started:
        yield started


@pytest.fixture
def site(running: Panel, tmp_path: Path, request: pytest.FixtureRequest) -> Site:
    return Site(running, tmp_path, request.node.name[-30:].strip("-_[]").replace("_", "-"))


class Site:
    """An application whose first version ran with the colour red, and whose second serves with blue."""

    def __init__(self, running: Panel, folder: Path, name: str) -> None:
        self.panel = running
        self.repository = folder / "repository"
        self.name = name
        url = git_repository(self.repository, files("one"))
        self.application_id = running.application(url, name, env="COLOUR=red")
        self.first = running.done(running.deploy(self.application_id))["deploymentId"]
        running.post("application.update", applicationId=self.application_id, env="COLOUR=blue")
        self.second = self.deploy("two")

    def deploy(self, version: str) -> str:
        commit(self.repository, files(version), f"version {version}")
        deployment_id: str = self.panel.done(self.panel.deploy(self.application_id))["deploymentId"]
        return deployment_id

    def back(self, release_id: str, **body: Json) -> str:
        answer = self.panel.client.post("/rollback.rollback", json={"rollbackId": release_id, **body})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    def says(self) -> str:
        return self.panel.visit(self.name).text

    def at(self, host: str) -> str | None:
        """What answers at a host name, None where nothing does."""
        url = f"http://127.0.0.1:{self.panel.edge_port}/"
        answer = httpx.get(url, headers={"host": host}, timeout=10, trust_env=False)
        return answer.text if answer.status_code == 200 else None

    def releases(self) -> list[Json]:
        found: list[Json] = self.panel.get("release.all", applicationId=self.application_id)
        return found

    def domains(self) -> list[Json]:
        found: list[Json] = self.panel.get("domain.byApplicationId", applicationId=self.application_id)
        return found

    def row(self, deployment_id: str) -> Json:
        return self.panel.one(deployment_id)


def test_what_served_before_serves_again_without_its_source(site: Site) -> None:
    assert site.says() == "two blue"
    shutil.rmtree(site.repository)

    row = site.panel.done(site.back(site.first))

    assert site.says() == "one red"
    assert (row["kind"], row["trigger"], row["title"]) == ("application.rollback", "rollback", "Rollback to version 1")
    steps = ["release", "port", "start", "health check", "domains", "route"]
    assert [step["name"] for step in row["steps"]] == steps
    assert row["commit"]["message"] == "first commit"
    assert "Going back to version 1" in site.panel.deployment_log(row["deploymentId"])


def test_what_a_visitor_is_answered_after_it_is_on_its_row(site: Site) -> None:
    missing = {"app.py": files("three")["app.py"].replace("send_response(200)", "send_response(404)")}
    commit(site.repository, missing, "answer 404")
    third = site.panel.done(site.panel.deploy(site.application_id))["deploymentId"]
    assert site.row(site.deploy("four"))["answers"]["status"] == 200

    row = site.panel.done(site.back(third))

    assert (row["answers"]["path"], row["answers"]["status"], row["answers"]["ms"] < 5000) == ("/", 404, True)
    listed = site.panel.get("deployment.all", applicationId=site.application_id)
    assert listed[0]["answers"] == row["answers"]


def test_the_domains_of_then_lead_to_it_and_what_came_since_is_switched_off(site: Site) -> None:
    running, application_id = site.panel, site.application_id
    old, new = f"old.{site.name}.example", f"new.{site.name}.example"
    domain_id = running.post("domain.create", applicationId=application_id, host=old)["domainId"]
    third = site.deploy("three")  # the second one gives way while ``old`` leads to it
    running.post("domain.delete", domainId=domain_id)
    running.post("domain.create", applicationId=application_id, host=new)
    preview = running.get("rollback.preview", rollbackId=site.second)
    told = {each["name"]: (each["before"], each["after"]) for each in preview["changes"] if each["what"] == "domain"}
    assert told == {old: (None, "http"), new: ("http", "off")}

    row = running.done(site.back(site.second))

    assert (site.at(old), site.at(new)) == ("two blue", None)
    enabled = {each["host"]: each["enabled"] for each in site.domains()}
    assert (enabled[old], enabled[new]) == (True, False)
    assert f"{new} is switched off" in running.deployment_log(row["deploymentId"])
    assert site.row(third)["rollback"]["rolledBackBy"] == row["deploymentId"]

    running.done(site.back(third))
    assert (site.at(old), site.at(new)) == (None, "three blue")


def test_a_domain_that_is_somebody_elses_by_now_stays_theirs(site: Site, tmp_path: Path) -> None:
    running, host = site.panel, f"wanted.{site.name}.example"
    domain_id = running.post("domain.create", applicationId=site.application_id, host=host)["domainId"]
    site.deploy("three")
    running.post("domain.delete", domainId=domain_id)
    other = running.application(git_repository(tmp_path / "other", files("other")), f"{site.name}-other")
    running.done(running.deploy(other))
    running.post("domain.create", applicationId=other, host=host)

    row = running.done(site.back(site.second))

    assert (site.says(), site.at(host)) == ("two blue", "other None")
    assert f"{host} is somebody else's by now" in running.deployment_log(row["deploymentId"])


def test_only_what_was_built_comes_back_when_the_configuration_is_to_stay(site: Site) -> None:
    site.panel.post("application.update", applicationId=site.application_id, env="COLOUR=green")
    site.panel.done(site.back(site.first, keepConfiguration=True))
    assert site.says() == "one green"


def test_what_serves_begins_anew_with_the_variables_of_now(site: Site) -> None:
    running = site.panel
    refused = running.client.post("/rollback.rollback", json={"rollbackId": site.second})
    assert (refused.status_code, "It serves now" in refused.text) == (400, True)
    running.post("application.update", applicationId=site.application_id, env="COLOUR=green")

    row = running.done(site.back(site.second, keepConfiguration=True))

    assert site.says() == "two green"
    assert row["title"] == "Restart with the settings of now"
    assert "Restarted with the settings of now: version 2 serves again" in running.deployment_log(row["deploymentId"])
    assert site.row(site.second)["rollback"]["rolledBackBy"] is None
    running.done(site.back(site.second))  # with what it ran with then
    assert site.says() == "two blue"


def test_the_settings_of_the_application_stay_for_the_next_deploy(site: Site) -> None:
    site.panel.done(site.back(site.first))
    assert site.panel.get("application.one", applicationId=site.application_id)["env"] == "COLOUR=blue"
    site.deploy("three")
    assert site.says() == "three blue"


def test_it_waits_behind_no_build_and_ends_one_of_its_application(site: Site, tmp_path: Path) -> None:
    running = site.panel
    other = running.application(git_repository(tmp_path / "other", files("x")), f"{site.name}-slow", buildCommand=BUILD)
    running.post("application.update", applicationId=site.application_id, buildCommand=BUILD)
    builds = [running.deploy(other), running.deploy(site.application_id), running.deploy(site.application_id)]
    for deployment_id in builds[:2]:
        running.running(deployment_id, "begun")  # both slots of the panel are taken

    row = running.done(site.back(site.first), 15)

    assert site.says() == "one red"
    ends = [site.row(deployment_id) for deployment_id in builds]
    assert [(each["status"], each["reason"]) for each in ends[1:]] == [("error", "superseded")] * 2
    assert ends[0]["status"] == "running"
    assert row["startedAt"] <= row["finishedAt"]
    running.post("deployment.killProcess", deploymentId=builds[0])


def test_a_killed_one_changes_nothing(site: Site) -> None:
    running, application_id = site.panel, site.application_id
    before = site.domains()
    third = site.deploy("three")
    (running.work / "releases" / application_id / site.first / "app.py").write_text("import time\ntime.sleep(1000)\n")
    deployment_id = site.back(site.first)
    until(lambda: "health check" in [step["name"] for step in site.row(deployment_id)["steps"]])

    running.post("deployment.killProcess", deploymentId=deployment_id)

    row = site.row(deployment_id)
    assert (row["status"], row["reason"], row["rollback"]) == ("error", "killed", None)
    assert (site.says(), site.domains()) == ("three blue", before)
    states = {each["releaseId"]: each["state"] for each in running.get("release.all", applicationId=application_id)}
    assert (states[third], deployment_id in states) == ("serving", False)


def test_one_whose_files_are_gone_says_so_and_the_old_one_serves(site: Site) -> None:
    running = site.panel
    folder = running.work / "releases" / site.application_id / site.first
    folder.rename(folder.with_name("elsewhere"))
    answer = running.client.post("/rollback.rollback", json={"rollbackId": site.first})
    assert (answer.status_code, "not on this machine any more" in answer.json()["message"]) == (400, True)
    assert site.says() == "two blue"


def test_going_back_and_forth_keeps_what_there_was(site: Site) -> None:
    running = site.panel
    newest = site.second
    for release_id in (site.first, newest, site.first, newest, site.first, newest):
        running.done(site.back(release_id))
    until(lambda: not [each for each in site.releases() if each["state"] == "retiring"])
    assert site.says() == "two blue"
    kept = {each["releaseId"] for each in site.releases()}
    assert {site.first, site.second} <= kept
    assert len(kept) == 4  # of each the first and the newest
    assert all(site.row(release_id)["rollback"]["usable"] for release_id in (site.first, site.second))


def test_files_go_with_the_last_release_that_has_them(site: Site) -> None:
    running = site.panel
    folder = running.work / "releases" / site.application_id / site.first
    back = running.done(site.back(site.first))["deploymentId"]
    until(lambda: not [each for each in site.releases() if each["state"] == "retiring"])
    running.post("rollback.delete", rollbackId=site.first)
    assert folder.is_dir()
    assert site.says() == "one red"
    running.done(site.back(site.second))
    until(lambda: {each["releaseId"]: each["state"] for each in site.releases()}[back] == "kept")
    running.post("rollback.delete", rollbackId=back)
    assert not folder.exists()


def test_a_release_that_does_not_come_up_leaves_the_one_that_serves(site: Site) -> None:
    app = site.panel.work / "releases" / site.application_id / site.first / "app.py"
    app.write_text("raise SystemExit(9)\n")
    row = site.panel.ended(site.back(site.first))
    assert (row["status"], row["reason"], site.says()) == ("error", "failed", "two blue")
    assert site.panel.get("application.one", applicationId=site.application_id)["applicationStatus"] == "error"


def test_the_command_line_shows_what_would_change_and_goes_back(site: Site) -> None:
    running = site.panel
    status, out, _ = typed(running, "rollback", "list", site.name)
    assert (status, out.count(site.first), "no: It serves now." in out) == (0, 1, True)
    status, out, _ = typed(running, "rollback", "preview", site.first)
    assert (status, "version 1" in out, "COLOUR" in out, "red" in out) == (0, True, True, False)

    status, out, _ = typed(running, "rollback", "to", site.first, stdin="n\n")
    assert (status != 0, site.says()) == (True, "two blue")
    status, out, err = typed(running, "rollback", "to", site.first[:12], "--yes")
    assert (status, "Rollback to version 1 is done" in out) == (0, True), out + err
    assert site.says() == "one red"

    shown = typed(running, "deployments", "show", site.second)[1]
    assert "version 2, to go back to: yes; rolled back by" in shown
    until(lambda: not [each for each in site.releases() if each["state"] == "retiring"])
    removed = json.loads(typed(running, "rollback", "delete", site.second, "--yes", "--json")[1])
    assert removed["rollbackId"] == site.second
    status, _, err = typed(running, "rollback", "to", site.second, "--yes")
    assert (status != 0, "left nothing that one could go back to" in err) == (True, True)


def typed(running: Panel, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    env = {"PATH": os.environ["PATH"], "HEADWAY_URL": f"http://127.0.0.1:{running.port}", "HEADWAY_API_KEY": KEY}
    ended = run_headway(arguments, env, given=stdin, seconds=120)
    return ended.returncode, ended.stdout, ended.stderr
