"""Previews of applications that are on a server: they come, follow and serve there, and leave nothing behind."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.boxes import boxed_web, containers, images, sleepers
from tests.e2e.test_applications_servers import Site, connected
from tests.support.docker.docker_engine import lacks_docker
from tests.support.forges.forge import Forge, forge
from tests.support.forges.pull_requests import SECRET, PullRequest
from tests.support.machines.server_roots import MISSING, engine_on
from tests.support.panel.panel import until, web

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
]
Json = Any
SECONDS = 120


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with connected(tmp_path_factory.mktemp("far")) as site:
        yield site


def previewed(site: Site, git_host: Forge, name: str, **fields: Json) -> str:
    """An application on the server that serves and has previews."""
    settings = {"customGitBranch": "main", "webhookSecret": SECRET, "isPreviewDeploymentsActive": True, **fields}
    application_id = site.application(git_host.url, name, **settings)
    site.panel.done(site.panel.deploy(application_id), SECONDS)
    return application_id


def previews(site: Site, application_id: str) -> list[Json]:
    found: list[Json] = site.panel.get("previewDeployment.all", applicationId=application_id)
    return found


def at(site: Site, host: str) -> httpx.Response:
    """What the edge of the server answers for this host."""
    url = f"http://{site.server.address}:{site.panel.edge_port}/"
    return httpx.get(url, headers={"host": host}, timeout=10, trust_env=False)


def there(site: Site, preview_id: str, *deployment_ids: str) -> list[str]:
    """What the server and the panel's machine hold of a preview and its deployments."""
    ids = (preview_id, *deployment_ids)
    places = (site.server.root / "var/lib/headway", site.panel.work, site.panel.data_dir)
    # The epochs of what has ended stay for a while: they keep a panel that has lost it from going on with it.
    walks = (walk for place in places for walk in os.walk(place) if not walk[0].endswith("/epochs"))
    return [f"{folder}/{name}" for folder, *names in walks for name in chain(*names) if any(id_ in name for id_ in ids)]


def gone(site: Site, preview_id: str, *deployment_ids: str, seconds: float = 30) -> None:
    """Waits until there is nothing of it."""
    with contextlib.suppress(AssertionError):
        until(lambda: there(site, preview_id, *deployment_ids) == [], seconds)
    assert there(site, preview_id, *deployment_ids) == []


def test_a_preview_comes_follows_and_goes_on_a_server(site: Site, tmp_path: Path) -> None:
    running = site.panel
    with forge(tmp_path, web("one"), SECRET) as git_host:
        application_id = previewed(site, git_host, "far", previewWildcard="*.preview.test", env="SECRET=of-the-app")
        pull = PullRequest(running, git_host, application_id, 7)
        asked = []
        for version in ("two", "three"):
            pull.push(web(version))
            asked.append(pull.tell("synchronize")["deploymentId"])
            row = running.done(asked[-1], SECONDS)
            assert (row["serverId"], row["isPreviewDeployment"]) == (site.server_id, True)
            assert at(site, "far-pr-7.preview.test").text == version
            assert site.visit(application_id).text == "one"
        (preview,) = previews(site, application_id)
        preview_id = preview["previewDeploymentId"]
        assert (preview["appName"], preview["previewStatus"]) == ("far-pr-7", "done")
        assert running.visit("far-pr-7").status_code == 404, "it does not serve on the panel's machine"
        until(lambda: len(site.server.living("app.py")) == 2, 30, what="the releases before are gone")

        running.kill()
        running.start()
        until(lambda: at(site, "far-pr-7.preview.test").text == "three", 30, what="it serves on")

        running.post("application.update", applicationId=application_id, previewSleepHours=0.0001)
        asked.append(deployed_again(site, application_id, preview_id))
        until(lambda: previews(site, application_id)[0]["asleepSince"], 60, what="it is asleep")
        until(lambda: len(site.server.living("app.py")) == 1, 30, what="nothing of it runs there")
        assert at(site, "far-pr-7.preview.test").status_code == 404
        running.post("application.update", applicationId=application_id, previewSleepHours=None)
        asked.append(deployed_again(site, application_id, preview_id))
        until(lambda: at(site, "far-pr-7.preview.test").text == "three", 30, what="it is awake")

        assert pull.tell("closed", state="closed")["reason"] == "preview_removed"
        gone(site, preview_id, *asked)
        assert at(site, "far-pr-7.preview.test").status_code == 404
        assert len(site.server.living("app.py")) == 1
        assert site.visit(application_id).text == "one"
        running.post("application.delete", applicationId=application_id)


def deployed_again(site: Site, application_id: str, preview_id: str) -> str:
    site.panel.post("previewDeployment.redeploy", previewDeploymentId=preview_id)
    deployment_id: str = previews(site, application_id)[0]["deployments"][0]["deploymentId"]
    site.panel.done(deployment_id, SECONDS)
    return deployment_id


