"""Must show 3: the panel dies at every write and every step boundary, inside every step, is stopped and paused, its
supervisor and edge die, its database refuses; each deployment ends truly, nothing runs twice, no byte of a log is
missing or doubled, and nothing half-made is left.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.databases.postgres import running_cluster
from tests.support.panel.panel import Panel, commit, git_repository, until, web

CRASHING = "tests.support.panel.crashing_panel"
BUILD = "echo built >> $COUNTS/build; for i in 1 2 3 4 5 6; do echo line $i; sleep 0.05; done"
PROCFILE = "web: sleep 0.3; python3 app.py\nrelease: echo released >> $COUNTS/release; echo releasing; sleep 0.3\n"
FIRST = int(os.environ.get("CRASH_FROM", "1"))  # to go on where a run was broken off
LEASE = {"HEADWAY_LEASE_TIME": "3", "HEADWAY_LEASE_RENEWAL": "0.5"}


class Site:
    """A panel with an application that serves ``old``, whose builds and release commands are counted."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        folder.chmod(0o711)
        self.counts = folder / "counts"
        self.counts.mkdir()
        self.counts.chmod(0o777)
        for name in ("build", "release"):
            (self.counts / name).touch()
            (self.counts / name).chmod(0o666)
        self.repository = folder / "repository"
        self.panel = Panel(folder / "data", **env)
        self.application_id = ""

    def set_up(self) -> None:
        """Deploys the first release."""
        self.panel.start()
        url = git_repository(self.repository, web("old", Procfile=PROCFILE))
        self.application_id = self.panel.application(url, buildCommand=BUILD, env=f"COUNTS={self.counts}")
        self.panel.done(self.panel.deploy(self.application_id))
        self.panel.stop()

    def counted(self) -> Counter[str]:
        """How often a build and a release command began, in all."""
        return Counter({path.name: path.read_text().count("\n") for path in self.counts.iterdir()})

    def begin(self, version: str) -> str:
        """Commits a version and queues its deploy."""
        commit(self.repository, web(version, Procfile=PROCFILE), f"version {version}")
        return self.panel.deploy(self.application_id)

    def check_done(self, deployment_id: str, version: str, before: Counter[str], reference: str) -> None:
        """The deployment ended ``done``, serves, ran everything once, and its log is whole."""
        row = self.panel.done(deployment_id, 60)
        assert self.panel.visit("app").text == version
        assert self.counted() - before == Counter(build=1, release=1)
        assert plain(self.panel.deployment_log(deployment_id)) == plain(reference)
        assert row["reason"] is None
        self.check_nothing_left()

    def check_nothing_left(self) -> None:
        """No process carries a deployment's marker, no run folder and no undo is left, one release serves."""
        until(lambda: not marked_processes(self.panel.data_dir), 15, what="no process of a deployment is left")
        runs = self.panel.data_dir / "run" / "runs"
        until(lambda: not list(runs.iterdir()), 90, what="no run folder is left")
        assert self.rows("SELECT count(*) FROM undos") == [(0,)]
        assert self.rows("SELECT count(*) FROM leases") == [(0,)]
        assert self.rows("SELECT count(*) FROM releases WHERE state = 'serving'") == [(1,)]
        assert self.rows("SELECT count(*) FROM releases WHERE state = 'starting'") == [(0,)]

    def rows(self, statement: str) -> list[Any]:
        """What the database says."""
        with contextlib.closing(sqlite3.connect(self.panel.data_dir / "headway.db")) as connection:
            return connection.execute(statement).fetchall()


@pytest.fixture
def site() -> Iterator[Site]:
    with made(**LEASE) as site:
        yield site


@contextlib.contextmanager
def made(**env: str) -> Iterator[Site]:
    """A site in a folder that the build account can reach (pytest's own folders are closed to it)."""
    with tempfile.TemporaryDirectory(prefix="headway-crash-") as folder:
        site = Site(Path(folder) / "site", **env)
        Path(folder).chmod(0o711)
        try:
            site.set_up()
            yield site
        finally:
            site.panel.clean_up()


def test_the_panel_is_killed_at_every_crash_point_of_a_deploy(site: Site) -> None:
    names, reference = passed_points(site, "counted")
    print(f"\n{len(names)} crash points in a deploy")
    for at, name in list(enumerate(names, 1))[FIRST - 1 :]:
        before = site.counted()
        crash_at(site, at)
        deployment_id = site.begin(f"v{at}")
        until(lambda: site.panel.process.poll() is not None, 30, what=f"the crash at {name}")  # type: ignore[union-attr]
        site.panel.process = None
        site.panel.start()
        site.check_done(deployment_id, f"v{at}", before, reference)
        print(f"  {at:3} {name}: done")
        site.panel.kill()


