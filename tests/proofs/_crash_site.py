"""A panel with an application whose builds and release commands are counted; the panel dies at its crash points and is
begun again.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.support.panel.panel import Panel, commit, git_repository, until, web

CRASHING = "tests.support.panel.crashing_panel"
BUILD = "echo built >> $COUNTS/build; for i in 1 2 3 4 5 6; do echo line $i; sleep 0.05; done"
PROCFILE = "web: sleep 0.3; python3 app.py\nrelease: echo released >> $COUNTS/release; echo releasing; sleep 0.3\n"
LEASE = {"HEADWAY_LEASE_TIME": "3", "HEADWAY_LEASE_RENEWAL": "0.5"}
END = "end written"
TRIES = 3
AS_A_PERSON = 10


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
        self.points = folder / "points"
        self.panel = Panel(folder / "data", **env)
        self.application_id = ""
        self.before = self.counted()  # when the run was begun that is looked at

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
        log = plain(self.panel.deployment_log(deployment_id))
        assert log == plain(reference), (log, plain(reference))
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

    def hasten(self, number: int) -> None:
        """Has the next panels begun without the time in which a program of its own would load itself, but for some of
        these numbers, whose panels are begun as a person begins them: what is proven is what they do then.
        """
        self.panel.loaded = number % AS_A_PERSON != 1

    def crash_at(self, at: int, *, named: str = "", uncounted: str = "") -> None:
        """Starts a panel that dies at its ``at``-th crash point (0: at none), or at the one that is ``named`` so."""
        self.points.unlink(missing_ok=True)
        self.points.touch()
        self.panel.start(
            module=CRASHING,
            CRASH_AT=str(at),
            CRASH_NAMED=named,
            CRASH_UNCOUNTED=uncounted,
            CRASH_POINTS=str(self.points),
        )

    def passed(self) -> list[str]:
        """The crash points that the panel has passed, to the end of the run. What may come behind it comes by chance: a
        heartbeat meanwhile finds that the run has no lease any more, and has it given up as one that is lost, which
        writes once more and changes nothing.
        """
        names = self.points.read_text().splitlines()
        return names[: names.index(END) + 1] if END in names else names

    def died(self, deployment_id: str) -> bool:
        """Waits until the panel has died, or its run has ended without that; whether it has died."""
        process, ended, until_then = self.panel.process, False, time.monotonic() + 60
        assert process is not None
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5 if ended else 0.5)  # what comes after the end is passed by then
                self.panel.process = None
                return True
            if ended:
                return False
            assert time.monotonic() < until_then, "neither a crash nor an end within 60 s"
            with contextlib.suppress(httpx.TransportError):
                ended = self.panel.one(deployment_id)["status"] in {"done", "error"}

    def meets(self, names: Sequence[str], at: int, begin: Callable[[], str], *, uncounted: str = "") -> Iterator[str]:
        """The run in which the panel has died at this of the points that a run passes, and nowhere before, once another
        panel has it. Where the machine has kept a run from its lease, it has passed other points: it is given as well,
        for what has come of it is to be checked like any, and then one more.
        """
        passed: list[str] = []
        for _ in range(TRIES):
            self.before = self.counted()
            self.crash_at(at, uncounted=uncounted)
            deployment_id = begin()
            if not self.died(deployment_id):
                self.panel.kill()
            passed = self.passed()
            self.panel.start()
            yield deployment_id
            self.panel.kill()
            if passed == names[:at]:
                return
            print(f"  {at:3} {names[at - 1]}: is met once more, for this run passed {passed}")
        msg = f"{names[at - 1]}, the {at}th, was not met: {passed} instead of {names[:at]}"
        raise AssertionError(msg)


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
