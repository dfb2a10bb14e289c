"""Measures a redeploy of a Dockerfile whose build is cached against the bare `git clone`, `docker build` and `docker
run`, round by round in turns: until an answer comes, by the edge here and by the published port there. Prints
milliseconds; fails where the overhead is over its bound, or where something else than the new container answers once a
deployment is done.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import httpx

from tests.e2e.boxes import boxed_web, containers
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, free_port, git_repository, until

ROUNDS = int(os.environ.get("ROUNDS", "20"))
BOUND = 200.0
Times = dict[str, list[float]]
NAME = "os.uname().nodename.encode()"


def main() -> int:
    """Measures on an engine and a panel of its own; the exit status."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        engine = Engine(folder / "engine")
        panel = Panel(folder / "data", HEADWAY_DOCKER_HOST=engine.host)
        try:
            engine.start()
            engine.load_base_image()
            return report(*measure(panel.start(), engine, folder))
        finally:
            panel.clean_up()
            engine.remove()


def measure(panel: Panel, engine: Engine, folder: Path) -> tuple[Times, Times]:
    """Milliseconds of each round by what was done, and of each step of a redeploy."""
    files = boxed_web("v")
    files["app.py"] = files["app.py"].replace('b"v"', NAME)
    url = git_repository(folder / "repository", files)
    application_id = panel.application(url, name="app")
    panel.done(panel.deploy(application_id), 120)
    bare(engine, url, folder / "first", defaultdict(list))
    steps: Times = defaultdict(list)
    redeploys: list[float] = []
    deploys: list[float] = []
    floors: list[float] = []
    for number in range(ROUNDS):
        until(lambda: containers(engine, application_id) == ["running"], 30, what="the end of the replaced container")
        redeploys.append(redeploy(panel, engine, application_id, steps))
        until(lambda: containers(engine, application_id) == ["running"], 30, what="the end of the replaced container")
        deploys.append(redeploy(panel, engine, application_id, defaultdict(list), "application.deploy"))
        floors.append(bare(engine, url, folder / f"bare{number}", steps))
    return {"redeploy": redeploys, "deploy of the same commit": deploys, "bare commands": floors}, steps


def redeploy(
    panel: Panel,
    engine: Engine,
    application_id: str,
    steps: Times,
    procedure: str = "application.redeploy",
) -> float:
    """From sending the request until the row's end; then the new container must be what answers."""
    sent = time.time()
    deployment_id = panel.deploy(application_id, procedure)
    while panel.one(deployment_id)["status"] in {"pending", "running"}:
        time.sleep(0.02)  # it takes the time from the row, and does not keep the panel from its work
    answered = panel.visit("app").text
    row = panel.one(deployment_id)
    assert row["status"] == "done", row["errorMessage"]
    mine = f"--filter=label=headway.deployment={deployment_id}"
    assert engine.docker("ps", "--quiet", "--no-trunc", mine).startswith(answered), "the new container answers"
    began = timestamp(row["startedAt"])
    steps["until it runs"].append((began - sent) * 1000)
    for step in row["steps"]:
        ended = timestamp(step["finishedAt"])
        steps[step["name"]].append((ended - began) * 1000)
        began = ended
    steps["end"].append((timestamp(row["finishedAt"]) - began) * 1000)
    return (timestamp(row["finishedAt"]) - sent) * 1000


def bare(engine: Engine, url: str, target: Path, steps: Times) -> float:
    """The same by hand: clone, build, run, and ask until it answers."""
    port = free_port()
    published = f"--publish=127.0.0.1:{port}:3000"
    marks = [time.perf_counter()]
    typed("git", "clone", "--quiet", "--depth=1", url, str(target))
    marks.append(time.perf_counter())
    engine.docker("build", "--quiet", "--tag=bare", str(target))
    marks.append(time.perf_counter())
    container = engine.docker("run", "--detach", published, "--env=PORT=3000", "bare").strip()
    marks.append(time.perf_counter())
    while not answers(port):
        time.sleep(0.005)
    marks.append(time.perf_counter())
    for name, begun, ended in zip(("clone", "build", "run", "answer"), marks, marks[1:], strict=False):
        steps[f"by hand: {name}"].append((ended - begun) * 1000)
    engine.docker("rm", "--force", container)
    return (marks[-1] - marks[0]) * 1000


def answers(port: int) -> bool:
    """Whether what is published there gives an answer."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=5).is_success
    except httpx.TransportError:
        return False


def typed(*argv: str) -> None:
    """A command that must succeed."""
    subprocess.run(argv, check=True, capture_output=True)


def timestamp(text: str) -> float:
    """Seconds since 1970 of a time on the wire."""
    return datetime.fromisoformat(text).timestamp()


def report(rounds: Times, steps: Times) -> int:
    """Prints the medians; 1 where the overhead is over its bound."""
    for name, values in (*steps.items(), *rounds.items()):
        sys.stdout.write(f"{name:26} {statistics.median(values):8.1f} ms\n")
    floor = statistics.median(rounds["bare commands"])
    over = statistics.median(rounds["redeploy"]) - floor
    more = statistics.median(rounds["deploy of the same commit"]) - floor
    sys.stdout.write(f"{'overhead of a redeploy':26} {over:8.1f} ms  (at most {BOUND:.0f})\n")
    sys.stdout.write(f"{'overhead of a deploy':26} {more:8.1f} ms\n")
    sys.stdout.write(json.dumps({"over": ["overhead of a redeploy"] if over > BOUND else [], "rounds": ROUNDS}) + "\n")
    return 1 if over > BOUND else 0


if __name__ == "__main__":
    sys.exit(main())
