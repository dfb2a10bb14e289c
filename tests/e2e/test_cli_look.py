"""One look at all services, and the way back from a release, through the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.e2e.test_cli import headway, on_terminal, plain, succeed
from tests.support.panel.panel import Panel, commit, git_repository, panel, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    """A panel with an application that has two releases, the second of which serves."""
    folder = tmp_path_factory.mktemp("look")
    with panel(folder / "data", HEADWAY_CANCEL_GRACE="0.2") as started:
        git_repository(folder / "shop", web("one"))
        succeed(started, "deploy", str(folder / "shop"))
        commit(folder / "shop", web("two"), "Second version")
        succeed(started, "deploy", str(folder / "shop"))
        yield started


def test_all_services_are_seen_in_one_look(running: Panel) -> None:
    shown = plain(on_terminal(running, ["status"], columns=80)).splitlines()

    assert max(map(len, shown)) <= 80
    assert shown[0] == "Project default"
    assert shown[1].split() == ["NAME", "KIND", "STATE", "SERVES", "SINCE", "LAST", "DEPLOYMENT"]
    assert re.fullmatch(r"shop  app   serves  [0-9a-f]{7} Second version  +\d+[sm]  done \d+[sm] ago", shown[2])
    assert shown[3] == f"  http://shop.localhost:{running.edge_port}"

    told = json.loads(succeed(running, "status", "--json"))
    (shop,) = told["services"]
    assert (shop["name"], shop["state"], shop["serving"]["commit"]["message"]) == ("shop", "serves", "Second version")
    unknown = headway(running, "status", "shpo")
    assert (unknown.returncode, unknown.stderr) == (5, "headway: There is no service shpo. Did you mean shop?\n")
    assert told["underWay"] == []
    assert json.loads(succeed(running, "status", "shop", "--json")) == shop
    fields = dict(re.split(r"  +", line, maxsplit=1) for line in succeed(running, "status", "shop").splitlines())
    assert re.search(r" Second version \(version [24]\)$", fields["Serves"])
    assert fields["Address"] == f"http://shop.localhost:{running.edge_port}"


def test_what_is_stopped_is_not_said_to_serve(running: Panel) -> None:
    succeed(running, "apps", "stop", "shop")
    try:
        stopped = json.loads(succeed(running, "status", "shop", "--json"))
        assert (stopped["state"], stopped["serving"]) == ("stopped", None)
    finally:
        succeed(running, "apps", "start", "shop")


def test_one_word_leads_back_to_the_release_before_and_forth_to_a_version(running: Panel) -> None:
    look = succeed(running, "rollback", "shop", "--dry-run")
    assert re.search(r"^Would serve  version 1 \(", look, re.MULTILINE), look
    assert running.visit("shop").text == "two"

    gone_back = succeed(running, "rollback", "shop", "--yes")
    assert running.visit("shop").text == "one"
    assert "is done (" in gone_back.splitlines()[-1]

    serves = headway(running, "rollback", "shop", "--version", "3", "--yes")
    assert (serves.returncode, "It serves now." in serves.stderr) == (2, True), serves.stderr
    unknown = headway(running, "rollback", "shop", "--version", "9", "--yes")
    assert (unknown.returncode, "shop has no version 9, or no longer." in unknown.stderr) == (5, True)
    unanswered = headway(running, "rollback", "shop", "--version", "2")
    assert (unanswered.returncode, "Nobody said yes to that" in unanswered.stderr) == (2, True)
    assert running.visit("shop").text == "one"

    succeed(running, "rollback", "shop", "--version", "2", "--yes")
    assert running.visit("shop").text == "two"


def test_an_image_is_named_and_nothing_of_the_folder_is_taken(running: Panel) -> None:
    done = headway(running, "deploy", "--image", "docker.example/team/web:1.27", "--start", "nginx", "--port", "80")
    assert (done.returncode, "headway: web was not deployed: " in done.stderr) == (1, True), "there is no engine here"
    row = json.loads(succeed(running, "apps", "show", "web", "--json"))
    assert (row["sourceType"], row["dockerImage"]) == ("docker", "docker.example/team/web:1.27")
    assert (row["build"]["start"], row["port"]) == ("nginx", 80)
    assert json.loads(succeed(running, "status", "web", "--json"))["state"] == "error"

    succeed(running, "apps", "delete", "web", "--yes")
    both = headway(running, "deploy", ".", "--image", "nginx")
    assert (both.returncode, "a source does not go with it" in both.stderr) == (2, True)
