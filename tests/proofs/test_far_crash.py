"""The panel dies at every step of a deploy on a server, with the link up and with the link down, or is paused until
another would have its run: each deployment ends truly, nothing runs twice, and who lost a run changes nothing there.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headway.features.servers.source_transfer import SMALL_BYTES
from tests.e2e.test_applications_servers import Site, connected
from tests.support.machines.server_roots import MISSING
from tests.support.panel.panel import commit, git_repository, until, web

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
]
Json = Any
LEASE = {"HEADWAY_LEASE_TIME": "3", "HEADWAY_LEASE_RENEWAL": "0.5"}
BUILD = "echo built >> $COUNTS/build; for i in 1 2 3 4 5 6; do echo line $i; sleep 0.05; done"
PROCFILE = "web: sleep 0.3; python3 app.py\nrelease: echo released >> $COUNTS/release; echo releasing; sleep 0.3\n"
COUNTS = "var/tmp/counts"
FIRST = int(os.environ.get("CRASH_FROM", "1"))  # to go on where a run was broken off
WRITES = {"before a write", "after a write"}  # told over here of a deploy on this machine, by the same engine
AWAY_SECONDS = 4
FAR_EPOCH = 1000


@dataclass(frozen=True)
class Far:
    """A server with an application whose builds and release commands are counted there."""

    site: Site
    folder: Path
    application_id: str

    def begin(self, version: str) -> str:
        """Commits a version, of a size that is sent in pieces, and queues its deploy."""
        padding = {"big.txt": "x" * SMALL_BYTES}
        commit(self.folder / "repository", web(version, Procfile=PROCFILE, **padding), f"version {version}")
        return self.site.panel.deploy(self.application_id)

    def counted(self) -> Counter[str]:
        """How often a build and a release command began, in all."""
        folder = self.site.server.root / COUNTS
        return Counter({path.name: path.read_text().count("\n") for path in folder.iterdir()})

    def start(self, named: str = "", by: signal.Signals = signal.SIGKILL) -> None:
        """Starts a panel that does that to itself at the crash point of this name; at none, where that is ""."""
        points = self.folder / "points"
        points.unlink(missing_ok=True)
        self.site.panel.env |= {"CRASH_AT": "0", "CRASH_POINTS": str(points), "CRASH_NAMED": named}
        self.site.panel.env["CRASH_SIGNAL"] = by.name
        self.site.panel.start(module="tests.support.panel.crashing_panel")

    def passed(self) -> list[str]:
        """The crash points that the panel has passed."""
        return (self.folder / "points").read_text().splitlines()

    def crashed(self, name: str) -> None:
        """Waits for the crash."""
        panel = self.site.panel
        until(lambda: panel.process is not None and panel.process.poll() is not None, 90, what=f"the crash at {name}")
        panel.process = None

    def check_done(self, deployment_id: str, version: str, before: Counter[str], reference: str) -> None:
        """The deployment ended ``done``, serves, ran everything once, its log is whole, and nothing is left of it."""
        row = self.site.panel.done(deployment_id, 120)
        assert self.site.visit(self.application_id).text == version
        assert self.counted() - before == Counter(build=1, release=1)
        assert plain(self.site.panel.deployment_log(deployment_id)) == plain(reference)
        assert row["reason"] is None
        self.check_nothing_left(deployment_id)

    def check_nothing_left(self, deployment_id: str) -> None:
        """No run folder and no parcel is left on either machine, and one release runs."""
        server, panel = self.site.server, self.site.panel
        there, here = server.root / "var/lib/headway", panel.data_dir
        until(lambda: not [*there.glob(f"*/runs/{deployment_id}*")], 60, what="no run folder is left there")
        until(lambda: not [*(here / "run/runs").glob(f"{deployment_id}*")], 60, what="no run folder is left here")
        assert [*there.glob("*.work/private/incoming/*")] == []
        assert [*here.glob("**/outgoing/*"), *panel.work.glob("outgoing/*")] == []
        until(lambda: len(server.living("app.py")) == 1, 20, what="one release runs")

    @contextmanager
    def link_down(self) -> Iterator[None]:
        """Nothing arrives meanwhile, and nobody is told."""
        cable = self.site.server.cable
        assert cable is not None
        cable.pull()
        try:
            yield
        finally:
            cable.plug()


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    folder = tmp_path_factory.mktemp("far")
    with connected(folder) as site:
        counts = site.server.root / COUNTS
        counts.mkdir(parents=True)
        counts.chmod(0o777)
        for name in ("build", "release"):
            (counts / name).touch()
            (counts / name).chmod(0o666)
        site.panel.stop()
        site.panel.env |= LEASE
        site.panel.start()
        url = git_repository(folder / "repository", web("first", Procfile=PROCFILE))
        application_id = site.application(url, "counted", buildCommand=BUILD, env=f"COUNTS=/{COUNTS}")
        site.panel.done(site.panel.deploy(application_id), 120)
        site.panel.stop()
        yield Far(site, folder, application_id)
        if site.panel.process is None:
            site.panel.start()
        site.panel.post("application.delete", applicationId=application_id)


def reference_of(far: Far, version: str) -> tuple[list[str], str]:
    """The names of the crash points that a whole deploy passes, each once, and its log."""
    far.start()
    deployment_id = far.begin(version)
    far.site.panel.done(deployment_id, 120)
    log = far.site.panel.deployment_log(deployment_id)
    far.site.panel.stop()
    return [name for name in dict.fromkeys(far.passed()) if name not in WRITES], log


@pytest.mark.parametrize("link", ["up", "down"])
def test_the_panel_is_killed_at_every_step(far: Far, link: str) -> None:
    names, reference = reference_of(far, f"reference-{link}")
    print(f"\n{len(names)} crash points in a deploy on a server, with the link {link}")
    for at, name in list(enumerate(names, 1))[FIRST - 1 :]:
        before = far.counted()
        far.start(name)
        deployment_id = far.begin(f"{link}{at}")
        far.crashed(name)
        if link == "down":
            with far.link_down():
                far.site.panel.start()
                time.sleep(AWAY_SECONDS)
                assert far.site.panel.one(deployment_id)["status"] in {"pending", "running", "done"}
        else:
            far.site.panel.start()
        far.check_done(deployment_id, f"{link}{at}", before, reference)
        print(f"  {at:3} {name}: done")
        far.site.panel.stop()


def test_the_panel_is_killed_while_the_link_is_down(far: Far) -> None:
    """The link goes first, in the middle of each step; what the panel has under way then is not known to it."""
    _, reference = reference_of(far, "reference-first-down")
    for number in range(12):
        before = far.counted()
        far.site.panel.start()
        deployment_id = far.begin(f"d{number}")
        time.sleep(0.1 + number * 0.15)
        steps = [step["name"] for step in far.site.panel.one(deployment_id)["steps"]][-1:]
        with far.link_down():
            time.sleep(1)
            far.site.panel.kill()
            far.site.panel.start()
            time.sleep(1)
        far.check_done(deployment_id, f"d{number}", before, reference)
        print(f"  the link was cut in {steps}, the panel killed after it: done")
        far.site.panel.stop()


# Where the next thing that a run does is done on the server: by its anchor, by a file, by the attendant, by its edge.
PAUSES = ("gone ahead", "step unpack begun", "step build begun", "step start begun", "step route begun")


@pytest.mark.parametrize("point", PAUSES)
def test_a_paused_panel_that_has_lost_its_run_changes_nothing_there(far: Far, point: str) -> None:
    before, serves = far.counted(), None
    far.start(point, signal.SIGSTOP)
    serves = far.site.visit(far.application_id).text
    deployment_id = far.begin(f"paused-{PAUSES.index(point)}")
    until(lambda: point in far.passed(), 90, what=point)
    time.sleep(float(LEASE["HEADWAY_LEASE_TIME"]) + 1)
    epochs = next(far.site.server.root.glob(f"var/lib/headway/*/epochs/{deployment_id}"))
    lost = far.counted()
    in_force(epochs, FAR_EPOCH)
    releases = living(far)
    far.site.panel.signal(signal.SIGCONT)
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline:
        assert far.counted() == lost, "a command was started"
        assert living(far) == releases, "a release was started"
        assert far.site.visit(far.application_id).text == serves, "the route was moved"
        time.sleep(0.2)
    assert far.site.panel.one(deployment_id)["status"] == "running"
    in_force(epochs, 1)  # whoever has it now may go on
    far.site.panel.done(deployment_id, 120)
    assert far.site.visit(far.application_id).text == f"paused-{PAUSES.index(point)}"
    assert far.counted() - before == Counter(build=1, release=1)
    far.check_nothing_left(deployment_id)
    far.site.panel.stop()


def living(far: Far) -> set[int]:
    """The processes of releases."""
    return {*far.site.server.living("app.py")}


def in_force(file: Path, epoch: int) -> None:
    """Puts an epoch in force as another panel would, under the lock."""
    with file.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(f"{epoch:020d}\n")


def plain(log: str) -> str:
    """A log without what differs from run to run: ids, ports, hashes, times, versions."""
    log = re.sub(r"(after|took|:) [0-9.]+ s\b", r"\1 T", log)
    log = re.sub(r"port [0-9]+", "port P", log)
    log = re.sub(r"Commit [0-9a-f]{12} by Test: version \S+", "Commit", log)
    return re.sub(r"release \S{21} ", "release R ", log)
