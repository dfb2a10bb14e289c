"""Filling a disk that the panel shares with everybody, where the operator has set nothing."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.attacks.test_native_disk import FILLER, pid_of
from tests.support.panel.panel import Panel, git_repository, until

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(300)]

FILES = {"app.py": FILLER, "Procfile": "web: python3 app.py\n"}
SIZE, RESERVE = 480 << 20, 24 << 20  # a twentieth
LEAST_FREE = 96 << 20
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
    panel = Panel(disk / "data", HEADWAY_LEAST_FREE=str(LEAST_FREE), HEADWAY_BALLAST="1MiB").start()
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


def test_uploads_that_never_end_leave_what_builds_need(panel: Panel, disk: Path) -> None:
    application_id = id_of(panel, "other")
    lowest = [free(disk)]

    def pieces() -> Iterator[bytes]:
        for _ in range(SIZE >> 20):  # of a length that nobody announces
            lowest.append(free(disk))
            yield bytes(1 << 20)

    def send(_number: int) -> httpx.Response:
        return panel.client.post(
            "/application.dropDeployment",
            params={"applicationId": application_id},
            content=pieces(),
            headers={"content-type": "application/gzip"},
            timeout=90,
        )

    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(send, range(3)))
    assert min(lowest) > LEAST_FREE - (4 << 20), "what each had under way, and what else the panel wrote"
    assert {each.status_code for each in answers} == {503}
    assert all("HEADWAY_LEAST_FREE" in each.text for each in answers), answers[0].text
    until(lambda: free(disk) > lowest[0] - (8 << 20), 20, what="nothing of them is left")


def test_what_archives_hold_unpacked_leaves_what_builds_need(panel: Panel, disk: Path) -> None:
    free_before = free(disk)
    assert free_before > 280 << 20
    applications, told = [], []
    for number, more in enumerate((20, -20, 0)):  # what does not fit, what does, and after that nothing of its size
        environment_id = panel.post("project.create", name=f"zeros-{number}")["environment"]["environmentId"]
        made = panel.post("application.create", name=f"zeros-{number}", environmentId=environment_id)
        applications.append(made["applicationId"])
        answer = panel.client.post(
            "/application.dropDeployment",
            data={"applicationId": applications[-1]},
            files={"zip": ("zeros.tar", zeros(((free_before - LEAST_FREE) >> 20) + more))},
            timeout=90,
        )
        told.append(answer)
        if answer.status_code == 200:  # it finds no room for a build of that, or comes to nothing
            panel.ended(answer.headers["x-deployment-id"], 90)
        until(lambda: free(disk) > LEAST_FREE - (4 << 20), 20, what="what is kept leaves so much")
    assert [each.status_code for each in told] == [503, 200, 503]
    assert "HEADWAY_LEAST_FREE" in told[0].text
    for each in applications:
        panel.post("application.delete", applicationId=each)
    until(lambda: free(disk) > free_before - (8 << 20), 30)


def zeros(megabytes: int) -> bytes:
    """A few megabytes that are unpacked to as many."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as archive:
        for name, data in (("noise", os.urandom(3 << 20)), ("zeros", bytes(megabytes - 3 << 20))):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


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
