"""Layers over releases: kills of everybody in turn leave no layer, no mount and the release as it was
built; a machine that refuses overlays serves too; and what a start costs with 1 GiB of dependencies.
"""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.attacks.test_native_layer import FILES, WRITER, digest, layers, mounted
from tests.integration.runtimes.launch.test_layer import Bench
from tests.support.panel.panel import Panel, git_repository, until

ROUNDS = int(os.environ.get("ROUNDS", "40"))
pytestmark = pytest.mark.root
SCALED = {**FILES, "Procfile": "web: python3 app.py\nworker: touch w; exec sleep 6000\n"}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="headway-layers-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


CHANGES = "(os.remove('gone.txt') if os.path.exists('gone.txt') else None) or told('made', 'x')"


class Served:
    """An application of three copies and a worker, and what there is of it."""

    def __init__(self, panel: Panel, folder: Path) -> None:
        self.panel = panel
        url = git_repository(folder / "repository", SCALED)
        self.application_id = panel.application(url, name="writer", scale={"web": 3, "worker": 1})
        self.release = panel.deploy(self.application_id)
        panel.done(self.release, 120)
        self.folder = panel.work / "releases" / self.application_id / self.release
        self.before = digest(self.folder)

    def writes(self) -> None:
        """Each copy of web writes and deletes something."""
        for _ in range(9):
            said = self.panel.visit("writer", f"/{quote(CHANGES)}")
            assert (said.status_code, said.text) == (200, "1"), said.text

    def settled(self) -> None:
        """Each process that lives has its layer and nobody else has one, and the release is as it was built."""
        until(lambda: self.panel.visit("writer").status_code == 200, 60, what="it serves")
        whole = ["web", "web.2", "web.3", "worker"]
        until(lambda: layers(self.panel) == whole, 60, what=f"each has its layer, not {layers(self.panel)}")
        assert len(mounted(self.folder)) >= len(whole)
        assert digest(self.folder) == self.before


def test_kills_of_everybody_leave_neither_a_layer_nor_a_mount(folder: Path) -> None:
    panel = Panel(folder / "data").start()
    try:
        served, chance = Served(panel, folder), random.Random(17)
        for turn in range(ROUNDS):
            served.writes()
            match turn % 4:
                case 0 | 1:
                    victims = chance.sample(mounted(served.folder), 2)
                    for pid in victims:
                        os.kill(int(pid), signal.SIGKILL)
                case 2:
                    panel.kill()
                    os.kill(int(chance.choice(mounted(served.folder))), signal.SIGKILL)
                    time.sleep(chance.random())
                    panel.start()
                case _:
                    os.kill(supervisor(panel), signal.SIGKILL)
            served.settled()
        panel.post("application.stop", applicationId=served.application_id)
        assert (layers(panel), mounted(served.folder), digest(served.folder)) == ([], [], served.before)
    finally:
        panel.clean_up()
    print(
        f"\n{ROUNDS} kills of processes, panel and supervisor: no layer and no mount was left, the release is as built"
    )


def test_what_a_machine_that_went_down_has_left_is_swept_at_the_next_start(folder: Path) -> None:
    panel = Panel(folder / "data").start()
    try:
        served = Served(panel, folder)
        served.writes()
        panel.kill()
        os.kill(supervisor(panel), signal.SIGKILL)
        for pid in mounted(served.folder):
            os.kill(int(pid), signal.SIGKILL)
        assert layers(panel) == ["web", "web.2", "web.3", "worker"], "as after a cut of power"
        panel.start()
        served.settled()
    finally:
        panel.clean_up()


def test_a_machine_that_refuses_mounts_serves_from_copies(folder: Path) -> None:
    panel = Panel(folder / "data")
    panel.python = str(without_mounts(folder))
    try:
        panel.start()
        url = git_repository(folder / "repository", {**FILES, "Procfile": "web: python3 app.py\n", "app.py": WRITER})
        application_id = panel.application(url, name="writer")
        release = panel.deploy(application_id)
        panel.done(release, 120)
        before = digest(panel.work / "releases" / application_id / release)
        assert "a copy of the release without what was installed" in panel.deployment_log(release)
        assert panel.visit("writer", "/told('kept.txt','x')").text == "1"
        assert digest(panel.work / "releases" / application_id / release) == before
        panel.post("application.stop", applicationId=application_id)
        assert layers(panel) == []
    finally:
        panel.clean_up()


def test_no_process_takes_what_a_disk_keeps_back_for_root(folder: Path) -> None:
    disk, image = folder / "disk", folder / "image"
    disk.mkdir()
    with image.open("wb") as made:
        made.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "20", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, disk], check=True)
    try:
        disk.chmod(0o711)
        bench = Bench(disk)
        what = "print(sum(1 for _ in fill()))"
        said = bench.does("overlay", f"{FILL}\n{what}", bytes=1 << 30)
        left = os.statvfs(disk)
        assert (said.returncode, said.stdout != "") == (0, True), said.stderr
        assert left.f_bavail < 64, "it took all that there is for everybody"
        assert left.f_bfree * left.f_frsize > 10 << 20, "and nothing more"
    finally:
        subprocess.run(["umount", disk], check=True)


FILL = """
def fill():
    with open("large", "wb", 0) as file:
        try:
            while file.write(bytes(1 << 12)):
                yield
        except OSError:
            pass
"""


def without_mounts(folder: Path) -> Path:
    """A Python that has no right to mount anything, as root has none in a container."""
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nexec setpriv --bounding-set=-sys_admin --inh-caps=-all -- {sys.executable} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def supervisor(panel: Panel) -> int:
    return int((panel.work / "native/supervisord/supervisord.pid").read_text())