def test_the_panel_is_killed_at_every_crash_point_of_a_failing_deploy_and_of_a_kill(site: Site) -> None:
    for ending, marker in (("fails", ""), ("killed", "line 3")):
        build = BUILD + ("; exit 9" if ending == "fails" else "; sleep 600")
        site.panel.start()
        site.panel.post("application.update", applicationId=site.application_id, buildCommand=build)
        site.panel.stop()
        names = failing_points(site, marker)
        print(f"\n{len(names)} crash points in a deploy that is {ending}")
        for at, name in enumerate(names, 1):
            before = site.counted()
            crash_at(site, at)
            deployment_id = site.begin(f"{ending}{at}")
            if marker:
                wait_for_marker_and_kill(site, deployment_id, marker)
            if not crashed(site, deployment_id, name):
                print(f"  {at:3} {name}: was not passed this time")
                site.panel.kill()
                continue
            site.panel.start()
            if marker and site.panel.one(deployment_id)["killRequestedAt"] is None:
                wait_for_marker_and_kill(site, deployment_id, marker)
            row = site.panel.ended(deployment_id, 60)
            assert (row["status"], row["reason"]) == ("error", "killed" if marker else "failed"), (name, row)
            assert (site.counted() - before)["build"] == 1, name
            assert site.panel.visit("app").text == "old"
            site.check_nothing_left()
            print(f"  {at:3} {name}: {row['reason']}")
            site.panel.kill()


def test_the_panel_is_killed_inside_every_step(site: Site) -> None:
    _, reference = passed_points(site, "reference")
    for number in range(40):
        before = site.counted()
        site.panel.start()
        deployment_id = site.begin(f"i{number}")
        time.sleep(number * 0.045)
        step = [step["name"] for step in site.panel.one(deployment_id)["steps"]][-1:]
        site.panel.kill()
        site.panel.start()
        site.check_done(deployment_id, f"i{number}", before, reference)
        print(f"  killed {number * 45} ms after the request, in {step}: done")
        site.panel.stop()


def test_sigterm_leaves_the_build_alone_and_the_next_start_adopts_it(site: Site) -> None:
    _, reference = passed_points(site, "reference")
    before = site.counted()
    site.panel.start()
    deployment_id = site.begin("term")
    site.panel.running(deployment_id, "line 2")
    began = time.monotonic()
    site.panel.stop(5)
    print(f"\nSIGTERM: ended in {time.monotonic() - began:.2f} s")
    assert marked_processes(site.panel.data_dir)
    site.panel.start()
    site.check_done(deployment_id, "term", before, reference)


def test_a_paused_panel_has_lost_its_run_and_takes_it_again_at_a_new_epoch(site: Site) -> None:
    _, reference = passed_points(site, "reference")
    before = site.counted()
    site.panel.start()
    deployment_id = site.begin("paused")
    site.panel.running(deployment_id, "line 2")
    site.panel.signal(signal.SIGSTOP)
    time.sleep(4)
    site.panel.signal(signal.SIGCONT)
    site.check_done(deployment_id, "paused", before, reference)
    assert site.rows(f"SELECT epoch FROM deployments WHERE deployment_id = '{deployment_id}'") == [(2,)]  # noqa: S608


def test_supervisor_and_edge_are_killed_and_come_back_while_a_deploy_runs(site: Site) -> None:
    before = site.counted()
    site.panel.start()
    deployment_id = site.begin("helpers")
    site.panel.running(deployment_id, "line 2")
    killed = [pid for pid, environ in environs() if b"HEADWAY_DAEMON=" + os.fsencode(site.panel.data_dir) in environ]
    assert len(killed) == 2
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    row = site.panel.done(deployment_id, 60)
    assert row["status"] == "done"
    assert site.panel.visit("app").text == "helpers"
    assert site.counted() - before == Counter(build=1, release=1)
    site.check_nothing_left()


