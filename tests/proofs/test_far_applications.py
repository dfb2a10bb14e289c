"""Applications on a server across a link that is away for a minute, and what the link costs a deploy."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.test_applications_servers import Site, connected
from tests.support.machines.server_roots import MISSING
from tests.support.panel.panel import git_repository, until, web

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
]
AWAY_SECONDS = 60
DEPLOYS = 9
SOURCE_BYTES = 48 << 20
SLOW = web("slow")["app.py"].replace("import http.server, os", "import http.server, os, time\ntime.sleep(25)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with connected(tmp_path_factory.mktemp("far")) as site:
        yield site


def away(site: Site) -> None:
    """Nothing arrives for a minute, and nobody is told."""
    cable = site.server.cable
    assert cable is not None
    cable.pull()
    time.sleep(AWAY_SECONDS)
    cable.plug()


def under_way(site: Site, deployment_id: str, step: str) -> Callable[[], bool]:
    return lambda: any(
        each["name"] == step and each["finishedAt"] is None for each in site.panel.one(deployment_id)["steps"]
    )


def test_a_minute_in_an_upload(site: Site, tmp_path: Path) -> None:
    repository = tmp_path / "r"
    repository.mkdir()
    (repository / "big.bin").write_bytes(os.urandom(SOURCE_BYTES))
    application_id = site.application(git_repository(repository, web("big")), "uploaded")
    deployment_id = site.panel.deploy(application_id)
    until(under_way(site, deployment_id, "send"), 120)
    until(lambda: any(path.stat().st_size for path in site.arriving(deployment_id)), 20)
    away(site)
    site.panel.done(deployment_id, 300)
    assert site.visit(application_id).text == "big"
    (sent,) = site.server.root.glob(f"var/lib/headway/*.work/releases/{application_id}/*/big.bin")
    assert sent.read_bytes() == (repository / "big.bin").read_bytes()
    site.panel.post("application.delete", applicationId=application_id)


def test_a_minute_in_a_rollout(site: Site, tmp_path: Path) -> None:
    files = {"app.py": SLOW, "Procfile": "web: python3 app.py\n"}
    application_id = site.application(git_repository(tmp_path / "r", files), "rolled-out")
    deployment_id = site.panel.deploy(application_id)
    until(under_way(site, deployment_id, "health check"), 180)
    away(site)
    site.panel.done(deployment_id, 300)
    assert site.visit(application_id).text == "slow"
    assert len(site.server.living("app.py")) == 1
    site.panel.post("application.delete", applicationId=application_id)


def test_a_minute_in_a_build_that_is_followed(site: Site, tmp_path: Path) -> None:
    build = "for n in $(seq 700); do echo line $n; sleep 0.1; done"
    application_id = site.application(git_repository(tmp_path / "r", web("x")), "followed", buildCommand=build)
    deployment_id = site.panel.deploy(application_id)
    site.panel.running(deployment_id, "line 30\n", 180)
    away(site)
    site.panel.done(deployment_id, 300)
    log = site.panel.deployment_log(deployment_id).splitlines()
    assert [line for line in log if line.startswith("line ")] == [f"line {n}" for n in range(1, 701)]
    site.panel.post("application.delete", applicationId=application_id)


def test_what_the_link_costs_a_deploy(site: Site, tmp_path: Path) -> None:
    url = git_repository(tmp_path / "r", web("same"))
    near, far = site.panel.application(url, "near"), site.application(url, "far-off")
    took: dict[str, list[float]] = {near: [], far: []}
    for _ in range(DEPLOYS):
        for application_id, times in took.items():
            began = time.monotonic()
            site.panel.done(site.panel.deploy(application_id), 300)
            times.append(time.monotonic() - began)
    here, there = statistics.median(took[near][1:]), statistics.median(took[far][1:])
    print(f"a deploy: {here * 1e3:.0f} ms here, {there * 1e3:.0f} ms on a server: {(there - here) * 1e3:.0f} ms more")
    for each in took:
        site.panel.post("application.delete", applicationId=each)
