"""Filling a disk that the panel shares with everybody, where the operator has set nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.attacks.test_native_disk import FILLER, pid_of
from tests.support.panel.panel import Panel, git_repository, until

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(300)]

FILES = {"app.py": FILLER, "Procfile": "web: python3 app.py\n"}
SIZE, RESERVE = 480 << 20, 24 << 20  # a twentieth
AT_ONCE = "one(os.environ['HOME'] + '/large', {megabytes})"
# Some stays free however late a look comes on a busy machine: on a full disk what was ended could not start again.
LEFT = 8 << 20

# Less than a build may leave free, and enough for whoever looks at that.
FILL = f"""
import os, time
for n in range(900):
    seen = os.statvfs(".")
    if seen.f_bavail * seen.f_frsize > {RESERVE + LEFT}:
        open(str(n), "wb").write(bytes(4 << 20))
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    """A disk of its own for a data folder, which accounts come to."""
    place = Path(tempfile.mkdtemp(prefix="headway-disk-", dir="/var/tmp"))
    place.chmod(0o755)
    options = f"size={SIZE},nr_inodes=20000,mode=755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


@pytest.fixture(scope="module")
def panel(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    panel = Panel(disk / "data", HEADWAY_LEAST_FREE="96MiB", HEADWAY_BALLAST="1MiB").start()
    try:
        url = git_repository(tmp_path_factory.mktemp("disk") / "filler", FILES)
        for name in ("filler", "other"):
            panel.done(panel.deploy(panel.application(url, name=name)), 90)
        yield panel
    finally:
        panel.clean_up()


def in_many(megabytes: int, left: int = 0, pause_seconds: float = 0.3) -> str:
    return quote(f"many(os.environ['HOME'] + '/many', {megabytes}, {pause_seconds}, {left})")


def id_of(panel: Panel, name: str) -> str:
    found: str = panel.get("application.search", name=name)["items"][0]["applicationId"]
    return found


def data_of(panel: Panel, name: str) -> Path:
    return panel.work / "data" / id_of(panel, name)


def free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def fill_until_near(panel: Panel, disk: Path, name: str = "filler", left: int = 2 * RESERVE) -> None:
    megabytes = (free(disk) - left) >> 20
    panel.visit(name, f"/{quote(AT_ONCE.format(megabytes=megabytes))}")
    until(lambda: free(disk) < left + (4 << 20), 90, what="the disk is nearly full")
    time.sleep(3)  # so that it is seen as it is


def clear(panel: Panel, disk: Path, name: str = "filler") -> None:
    for each in data_of(panel, name).iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    until(lambda: free(disk) > 4 * RESERVE, 10)


def test_whoever_fills_the_disk_is_ended_and_the_others_go_on(panel: Panel, disk: Path) -> None:
    fill_until_near(panel, disk)
    before, others = pid_of(panel), pid_of(panel, "other")
    panel.visit("other", f"/{in_many(8)}")
    panel.visit("filler", f"/{in_many(3000, LEFT, 1.2)}")  # it grows while it is looked at, also on a busy machine
    until(lambda: pid_of(panel) not in {None, before}, 150, what="it is ended, and started again")
    assert pid_of(panel, "other") == others
    said = panel.get("application.readLogs", applicationId=id_of(panel, "filler"), tail=1000)
    assert "HEADWAY_DISK_RESERVE" in said
    assert f"where {RESERVE >> 20} MiB stay free of applications" in said
    # It serves, writes nothing, and may clear up; and so it is for as long as the disk is short.
    left = free(disk)
    panel.visit("filler", f"/{in_many(40)}")
    panel.visit("other", "/")
    time.sleep(3)
    assert free(disk) > left - (6 << 20)
    clear(panel, disk)
    clear(panel, disk, "other")
    until(lambda: writes(panel), 90, what="it may write again")


def writes(panel: Panel) -> bool:
    if panel.visit("filler", f"/{quote(AT_ONCE.format(megabytes=1))}").status_code != 200:
        return False  # it is started again
    time.sleep(0.3)
    large = data_of(panel, "filler") / "large"
    return large.exists() and large.stat().st_size == 1 << 20


def test_a_build_that_fills_the_disk_is_ended(panel: Panel, disk: Path, tmp_path: Path) -> None:
    files = {**FILES, "fill.py": FILL}
    application_id = panel.application(git_repository(tmp_path / "building", files), name="building")
    panel.post("application.update", applicationId=application_id, build={"build": "python3 fill.py"})
    ended = panel.ended(panel.deploy(application_id), 90)
    assert ended["status"] == "error"
    assert "HEADWAY_LEAST_FREE" in ended["errorMessage"]
    assert "while it was built" in ended["errorMessage"]
    until(lambda: free(disk) > 2 * RESERVE, 20, what="nothing of it is left")
    assert pid_of(panel)


def test_an_upgrade_on_a_short_disk_ends_nobody_and_names_who_has_it(panel: Panel, disk: Path) -> None:
    held = data_of(panel, "filler") / "large"
    panel.stop()
    (panel.work / "native" / "spared.json").unlink()
    with held.open("wb") as file:
        while free(disk) > RESERVE - (4 << 20):
            file.write(bytes(1 << 20))
            file.flush()
    shutil.chown(held, *2 * (held.parent.stat().st_uid,))
    looked = subprocess.run(
        [sys.executable, "-m", "headway.cli.main", "upgrade-check", "--data-dir", str(panel.data_dir)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert "HEADWAY_DISK_RESERVE" in looked
    assert "filler" in looked
    panel.start()
    until(lambda: "HEADWAY_DISK_RESERVE" in panel.log(), 20, what="it is told at the first start")
    before = pid_of(panel)
    panel.visit("filler", f"/{in_many(8)}")
    time.sleep(4)
    assert pid_of(panel) == before
    clear(panel, disk)
    until(lambda: (panel.work / "native" / "spared.json").read_text() == "[]", 10, what="it is guarded from now on")