def test_one_that_is_closed_while_it_builds_there_and_a_fork_leave_nothing(site: Site, tmp_path: Path) -> None:
    running = site.panel
    hiding = '[ -z "$WAIT" ] || { (setsid sleep 8841 &); env -i setsid sleep 8841 & echo begun; exec sleep 8841; }'
    with forge(tmp_path, web("one"), SECRET) as git_host:
        application_id = previewed(site, git_host, "stall", buildCommand=hiding)
        running.post("application.update", applicationId=application_id, previewEnv="WAIT=1")
        pull = PullRequest(running, git_host, application_id, 3)
        pull.push(web("two"))
        building = pull.tell("opened")["deploymentId"]
        running.running(building, "begun", SECONDS)
        until(lambda: len(site.server.living("8841")) >= 3, 20)
        (preview,) = previews(site, application_id)
        pull.tell("closed", state="closed")
        until(lambda: site.server.living("8841") == [], 30, what="nothing of the build runs")
        gone(site, preview["previewDeploymentId"], building)

        running.post("application.update", applicationId=application_id, previewEnv="")
        again = pull.tell("reopened")["deploymentId"]
        running.done(again, SECONDS)
        assert at(site, "stall-pr-3.localhost").text == "two"

        fork = PullRequest(running, git_host, application_id, 9, fork=True)
        fork.push(web("forked"))
        assert fork.tell("opened")["reason"] == "fork"
        forked_id = previews(site, application_id)[0]["previewDeploymentId"]
        assert there(site, forked_id) == []
        running.post("previewDeployment.approve", previewDeploymentId=forked_id, commit=fork.head)
        (queued,) = previews(site, application_id)[0]["deployments"]
        assert running.done(queued["deploymentId"], SECONDS)["commit"]["hash"] == fork.head
        assert at(site, "stall-pr-9.localhost").text == "forked"

        ids = [each["previewDeploymentId"] for each in previews(site, application_id)]
        running.post("application.delete", applicationId=application_id)
        gone(site, *ids, again, queued["deploymentId"])
        assert site.server.living("app.py") == []


def test_one_that_is_closed_while_its_server_is_away_goes_when_that_is_back(site: Site, tmp_path: Path) -> None:
    running, cable = site.panel, site.server.cable
    assert cable is not None
    with forge(tmp_path, web("one"), SECRET) as git_host:
        application_id = previewed(site, git_host, "away")
        pull = PullRequest(running, git_host, application_id, 2)
        pull.push(web("two"))
        deployment_id = pull.tell("opened")["deploymentId"]
        running.done(deployment_id, SECONDS)
        (preview,) = previews(site, application_id)
        cable.pull()
        assert pull.tell("closed", state="closed")["reason"] == "preview_removed"
        assert previews(site, application_id) == []
        running.kill()
        running.start()
        cable.plug()
        gone(site, preview["previewDeploymentId"], deployment_id, seconds=90)
        until(lambda: len(site.server.living("app.py")) == 1, 30, what="it runs no more")
        assert at(site, "away-pr-2.localhost").status_code == 404
        assert site.visit(application_id).text == "one"
        running.post("application.delete", applicationId=application_id)


@pytest.mark.skipif(bool(lacks_docker()), reason=str(lacks_docker()))
def test_a_preview_in_a_container_comes_follows_and_goes_on_a_server(site: Site, tmp_path: Path) -> None:
    running = site.panel
    with engine_on(site.server) as engine, forge(tmp_path, boxed_web("one"), SECRET) as git_host:
        application_id = previewed(site, git_host, "boxed", previewPort=3000)
        pull = PullRequest(running, git_host, application_id, 4)
        asked = []
        for version in ("two", "three"):
            pull.push(boxed_web(version))
            asked.append(pull.tell("synchronize")["deploymentId"])
            assert running.done(asked[-1], SECONDS)["serverId"] == site.server_id
            assert at(site, "boxed-pr-4.localhost").text == version
            assert site.visit(application_id).text == "one"
        (preview,) = previews(site, application_id)
        preview_id = preview["previewDeploymentId"]
        until(lambda: containers(engine, preview_id) == ["running"], 30, what="the one before is gone")

        slow = boxed_web("slow", "FROM headway-test/base:local\nRUN echo begun && sleep 8842\n")
        pull.push(slow)
        asked.append(pull.tell("synchronize")["deploymentId"])
        running.running(asked[-1], "begun", SECONDS)
        assert pull.tell("closed", state="closed")["reason"] == "preview_removed"
        until(lambda: sleepers(8842) == [], 30, what="nothing of the build runs")
        until(lambda: (containers(engine, preview_id), images(engine, preview_id)) == ([], []), 30, what="nothing left")
        gone(site, preview_id, *asked)
        assert at(site, "boxed-pr-4.localhost").status_code == 404
        assert site.visit(application_id).text == "one"
        running.post("application.delete", applicationId=application_id)
        assert (containers(engine, application_id), images(engine, application_id)) == ([], [])
