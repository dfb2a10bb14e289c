"""Measures how long it takes until what served before serves again, natively and in a container: from sending the
request until the edge answers with the old version. Prints milliseconds; fails where a median is over its bound.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.boxes import BUILD_SECONDS, boxed_web, clear
from tests.support.docker.docker_engine import Engine, lacks_docker
from tests.support.panel.panel import Panel, commit, git_repository, web

ROUNDS = int(os.environ.get("ROUNDS", "20"))
MOST_MILLISECONDS = 3000.0
Files = Callable[[str], dict[str, str]]


def main() -> int:
    """Runs both measurements; the exit status."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        figures = {"native": native(folder / "native")}
        if lacks_docker() is None:
            figures["container"] = container(folder / "container")
    return report(figures)


def native(folder: Path) -> list[float]:
    """Milliseconds of each rollback of a Python application without a build."""
    return measured(Panel(made(folder) / "data"), folder, web)


def container(folder: Path) -> list[float]:
    """The same of an image that was built of a Dockerfile, on an engine of its own."""
    engine = Engine(made(folder) / "engine")
    try:
        engine.start()
        engine.load_base_image()
        panel = Panel(folder / "data", HEADWAY_DOCKER_HOST=engine.host)
        taken = measured(panel, folder, boxed_web)
        clear(engine, "headway.panel")
        return taken
    finally:
        engine.remove()


def measured(panel: Panel, folder: Path, files: Files) -> list[float]:
    """Goes back and forth between two versions, after their repository is gone."""
    try:
        panel.start()
        repository = folder / "repository"
        application_id = panel.application(git_repository(repository, files("one")))
        releases = {"one": panel.done(panel.deploy(application_id), BUILD_SECONDS)["deploymentId"]}
        commit(repository, files("two"), "second")
        releases["two"] = panel.done(panel.deploy(application_id), BUILD_SECONDS)["deploymentId"]
        shutil.rmtree(repository)
        versions = ["one", "two"] * ROUNDS
        return [serving_again(panel, releases[version], version) for version in versions[:ROUNDS]]
    finally:
        panel.clean_up()


def serving_again(panel: Panel, release_id: str, version: str) -> float:
    """Milliseconds until the edge answers with the version again; the rollback must end well, too."""
    began = time.perf_counter()
    answer = panel.client.post("/rollback.rollback", json={"rollbackId": release_id})
    assert answer.status_code == 200, answer.text
    while panel.visit("app").text != version:
        assert time.perf_counter() - began < 60, "it does not serve again"
        time.sleep(0.005)
    taken = (time.perf_counter() - began) * 1000
    panel.done(answer.headers["x-deployment-id"])
    return taken


def made(folder: Path) -> Path:
    """The folder, which build accounts can pass through."""
    folder.mkdir()
    folder.chmod(0o711)
    return folder


def report(figures: dict[str, list[float]]) -> int:
    """Prints the figures; 1 where a median is over the bound."""
    for name, taken in figures.items():
        median, worst = statistics.median(taken), max(taken)
        line = f"{name:12} serving again after {median:8.1f} ms at the median, {worst:8.1f} at most, of {len(taken)}"
        sys.stdout.write(f"{line}  (median at most {MOST_MILLISECONDS:.0f})\n")
    over = [name for name, taken in figures.items() if statistics.median(taken) > MOST_MILLISECONDS]
    sys.stdout.write(json.dumps({"over": over}) + "\n")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
