"""Who fills a disk is ended, whatever way it takes; the others go on. On a disk of its own, without a panel."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway.seams.runtimes.copies import Copies
from headway.seams.runtimes.disks import Disks, disks_of
from headway.seams.runtimes.launcher import FULL
from headway.seams.runtimes.programs import Layout
from headway.seams.runtimes.records import Records
from tests.panel import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

FILLER, NEIGHBOUR = 64201, 64202
LARGE = "open('large', 'wb').write(bytes(175 << 20))\n"
WAYS = {
    "many files": LARGE + "for number in range(900): open(str(number), 'wb').write(bytes(1 << 20)); time.sleep(0.2)",
    "a file that is removed": LARGE + "file = open('gone', 'wb', buffering=0); os.unlink('gone')\n"
    "while True: file.write(bytes(1 << 20)); time.sleep(0.2)",
    "a file that is mapped": LARGE + "file = open('gone', 'w+b'); os.unlink('gone'); file.truncate(1 << 30)\n"
    "seen = mmap.mmap(file.fileno(), 1 << 30); file.close()\n"
    "for at in range(0, 1 << 30, 1 << 20): seen[at : at + (1 << 20)] = bytes(1 << 20); time.sleep(0.2)",
    "empty files": "for number in range(19000): open(str(number), 'w').close()\nfor number in range(19000, 90000):\n"
    " open(str(number), 'w').close(); time.sleep(0.01)",
    "all at once": "file = open('x', 'wb', buffering=0)\nwhile True:\n try: file.write(bytes(1 << 20))\n"
    " except OSError: time.sleep(0.05)",
}
CHANGES = """
for number in range(10**6):
    try:
        open(str(number % 20), "wb").write(bytes(1000))
    except OSError:
        pass  # the disk was full for a moment
    time.sleep(0.05)
"""


@pytest.fixture
def disk() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="headway-disk-", dir="/var/tmp"))
    place.chmod(0o755)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200M,nr_inodes=20000,mode=755", "tmpfs", str(place)], check=True
    )
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


@pytest.fixture
def disks(disk: Path) -> Disks:
    """Those of a machine with two applications of one organisation."""
    layout = Layout(root=disk / "native")
    for name, uid in (("filler", FILLER), ("neighbour", NEIGHBOUR)):
        home = disk / name
        home.mkdir(mode=0o700)
        os.chown(home, uid, uid)
        folder = layout.release(name)
        folder.mkdir(parents=True)
        record = {"release_id": name, "application_id": name, "app_name": name, "programs": [["web", 1]], "uid": uid}
        rest = {"port": None, "home": str(home), "sealed_env": None, "organization_id": "one"}
        (folder / "release.json").write_text(json.dumps({**record, **rest}))
    return disks_of(layout, Records(layout), Copies(layout, None), 10 << 30)


def begun(home: Path, program: str, uid: int) -> subprocess.Popen[bytes]:
    text = f"import mmap, os, time\n{program}"
    given = {"user": uid, "group": uid, "extra_groups": [], "cwd": home, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(["/usr/bin/python3", "-c", text], **given)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("way", WAYS)
def test_whoever_fills_the_disk_is_ended_and_others_are_not(disk: Path, disks: Disks, way: str) -> None:
    disks.watch()
    neighbour, filler = begun(disk / "neighbour", CHANGES, NEIGHBOUR), begun(disk / "filler", WAYS[way], FILLER)
    try:

        def ended() -> bool:
            disks.watch()
            return filler.poll() is not None

        until(ended, 30, what="it is ended")
        assert filler.returncode == -9
        assert neighbour.poll() is None
        said = disks.reason("filler", "SIGKILL")
        assert "stay free of applications (HEADWAY_DISK_RESERVE)" in said
        mark = disks.layout.release("filler") / FULL
        assert mark.exists()
        assert not (disks.layout.release("neighbour") / FULL).exists()
        for each in (disk / "filler").iterdir():
            each.unlink()
        time.sleep(0.1)
        disks.watch()
        assert not mark.exists()
    finally:
        filler.kill()
        neighbour.kill()
        filler.wait()
        neighbour.wait()


def test_a_disk_that_was_short_before_is_left_as_it_is_until_it_had_room(disk: Path, disks: Disks) -> None:
    large = disk / "filler" / "before"
    large.write_bytes(bytes(193 << 20))
    assert "filler (193 MiB) goes on as before" in str(disks.holders())
    filler = begun(
        disk / "filler", "for number in range(900): open('x', 'ab').write(bytes(4096)); time.sleep(0.01)", FILLER
    )
    try:
        disks.watch()
        began = time.monotonic()
        while time.monotonic() < began + 3:
            disks.watch()
            assert filler.poll() is None
            time.sleep(0.2)
        assert disks.holders() is not None
        large.unlink()
        disks.watch()
        assert (disks.holders(), disks.reserve.known()) == (None, set())
    finally:
        filler.kill()
        filler.wait()
