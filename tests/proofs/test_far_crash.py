"""The panel dies at every step of a deploy on a server, with the link up and with the link down, or is paused until
another would have its run: each deployment ends truly, nothing runs twice, and who lost a run changes nothing there.
"""

from __future__ import annotations

import fcntl
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headway.features.servers.source_transfer import SMALL_BYTES
from tests.e2e.test_applications_servers import Site, connected
from tests.proofs._crash_site import AS_A_PERSON, BUILD, CRASHING, LEASE, PROCFILE, plain
from tests.proofs._lanes import LANES, in_lanes, some, the_same
from tests.support.machines.server_roots import MISSING
from tests.support.panel.panel import commit, git_repository, until, web

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
]
Json = Any
COUNTS = "var/tmp/counts"
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

    def hasten(self, number: int) -> None:
        """As that of ``Site``: most panels are begun without the time of loading."""
        self.site.panel.loaded = number % AS_A_PERSON != 1

    def start(self, named: str = "", by: signal.Signals = signal.SIGKILL) -> None:
        """Starts a panel that does that to itself at the crash point of this name; at none, where that is ""."""
        points = self.folder / "points"
        points.unlink(missing_ok=True)
        self.site.panel.env |= {"CRASH_AT": "0", "CRASH_POINTS": str(points), "CRASH_NAMED": named}
        self.site.panel.env["CRASH_SIGNAL"] = by.name
        self.site.panel.start(module=CRASHING)

    def passed(self) -> list[str]:
        """The crash points that the panel has passed."""
        return (self.folder / "points").read_text().splitlines()

    def crashed(self, name: str) -> None:
        """Waits for the crash."""
        panel = self.site.panel
        until(lambda: panel.process is not None and panel.process.poll() is not None, 90, what=f"the crash at {name}")
        panel.process = None
        assert self.passed()[-1] == name

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
def fars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Far]]:
    """What is to be shown at each of many points is shown at some of them at a time."""
    with ExitStack() as stack:
        yield [stack.enter_context(made(tmp_path_factory.mktemp("far"), index)) for index in range(LANES)]


@contextmanager
def made(folder: Path, index: int) -> Iterator[Far]:
    """One whose first release serves, with its panel stopped."""
    with connected(folder, index) as site:
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
def test_the_panel_is_killed_at_every_step(fars: list[Far], link: str) -> None:
    references = {far.folder: reference_of(far, f"reference-{link}") for far in fars}
    names = the_same(names for names, _ in references.values())
    print(f"\n{len(names)} crash points in a deploy on a server, with the link {link}")

    def prove(far: Far, point: tuple[int, str]) -> None:
        at, name = point
        before = far.counted()
        far.hasten(at)
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
        far.check_done(deployment_id, f"{link}{at}", before, references[far.folder][1])
        print(f"  {at:3} {name}: done")
        far.site.panel.stop()

    in_lanes(fars, some(names), prove)


def test_the_panel_is_killed_while_the_link_is_down(fars: list[Far]) -> None:
    """The link goes first, in the middle of each step; what the panel has under way then is not known to it."""
    references = {far.folder: reference_of(far, "reference-first-down")[1] for far in fars}

    def prove(far: Far, number: int) -> None:
        before = far.counted()
        far.hasten(number)
        far.site.panel.start()
        deployment_id = far.begin(f"d{number}")
        time.sleep(0.1 + number * 0.15)
        steps = [step["name"] for step in far.site.panel.one(deployment_id)["steps"]][-1:]
        with far.link_down():
            time.sleep(1)
            far.site.panel.kill()
            far.site.panel.start()
            time.sleep(1)
        far.check_done(deployment_id, f"d{number}", before, references[far.folder])
        print(f"  the link was cut in {steps}, the panel killed after it: done")
        far.site.panel.stop()

    in_lanes(fars, range(12), prove)


# Where the next thing that a run does is done on the server: by its anchor, by a file, by the attendant, by its edge.
PAUSES = ("gone ahead", "step unpack begun", "step build begun", "step start begun", "step route begun")


def test_a_paused_panel_that_has_lost_its_run_changes_nothing_there(fars: list[Far]) -> None:
    in_lanes(fars, PAUSES, changes_nothing)


def changes_nothing(far: Far, point: str) -> None:
    """A panel that is paused at this point until another would have its run starts nothing, and moves no route."""
    far.site.panel.loaded = False
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
    print(f"  paused at {point}: nothing was changed")
    far.site.panel.stop()


def living(far: Far) -> set[int]:
    """The processes of releases."""
    return {*far.site.server.living("app.py")}


def in_force(file: Path, epoch: int) -> None:
    """Puts an epoch in force as another panel would, under the lock."""
    with file.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(f"{epoch:020d}\n")
