"""The layer over a release on a server: a process writes where it likes, the release stays as it was built, and nothing
of a layer and no mount is left after a kill, a full layer, the death of the panel, the server's restart and a stop.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.attacks.test_native_layer import BOUND, FILES, digest, mounted
from tests.e2e.test_applications_servers import Site, connected
from tests.support.machines.server_roots import MISSING
from tests.support.panel.panel import git_repository, host_of, until

pytestmark = [pytest.mark.root, pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")]

NEIGHBOUR = {**FILES, "Procfile": "web: python3 app.py\n", "app.json": "{}"}
# Each with what it gives: created, changed and deleted, below the release and where others own the files.
WRITES = {
    "told('new.txt', 'x')": "1",
    "told('kept.txt', 'more', 'a')": "4",
    "os.makedirs('instance') or told('instance/db.sqlite', 'x')": "1",
    "os.remove('gone.txt')": "None",
    "os.chmod('run.sh', 0o700)": "None",
    "os.rename('static', 'public') or told('public/old.css', mode='r')": "old\n",
    "shutil.rmtree('dist')": "None",
    "all(os.stat(each).st_uid == os.getuid() for each in ['.', 'app.py', 'requirements.txt'])": "True",
}


class Served:
    """An application on a server, and what there is of it there."""

    def __init__(self, site: Site, folder: Path, name: str, files: dict[str, str]) -> None:
        self.site = site
        self.application_id = site.application(git_repository(folder / name, files), name)
        self.release = site.panel.deploy(self.application_id)
        site.panel.done(self.release, 120)
        self.work = next((site.server.root / "var/lib/headway").glob("*.work"))
        self.folder = self.work / "releases" / self.application_id / self.release
        self.before = digest(self.folder)
        self.host = host_of(site.panel.get("application.one", applicationId=self.application_id))

    def asks(self, what: str = "") -> str:
        """What came of it; "" where nobody answers."""
        url = f"http://{self.site.server.address}:{self.site.panel.edge_port}/{quote(what)}"
        try:
            answer = httpx.get(url, headers={"host": self.host}, timeout=10, trust_env=False)
        except httpx.TransportError:
            return ""
        return answer.text if answer.status_code == 200 else ""

    def layers(self) -> list[str]:
        """The layers that there are on the server for it, by the names of their processes."""
        found = (self.work / "native/layers" / self.release).glob("*")
        return sorted(each.name.partition("+")[0] for each in found)

    def begins(self) -> None:
        """Another process serves, in a layer of its own."""
        old = self.asks()
        self.asks("os.kill(os.getpid(), 9)")
        self.settled(old)

    def writes(self) -> None:
        """In every way, in a new layer."""
        self.begins()
        assert {what: self.asks(what) for what in WRITES} == WRITES

    def settled(self, old: str = "") -> None:
        """Another process than ``old`` serves, with a layer of its own and nothing of those before, and the release is
        as it was built.
        """
        until(lambda: self.asks() not in {"", old}, 60, what="it serves")
        until(lambda: self.layers() == ["web", "worker"], 60, what=f"one layer each, not {self.layers()}")
        assert self.asks("os.path.exists('new.txt')") == "False"
        assert digest(self.folder) == self.before

    def mounts(self) -> list[str]:
        """The processes that have something mounted at the release, as they see it."""
        return mounted(Path("/") / self.folder.relative_to(self.site.server.root))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with connected(tmp_path_factory.mktemp("far-layers"), pivots=True, HEADWAY_APPLICATION_LAYER=BOUND) as site:
        yield site


@pytest.fixture(scope="module")
def neighbour(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(site, tmp_path_factory.mktemp("neighbour"), "near", NEIGHBOUR)


@pytest.fixture(scope="module")
def served(site: Site, neighbour: Served, tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(site, tmp_path_factory.mktemp("writer"), "writer", FILES)


def test_a_process_changes_any_file_and_the_release_stays(served: Served) -> None:
    served.writes()
    assert digest(served.folder) == served.before
    log = served.site.panel.deployment_log(served.release)
    assert "goes to a layer of its own (an overlay; 48 MiB at most, HEADWAY_APPLICATION_LAYER)" in log, log


def test_a_kill_of_the_process_takes_its_layer(served: Served) -> None:
    served.writes()
    served.begins()


def test_a_full_layer_ends_its_process_and_no_neighbour(served: Served, neighbour: Served) -> None:
    old, other = served.asks(), neighbour.asks()
    served.asks("later(lambda: fill('cache', 3000))")
    served.settled(old)
    said = served.site.panel.get("application.readLogs", applicationId=served.application_id, tail=1000)
    assert "where a process may write 48 MiB there" in said
    assert neighbour.asks() == other, "the neighbour is the process that it was"


def test_a_panel_that_is_killed_leaves_the_process_its_layer_and_no_other(served: Served, site: Site) -> None:
    served.writes()
    old = served.asks()
    site.panel.kill()
    assert (served.asks(), served.asks("told('new.txt', mode='r')")) == (old, "x"), "it serves on, as it was"
    site.panel.start()
    (web,) = [pid for pid in served.mounts() if b"app.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    site.panel.kill()
    os.kill(int(web), signal.SIGKILL)
    site.panel.start()
    served.settled(old)


def test_a_server_that_goes_down_leaves_nothing_for_its_next_start(served: Served, site: Site) -> None:
    served.writes()
    site.server.stop()
    assert served.mounts() == []
    site.server.boot_id.write_text("11111111-1111-4111-8111-111111111111\n")
    site.server.start()
    served.settled()


def test_a_stop_leaves_neither_a_layer_nor_a_mount(served: Served, site: Site) -> None:
    served.writes()
    site.panel.post("application.stop", applicationId=served.application_id)
    assert (served.layers(), served.mounts(), digest(served.folder)) == ([], [], served.before)
    site.panel.post("application.start", applicationId=served.application_id)
    served.settled()
