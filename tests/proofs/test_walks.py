"""Which files a deploy and a kill on a server pass through, in their order: docs/walks.md has them.

A panel of its own notes each function's first call. What the panel also calls while nothing happens is left out, so
that its loops do not count.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import headway
from tests.e2e.test_applications_servers import Site, connected
from tests.support.machines.server_roots import MISSING
from tests.support.panel.panel import Panel, git_repository, panel, until, web

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(600)]
HERE = Path(__file__).parent / "walk"
SOURCE = Path(headway.__file__).parent
IDLE_SECONDS = 12.0
MOST = {"deploy": 287, "kill": 98}  # as docs/walks.md has them, and a twentieth more: the walks do not grow unseen


class Walks:
    """What a panel calls, from one look to the next."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.env = {"PYTHONPATH": str(HERE), "HEADWAY_WALKS": str(folder)}
        self._folder = folder
        self._looks = 0

    def look(self, running: Panel) -> list[tuple[str, str]]:
        """The file and name of each function called since the last look, by their first calls."""
        running.signal(signal.SIGURG)
        path = self._folder / f"{self._looks}.json"
        self._looks += 1
        until(path.exists, what="the panel wrote its walk")
        called = json.loads(path.read_text())
        return [
            (str(Path(file).relative_to(SOURCE)), name) for file, name in called if Path(file).is_relative_to(SOURCE)
        ]

    def idle(self, running: Panel) -> set[tuple[str, str]]:
        """What it calls while nobody asks it anything."""
        self.look(running)
        time.sleep(IDLE_SECONDS)
        return set(self.look(running))


def tell(what: str, called: list[tuple[str, str]], idle: set[tuple[str, str]]) -> list[str]:
    """The files of what was called and not by the loops too, by their first calls; prints them."""
    own = [each for each in called if each not in idle]
    files = list(dict.fromkeys(file for file, _name in own))
    classes = {(file, name.split(".")[0]) for file, name in own if "." in name.replace(".<locals>", "")}
    print(f"\n{what}: {len(own)} functions, {len(files)} files, {len(classes)} classes")
    for file in files:
        print(f"  {file}: {', '.join(name for of, name in own if of == file)}"[:200])
    return files


@pytest.fixture
def walks(tmp_path: Path) -> Walks:
    return Walks(tmp_path / "walks")


def test_a_deploy(tmp_path: Path, walks: Walks) -> None:
    with panel(tmp_path / "data", **walks.env) as running:
        application_id = running.application(git_repository(tmp_path / "r", web("one")))
        running.done(running.deploy(application_id), 90)
        time.sleep(3)
        idle = walks.idle(running)
        deployment_id = running.deploy(application_id)
        running.client.get("/deployment.wait", params={"deploymentId": deployment_id, "timeout": "30"})
        called = walks.look(running)
        assert running.one(deployment_id)["status"] == "done"
        files = tell("application.deploy", called, idle)
    assert len(files) <= MOST["deploy"]


@pytest.fixture
def site(tmp_path: Path, walks: Walks) -> Iterator[Site]:
    with connected(tmp_path / "far", 0, pivots=False, with_edge=False, **walks.env) as site:
        yield site


@pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")
def test_a_kill_on_a_server(site: Site, walks: Walks, tmp_path: Path) -> None:
    running = site.panel
    build = "sleep 600"
    application_id = site.application(git_repository(tmp_path / "r", web("one")), buildCommand=build)
    deployment_id = running.deploy(application_id)
    running.comes_to(deployment_id, "build", 120)
    time.sleep(3)
    idle = walks.idle(running)
    running.post("deployment.killProcess", deploymentId=deployment_id)
    called = walks.look(running)
    assert running.one(deployment_id)["status"] == "error"
    files = tell("deployment.killProcess", called, idle)
    assert len(files) <= MOST["kill"]