def test_queued_deployments_run_in_order_after_a_crash(site: Site) -> None:
    site.panel.start()
    queued = [site.begin(f"q{number}") for number in range(4)]
    site.panel.running(queued[0], "line 1")
    site.panel.kill()
    site.panel.start()
    rows = [site.panel.done(deployment_id, 60) for deployment_id in queued]
    starts = [row["startedAt"] for row in rows]
    ends = [row["finishedAt"] for row in rows]
    assert starts == sorted(starts)
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_sqlite_is_locked_by_another_process_for_ten_seconds_at_the_end_of_a_build(site: Site) -> None:
    _, reference = passed_points(site, "reference")
    before = site.counted()
    site.panel.start()
    deployment_id = site.begin("locked")
    site.panel.running(deployment_id, "line 4")
    holder = sqlite3.connect(site.panel.data_dir / "headway.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    time.sleep(10)
    holder.execute("ROLLBACK")
    holder.close()
    site.check_done(deployment_id, "locked", before, reference)


@pytest.mark.postgres
def test_postgresql_refuses_writes_for_ten_seconds_at_the_end_of_a_build(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with running_cluster() as cluster:
        cluster.administer("CREATE DATABASE panel")
        with made(HEADWAY_DATABASE_URL=cluster.url("panel")) as site:
            site.panel.start()
            deployment_id = site.begin("refused")
            site.panel.running(deployment_id, "line 4")
            cluster.administer("ALTER SYSTEM SET default_transaction_read_only = on")
            cluster.administer("SELECT pg_reload_conf()")
            time.sleep(10)
            cluster.administer("ALTER SYSTEM RESET default_transaction_read_only")
            cluster.administer("SELECT pg_reload_conf()")
            site.panel.done(deployment_id, 60)
            assert site.panel.visit("app").text == "refused"
            assert site.counted() == Counter(build=2, release=2)


def passed_points(site: Site, version: str) -> tuple[list[str], str]:
    """The names of the crash points that a whole deploy passes, and its log."""
    crash_at(site, 0)
    deployment_id = site.begin(version)
    site.panel.done(deployment_id)
    log = site.panel.deployment_log(deployment_id)
    site.panel.stop()
    return (site.folder / "points").read_text().splitlines(), log


def failing_points(site: Site, marker: str) -> list[str]:
    """The names of the crash points that a deploy passes which fails, or is killed once its log shows ``marker``."""
    crash_at(site, 0)
    deployment_id = site.begin("counted")
    if marker:
        wait_for_marker_and_kill(site, deployment_id, marker)
    site.panel.ended(deployment_id)
    site.panel.stop()
    return (site.folder / "points").read_text().splitlines()


def wait_for_marker_and_kill(site: Site, deployment_id: str, marker: str) -> None:
    """Asks for the kill once the log shows ``marker``; the panel may die meanwhile."""
    with contextlib.suppress(Exception, AssertionError):
        site.panel.running(deployment_id, marker, 10)
        site.panel.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})


def crash_at(site: Site, at: int) -> None:
    """Starts a panel that dies at its ``at``-th crash point."""
    points = site.folder / "points"
    points.unlink(missing_ok=True)
    points.touch()
    site.panel.start(module=CRASHING, CRASH_AT=str(at), CRASH_POINTS=str(points), PYTHONPATH=str(Path.cwd()))


def crashed(site: Site, deployment_id: str, name: str) -> bool:
    """Whether the panel died at its crash point, and not only the deployment ended: a run whose lease was renewed less
    often than that of the one whose points were counted passes fewer.
    """
    panel, end = site.panel, time.monotonic() + 30
    while panel.process is not None and panel.process.poll() is None:
        assert time.monotonic() < end, f"neither the crash at {name} nor an end within 30 s"
        with contextlib.suppress(httpx.TransportError):
            if panel.one(deployment_id)["status"] == "error":
                with contextlib.suppress(subprocess.TimeoutExpired):
                    panel.wait(5)  # what comes after the end is passed by then
                break
        time.sleep(0.05)
    if panel.process is not None and panel.process.poll() is None:
        return False
    panel.process = None
    return True


def plain(log: str) -> str:
    """A log without what differs from run to run: ids, ports, hashes, times, versions."""
    log = re.sub(r"(after|took|:) [0-9.]+ s\b", r"\1 T", log)
    log = re.sub(r"port [0-9]+", "port P", log)
    log = re.sub(r"Commit [0-9a-f]{12} by Test: version \S+", "Commit", log)
    return re.sub(r"release \S{21} ", "release R ", log)


def environs() -> Iterator[tuple[int, bytes]]:
    """Pid and environment of every process."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                yield int(folder.name), (folder / "environ").read_bytes()


def marked_processes(data_dir: Path) -> list[int]:
    """Processes of deployments of this panel: anchors by their run folder, commands by their marker."""
    runs = os.fsencode(data_dir / "run")
    with contextlib.closing(sqlite3.connect(data_dir / "headway.db")) as connection:
        ids = connection.execute("SELECT deployment_id FROM deployments").fetchall()
    markers = [b"HEADWAY_DEPLOYMENT_ID=" + id_.encode() + b"\0" for (id_,) in ids]
    found = []
    for pid, environ in environs():
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if runs in command or any(marker in environ for marker in markers):
                found.append(pid)
    return found
