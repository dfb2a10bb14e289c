"""A port that leads to a container is taken and reached by no application of processes, whether it runs or not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.attacks.test_native_loopback import FILES, REFUSED
from tests.e2e.boxes import BUILD_SECONDS, boxed_web
from tests.support.docker.compose import panel_with_engine
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, git_repository, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.root, pytest.mark.timeout(240)]


@pytest.fixture
def panel(tmp_path: Path, docker_engine: Engine) -> Iterator[Panel]:
    folder = tmp_path / "ports"
    folder.mkdir(mode=0o711)
    with panel_with_engine(folder / "data", docker_engine) as started:
        yield started
    shutil.rmtree(folder, ignore_errors=True)


def test_a_port_of_a_container_is_closed_to_its_neighbours(panel: Panel, tmp_path: Path) -> None:
    trier = panel.application(git_repository(tmp_path / "trier", FILES), name="trier")
    panel.done(panel.deploy(trier))
    boxed = panel.application(git_repository(tmp_path / "boxed", boxed_web("1")), name="boxed")
    deployment_id = panel.deploy(boxed)
    panel.done(deployment_id, BUILD_SECONDS)
    port = panel.get("release.one", releaseId=deployment_id)["port"]

    def tried(what: str) -> str:
        return panel.visit("trier", f"/{quote(what)}").text.strip("'")

    assert panel.visit("boxed").text.startswith("1"), "the edge leads there"
    until(lambda: tried(f"tcp('127.0.0.1', {port})") == REFUSED, 10, what="it is closed")
    panel.post("application.stop", applicationId=boxed)
    taken = f"bound('127.0.0.1', {port})"
    assert tried(taken) == REFUSED, "while nothing listens there either"
    panel.post("application.start", applicationId=boxed)
    until(lambda: panel.visit("boxed").status_code == 200, 30, what="it serves again")
