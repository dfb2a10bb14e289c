"""Measures what the link costs: the same deploy here and on a server on loopback, round by round in turns, of a native
application and of one with a Dockerfile. Prints milliseconds, by step, and what a deploy asks of the server; fails
where the server costs more than its bound.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.e2e.boxes import boxed_web, clear
from tests.e2e.test_applications_servers import Site, connected
from tests.support.docker.docker_engine import Engine
from tests.support.machines.server_roots import engine_on
from tests.support.panel.panel import git_repository, web

ROUNDS = int(os.environ.get("ROUNDS", "15"))
BOUND = 150.0
REST_SECONDS = 1.0
HERE, THERE = "here", "on a server"
Times = dict[str, dict[str, list[float]]]


def main() -> int:
    """Measures both kinds of deploy on a panel of its own; the exit status."""
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        with site_of_two_engines(folder) as site:
            forms = {"native": web("v"), "Dockerfile": boxed_web("v")}
            over = [name for name, files in forms.items() if not measured(site, folder, name, files)]
    sys.stdout.write(json.dumps({"over": over, "rounds": ROUNDS}) + "\n")
    return 1 if over else 0


@contextmanager
def site_of_two_engines(folder: Path) -> Iterator[Site]:
    """A panel and a server, both with Docker; the panel writes down what it asks."""
    engine = Engine(folder / "engine")
    engine.start()
    try:
        engine.load_base_image()
        with connected(folder) as site, engine_on(site.server):
            site.panel.stop()
            site.panel.env |= {"HEADWAY_DOCKER_HOST": engine.host, "CRASH_AT": "0", "CRASH_POINTS": os.devnull}
            site.panel.start(module="tests.support.panel.asking_panel", ASKED=str(folder / "asked"))
            yield site
        clear(engine, f"headway.panel={(folder / 'data/panel.id').read_text()}")
    finally:
        engine.remove()


def measured(site: Site, folder: Path, name: str, files: dict[str, str]) -> bool:
    """Measures one kind of application, and prints it; whether the server costs no more than the bound."""
    url = git_repository(folder / name, files)
    word = name.lower()
    applications = {HERE: site.panel.application(url, f"near-{word}"), THERE: site.application(url, f"far-{word}")}
    for application_id in applications.values():
        site.panel.done(site.panel.deploy(application_id), 120)
    totals: dict[str, list[float]] = defaultdict(list)
    steps: Times = defaultdict(lambda: defaultdict(list))
    counts: list[Counter[str]] = []
    for _ in range(ROUNDS):
        for where, application_id in applications.items():
            time.sleep(REST_SECONDS)  # until the release before is gone, and a keeper has looked at it
            began = time.time()
            row = deployed(site, application_id)
            totals[where].append(noted(row, steps[where], began))
            if where is THERE:
                counts.append(asked(folder / "asked", began, timestamp(row["finishedAt"])))
    for application_id in applications.values():
        site.panel.post("application.delete", applicationId=application_id)
    return report(name, totals, steps, counts)


def deployed(site: Site, application_id: str) -> Any:  # noqa: ANN401 - a row
    """A deploy that is done."""
    deployment_id = site.panel.deploy(application_id)
    while (row := site.panel.one(deployment_id))["status"] in {"pending", "running"}:
        time.sleep(0.02)  # it takes the times from the row, and does not keep the panel from its work
    assert row["status"] == "done", row["errorMessage"]
    return row


def noted(row: Any, steps: dict[str, list[float]], sent: float) -> float:  # noqa: ANN401 - a row
    """Adds what each step took, with what lies before it; the whole."""
    began = sent
    for step in row["steps"]:
        ended = timestamp(step["finishedAt"])
        steps[step["name"]].append((ended - began) * 1000)
        began = ended
    finished = timestamp(row["finishedAt"])
    steps["end"].append((finished - began) * 1000)
    return (finished - sent) * 1000


def asked(path: Path, began: float, ended: float) -> Counter[str]:
    """What was asked of the server meanwhile."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("")
    return Counter(f"{each['of']}: {each['what']}" for each in lines if began <= each["at"] <= ended)


def timestamp(text: str) -> float:
    """Seconds since 1970 of a time on the wire."""
    return datetime.fromisoformat(text).timestamp()


def report(name: str, totals: dict[str, list[float]], steps: Times, counts: list[Counter[str]]) -> bool:
    """Prints the medians; whether the bound is kept."""
    sys.stdout.write(f"{name:24} {HERE:>14} {THERE:>14}\n")
    for step in dict.fromkeys([*steps[THERE], *steps[HERE]]):
        cells = [f"{statistics.median(found):10.1f} ms" if (found := steps[w].get(step)) else "" for w in (HERE, THERE)]
        sys.stdout.write(f"  {step:22} {cells[0]:>14} {cells[1]:>14}\n")
    here, there = (statistics.median(totals[where]) for where in (HERE, THERE))
    sys.stdout.write(f"  {'in all':22} {here:11.1f} ms {there:11.1f} ms\n")
    paired = statistics.median(far - near for near, far in zip(totals[HERE], totals[THERE], strict=True))
    sys.stdout.write(
        f"  more on a server         {there - here:8.1f} ms  (at most {BOUND:.0f}; by pairs {paired:.1f})\n"
    )
    questions = Counter[str]()
    for each in counts:
        questions.update(each)
    for what, count in questions.most_common():
        sys.stdout.write(f"    {what:40} {count / len(counts):6.1f}\n")
    sys.stdout.flush()
    return there - here <= BOUND


if __name__ == "__main__":
    sys.exit(main())
