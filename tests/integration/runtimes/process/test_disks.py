"""Who fills a disk is ended, whatever way it takes; the others go on. On a disk of its own, without a panel."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headway.drivers.runtimes.launch.launcher import FULL
from headway.drivers.runtimes.process.copies import Copies
from headway.drivers.runtimes.process.disks import Disks, disks_of
from headway.drivers.runtimes.process.programs import Layout
from headway.drivers.runtimes.process.record import ReleaseRecord
from headway.drivers.runtimes.process.records import Records
from headway.drivers.runtimes.process.reserve import Reserve
from tests.support.panel.panel import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

FILLER, NEIGHBOUR = 64201, 64202
LARGE = "open('large', 'wb').write(bytes(175 << 20))\n"
WAYS = {
    "many files": LARGE + "for number in range(900): open(str(number), 'wb').write(bytes(1 << 20)); time.sleep(0.4)",
    "a file that is removed": LARGE + "file = open('gone', 'wb', buffering=0); os.unlink('gone')\n"
    "while True: file.write(bytes(1 << 20)); time.sleep(0.4)",
    "a file that is mapped": LARGE + "file = open('gone', 'w+b'); os.unlink('gone'); file.truncate(1 << 30)\n"
    "seen = mmap.mmap(file.fileno(), 1 << 30); file.close()\n"
    "for at in range(0, 1 << 30, 1 << 20): seen[at : at + (1 << 20)] = bytes(1 << 20); time.sleep(0.4)",
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
    found = disks_of(layout, Records(layout), Copies(layout, None), 10 << 30)
    found.reserve.places = ()  # this machine's own disks may be short themselves
    return found


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
        said = disks.reason("filler", "SIGKILL", datetime.now(UTC))
        assert "stay free of applications (HEADWAY_DISK_RESERVE)" in said
        later = datetime.now(UTC) + timedelta(minutes=1)
        assert disks.reason("filler", "SIGKILL", later) == "SIGKILL"  # of memory, say
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


def test_who_made_room_on_a_disk_that_was_short_before_is_ended_where_it_fills_it_again(
    disk: Path, disks: Disks
) -> None:
    """What it had when nobody guarded the disk is not what it may have from then on."""
    large = disk / "filler" / "before"
    large.write_bytes(bytes(199 << 20))
    disks.watch()
    large.unlink()
    for _ in range(2):  # the panel looks every second
        time.sleep(1.5)
        disks.watch()
    assert disks.reserve.known() == set()
    program = begun(disk / "filler", WAYS["many files"], FILLER)
    try:

        def ended() -> bool:
            disks.watch()
            return program.poll() is not None

        until(ended, 30, what="it is ended")
        assert program.returncode == -9
    finally:
        program.kill()
        program.wait()


def lives(disks: Disks, program: subprocess.Popen[bytes], seconds: float = 3.0) -> None:
    """Whether it is not ended meanwhile."""
    until_then = time.monotonic() + seconds
    while time.monotonic() < until_then:
        disks.watch()
        assert program.poll() is None
        time.sleep(0.2)


def test_who_holds_much_is_not_ended_by_what_others_fill(disk: Path, disks: Disks) -> None:
    (disk / "filler" / "data").write_bytes(bytes(60 << 20))
    disks.watch()
    (disk / "images").write_bytes(bytes(134 << 20))
    writing = "for number in range(900): open('x', 'ab').write(bytes(4096)); time.sleep(0.05)"
    program = begun(disk / "filler", writing, FILLER)
    try:
        lives(disks, program)
        assert str(disk / "native") in [each.place for each in disks.reserve.near() if each.short()]
    finally:
        program.kill()
        program.wait()


def test_who_was_ended_is_not_ended_again_by_what_each_start_leaves(disk: Path, disks: Disks) -> None:
    disks.watch()
    home = disk / "filler"
    program = begun(home, WAYS["empty files"], FILLER)
    try:

        def ended() -> bool:
            disks.watch()
            return program.poll() is not None

        until(ended, 30, what="it is ended")
        program = begun(home, "while True: os.mkdir(str(time.monotonic_ns())); time.sleep(0.1)", FILLER)
        lives(disks, program)
    finally:
        program.kill()
        program.wait()


def test_what_is_made_between_the_look_and_the_end_counts_as_there(
    disk: Path, disks: Disks, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks.watch()
    home, slowly = disk / "filler", "while True: os.mkdir(str(time.monotonic_ns())); time.sleep(0.1)"
    for number in range(19_000):
        (home / str(number)).touch()
    kill = Disks._kill

    def kill_late(self: Disks, releases: Sequence[ReleaseRecord], line: str) -> None:
        for number in range(19_000, 19_500):
            (home / str(number)).touch()
        kill(self, releases, line)

    monkeypatch.setattr(Disks, "_kill", kill_late)
    program = begun(home, slowly, FILLER)
    try:

        def ended() -> bool:
            disks.watch()
            return program.poll() is not None

        until(ended, 30, what="it is ended")
        program = begun(home, slowly, FILLER)
        lives(disks, program)
    finally:
        program.kill()
        program.wait()


def test_where_no_application_ever_was_nothing_is_told_of_a_short_disk(disk: Path) -> None:
    layout = Layout(root=disk / "none" / "native")
    (disk / "images").write_bytes(bytes(195 << 20))
    records, copies, reserve = Records(layout), Copies(layout, None), Reserve(layout.root, 10 << 30, (str(disk),))
    assert Disks(layout=layout, records=records, copies=copies, reserve=reserve).holders() is None


async def test_a_look_keeps_nobody_waiting(disk: Path, disks: Disks) -> None:
    for number in range(100):
        (disk / "filler" / str(number)).touch()
    disks.look_on()
    disks.look_on()
    assert disks.reserve.known() is None, "nobody has looked yet"
    async with asyncio.timeout(20):
        while disks.reserve.known() is None:  # noqa: ASYNC110 - a thread looks
            await asyncio.sleep(0.05)
