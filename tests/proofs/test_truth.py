"""Must show 4: whatever happens to a panel, its rows say what is true on the machine, by three sentences.

1. Every running row has a live lease and a live anchor, or has ended.
2. Every process that Headway started belongs to a running deployment, or to a live or retiring release.
3. The newest deploy that is done serves, unless somebody stopped it; after a stop nothing of it runs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.panel.panel import Panel, commit, git_repository, web

EXAMPLES = int(os.environ.get("EXAMPLES", "12"))
STEPS = int(os.environ.get("STEPS", "25"))
NAMES = ("alpha", "beta")
SETTLE_SECONDS = 15

# What the next build does: ends well, fails, takes long, or makes a release that never answers or crashes.
FATES: dict[str, dict[str, str | None]] = {
    "good": {"buildCommand": "echo good", "startCommand": None},
    "fails": {"buildCommand": "echo bad; exit 3", "startCommand": None},
    "slow": {"buildCommand": "echo slow; sleep 600", "startCommand": None},
    "deaf": {"buildCommand": "echo deaf", "startCommand": "sleep 600"},
    "crashes": {"buildCommand": "echo crashes", "startCommand": "exit 1"},
}


class Truth(RuleBasedStateMachine):
    """One panel with two applications, and everything that people and the world do to it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="headway-truth-"))
        self.folder.chmod(0o711)
        self.panel = Panel(
            self.folder / "data", HEADWAY_CONCURRENCY="2", HEADWAY_HEALTH_DEADLINE="2", HEADWAY_CANCEL_GRACE="1"
        )
        self.applications: dict[str, str] = {}
        self.version = 0

    @initialize()
    def begin(self) -> None:
        self.panel.start()
        for name in NAMES:
            url = git_repository(self.folder / name, web("v0"))
            self.applications[name] = self.panel.application(url, name=name)

    @rule(name=st.sampled_from(NAMES), fate=st.sampled_from(sorted(FATES)), wait=st.booleans())
    def deploy(self, name: str, fate: str, wait: bool) -> None:  # noqa: FBT001 - drawn by name
        self.version += 1
        commit(self.folder / name, web(f"v{self.version}"), f"v{self.version}")
        application_id = self.applications[name]
        self.panel.post("application.update", applicationId=application_id, **FATES[fate])
        deployment_id = self.panel.deploy(application_id)
        if wait and fate != "slow" and not self.earlier_is_slow(application_id, deployment_id):
            self.panel.ended(deployment_id, 30)

    @rule(name=st.sampled_from(NAMES))
    def kill_what_runs(self, name: str) -> None:
        for row in self.rows_of(name, "running"):
            self.panel.client.post("/deployment.killProcess", json={"deploymentId": row["deploymentId"]})
            ended = self.panel.one(row["deploymentId"])
            assert ended["status"] in {"error", "done"}

    @rule(name=st.sampled_from(NAMES))
    def cancel_everything(self, name: str) -> None:
        self.panel.post("application.cancelDeployment", applicationId=self.applications[name])
        assert self.rows_of(name, "pending") == self.rows_of(name, "running") == []

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 5))
    def remove(self, name: str, number: int) -> None:
        rows = self.rows_of(name)
        if rows:
            row = rows[number % len(rows)]
            answer = self.panel.client.post("/deployment.removeDeployment", json={"deploymentId": row["deploymentId"]})
            assert answer.status_code in {200, 409}
            assert answer.status_code == 409 or not Path(row["logPath"]).exists()

    @rule(name=st.sampled_from(NAMES))
    def stop(self, name: str) -> None:
        self.panel.post("application.stop", applicationId=self.applications[name])
        assert self.processes_of(name) == [], "after a stop nothing of it runs"

    @rule(name=st.sampled_from(NAMES))
    def start(self, name: str) -> None:
        answer = self.panel.client.post("/application.start", json={"applicationId": self.applications[name]})
        assert answer.status_code in {200, 409}

    @rule()
    def crash_and_restart(self) -> None:
        self.panel.kill()
        self.panel.start()

    @rule()
    def end_and_restart(self) -> None:
        self.panel.stop()
        self.panel.start()

    @precondition(lambda self: self.applications)
    @invariant()
    def rows_are_true(self) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while lies := self.lies():
            assert time.monotonic() < deadline, (lies, self.panel.log()[-3000:])
            time.sleep(0.05)

    def lies(self) -> list[str]:
        """Every way in which rows and machine differ now; what is only on its way is gone when asked again."""
        return [*self.runs_without_an_anchor(), *self.strays(), *self.not_serving()]

    def runs_without_an_anchor(self) -> Iterator[str]:
        running = self.query("SELECT deployment_id, pid FROM deployments WHERE status = 'running'")
        leased = {row[0] for row in self.query("SELECT deployment_id FROM leases")}
        for deployment_id, pid in running:
            if deployment_id not in leased:
                yield f"{deployment_id} runs without a lease"
            if pid is None or not Path(f"/proc/{pid}").exists():
                yield f"{deployment_id} runs without an anchor"

    def strays(self) -> Iterator[str]:
        running = {row[0] for row in self.query("SELECT deployment_id FROM deployments WHERE status = 'running'")}
        alive = "SELECT release_id FROM releases WHERE state IN ('serving', 'retiring', 'starting')"
        releases = {row[0] for row in self.query(alive)}
        for pid, key, owner in marked(self.folder):
            if owner not in (running if key == "HEADWAY_DEPLOYMENT_ID" else releases):
                yield f"process {pid} belongs to {key} {owner}, which does not run"

    def not_serving(self) -> Iterator[str]:
        for name, application_id in self.applications.items():
            wanted, serving = self.query(
                "SELECT wanted, serving_release_id FROM services WHERE service_id = ?", application_id
            )[0]
            try:
                answer = self.panel.visit(name)
            except httpx.ConnectError:  # a panel that has only begun has its edge a moment later
                yield f"nobody listens where {name} is asked for"
                continue
            if wanted == "up" and serving is not None:
                yield from self.newest_does_not_serve(name, application_id, serving, answer)
            processes = self.processes_of(name)
            if wanted == "down" and not self.rows_of(name, "running") and (answer.status_code != 404 or processes):
                yield f"{name} is stopped and answers {answer.status_code} with processes {processes}"

    def newest_does_not_serve(
        self, name: str, application_id: str, serving: str, answer: httpx.Response
    ) -> Iterator[str]:
        done = "SELECT deployment_id FROM deployments WHERE subject_id = ? AND status = 'done' ORDER BY seq DESC"
        ids = [row[0] for row in self.query(done, application_id)]
        if serving in ids and ids[0] != serving:
            yield f"{name}: the newest done deployment is {ids[0]}, and {serving} serves"
        folder = self.query("SELECT folder FROM releases WHERE release_id = ? AND state = 'serving'", serving)
        if not folder:
            yield f"{name}: the release {serving} is not marked as serving"
        elif f'b"{answer.text}"' not in (Path(folder[0][0]) / "app.py").read_text():
            yield f"{name} answers {answer.status_code} {answer.text[:40]!r}, which is not what {serving} says"

    def rows_of(self, name: str, status: str | None = None) -> list[Any]:
        rows = self.panel.get("deployment.all", applicationId=self.applications[name])
        return [row for row in rows if status in {None, row["status"]}]

    def earlier_is_slow(self, application_id: str, deployment_id: str) -> bool:
        rows = self.panel.get("deployment.all", applicationId=application_id)
        return any(row["status"] in {"pending", "running"} and row["deploymentId"] != deployment_id for row in rows)

    def processes_of(self, name: str) -> list[int]:
        rows = self.query("SELECT release_id FROM releases WHERE service_id = ?", self.applications[name])
        releases = {row[0] for row in rows}
        return [pid for pid, key, owner in marked(self.folder) if key == "HEADWAY_RELEASE_ID" and owner in releases]

    def query(self, statement: str, *values: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.panel.data_dir / "headway.db")) as connection:
            return connection.execute(statement, values).fetchall()

    def teardown(self) -> None:
        self.panel.clean_up()
        assert list(marked(self.folder)) == [], "something is left after everything was ended"
        shutil.rmtree(self.folder)


def marked(folder: Path) -> Iterator[tuple[int, str, str]]:
    """(pid, marker, id) of every process that a panel of this folder started for a deployment or a release."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            pairs = dict(pair.split(b"=", 1) for pair in (entry / "environ").read_bytes().split(b"\0") if b"=" in pair)
            here = os.fsencode(folder) in b"".join([*pairs.values(), os.fsencode((entry / "cwd").readlink())])
            for key in ("HEADWAY_DEPLOYMENT_ID", "HEADWAY_RELEASE_ID"):
                if here and key.encode() in pairs:
                    yield int(entry.name), key, pairs[key.encode()].decode()


def test_rows_and_machine_agree_after_every_step() -> None:
    run_state_machine_as_test(
        Truth,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            print_blob=True,
        ),
    )
    print(f"\n{EXAMPLES} histories of {STEPS} steps: rows and machine agree after each")
