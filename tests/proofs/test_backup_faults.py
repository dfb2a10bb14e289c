"""Must show 2: whatever fails at whatever stage of a backup, a volume backup and their restores, none is ``done`` that
is not, no bad object has a good name, no temporary is left, and a service that was stopped for it runs again.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.proofs._kept import MEGABYTES, Kept, kept
from tests.proofs._lanes import LANES, in_lanes
from tests.support.databases.mariadb import lacks_mariadb
from tests.support.databases.postgres import find_program
from tests.support.panel.panel import until
from tests.support.storages.backups import Volumes
from tests.support.storages.s3 import lacks_s3

Json = Any
NARROW = "--bwlimit=4M"
IMPATIENT = "--timeout=5s"
KINDS = ("backup", "volume backup")
_WANTED = re.compile(os.environ.get("BACKUP_KINDS", ""))  # only kinds of runs whose name it is found in
RUNS = [*filter(_WANTED.search, (*KINDS, "restore", "volume restore"))]
EVERY = int(os.environ.get("BACKUP_EVERY", "1"))  # only each so-and-so-many-th crash point, to look quickly
lacks = lacks_s3() or lacks_mariadb() or (None if find_program("pg_dump") else "this machine has no PostgreSQL")
pytestmark = [
    pytest.mark.skipif(lacks is not None, reason=str(lacks)),
    pytest.mark.skipif(os.geteuid() != 0, reason="volumes hold files of many accounts: needs root"),
]


@pytest.fixture
def site() -> Iterator[Kept]:
    with kept() as made:
        yield made


@pytest.fixture
def sites() -> Iterator[list[Kept]]:
    """Kinds of runs that know nothing of each other are shown at the same time."""
    with ExitStack() as stack:
        yield [stack.enter_context(kept()) for _ in range(LANES)]


def failed(site: Kept, deployment_id: str, *sentences: str) -> Json:
    """The run ended as an error that says why, and everything holds."""
    row = site.panel.ended(deployment_id, 180)
    assert row["status"] == "error", site.panel.deployment_log(deployment_id)
    assert not sentences or any(each in row["errorMessage"] for each in sentences), row["errorMessage"]
    site.check()
    return row


def test_every_program_of_every_stage_dies(site: Kept) -> None:
    site.hasten(NARROW)
    writing = {"backup": "pg_dump", "volume backup": "tar"}
    reading = {"backup": "pg_restore", "volume backup": "tar"}
    for what in KINDS:
        for marker, programs in (
            ("Writing to", (writing[what], "packer.py", "rclone")),
            ("read back", (reading[what], "packer.py", "rclone")),
        ):
            for program in programs:
                deployment_id = site.begin(what)
                found = until(lambda: in_the_midst(site, deployment_id, marker, program), 90)  # noqa: B023
                for pid in found:
                    with_kill(pid)
                row = failed(site, deployment_id)
                print(f"\n  {what}, {marker}, {program} killed: {row['errorMessage']}", end="")
    assert site.files() == {}
    site.hasten("")
    for what in KINDS:
        site.panel.done(site.begin(what), 120)
    site.check()


def test_the_storage_stops_in_the_midst_and_comes_back(site: Kept) -> None:
    site.hasten(NARROW)
    for what in KINDS:
        for marker in ("Writing to", "read back"):
            deployment_id = site.begin(what)
            until(lambda: in_the_midst(site, deployment_id, marker, "rclone"), 90)  # noqa: B023
            time.sleep(0.5)
            site.s3.stop()
            row = site.panel.ended(deployment_id, 120)
            assert row["status"] == "error"
            until(site.serves, 30)
            site.s3.start()
            failed(site, deployment_id, "the destination failed")
            print(f"\n  {what}, {marker}, S3 stopped: {row['errorMessage']}", end="")
    site.hasten(IMPATIENT)
    for what in KINDS:
        deployment_id = site.begin(what)
        until(lambda: in_the_midst(site, deployment_id, "Writing to", "rclone"), 90)  # noqa: B023
        site.s3.pause(paused=True)
        row = site.panel.ended(deployment_id, 120)
        site.s3.pause(paused=False)
        print(f"\n  {what}, S3 falls silent: {row['status']}, {row['errorMessage']}", end="")
        site.check()


def test_what_was_altered_after_the_upload_gets_no_name(site: Kept) -> None:
    alterations: dict[str, Callable[[bytes], bytes]] = {
        "a byte in the middle": lambda of: of[: len(of) // 2] + bytes([of[len(of) // 2] ^ 1]) + of[len(of) // 2 + 1 :],
        "a byte of its sum": lambda of: of[:-20] + b"00" + of[-18:],
        "cut off": lambda of: of[: len(of) // 3],
        "something behind it": lambda of: of + b"more",
        "twice": lambda of: of + of,
        "empty": lambda _: b"",
    }
    for what in KINDS:
        at = site_points(site, what).index("command upload ended") + 1
        site.panel.start()
        other = site.s3.rclone("cat", f"dest:backups/{site.newest(what)}")
        site.panel.stop()
        for name, altered in (alterations | {"another backup": lambda _: other}).items():  # noqa: B023
            site.crash_at(at)
            deployment_id = site.begin(what)
            site.crashed(name)
            (path,) = [each for each in site.s3.objects() if each.endswith(".partial")]
            content = altered(site.s3.rclone("cat", f"dest:backups/{path}"))
            site.s3.rclone("rcat", f"dest:backups/{path}", stdin=content)
            site.panel.start()
            row = failed(site, deployment_id)
            print(f"\n  {what}, {name}: {row['errorMessage']}", end="")
            site.panel.stop()
        site.crash_at(at)
        deployment_id = site.begin(what)
        site.crashed("removed")
        (path,) = [each for each in site.s3.objects() if each.endswith(".partial")]
        site.s3.rclone("deletefile", f"dest:backups/{path}")
        site.panel.start()
        failed(site, deployment_id)
        site.panel.stop()


def test_the_panel_is_killed_at_every_step(sites: list[Kept]) -> None:
    def prove(site: Kept, what: str) -> None:
        for name, row, log in crashes(site, what, lambda: None):
            assert row["status"] == "done", (name, row, log)

    in_lanes(sites, RUNS, prove)


def test_the_machine_goes_down_at_every_step(sites: list[Kept]) -> None:
    def prove(site: Kept, what: str) -> None:
        for name, row, _ in crashes(site, what, site.kill_anchors):
            assert row["status"] == "done" or row["reason"] == "lost", (name, row)

    in_lanes(sites, RUNS, prove)


def test_it_is_killed_at_any_time(site: Kept) -> None:
    site.hasten("--bwlimit=12M")
    for what in (*KINDS, "restore", "volume restore"):
        took = MEGABYTES / 12 * 2 + 1
        file = kept_file(site, what)
        for number in range(12):
            deployment_id = site.begin(what, file)
            until(lambda: site.panel.one(deployment_id)["status"] == "running", 30)  # noqa: B023
            time.sleep(number * took / 12)
            answer = site.panel.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
            row = site.panel.ended(deployment_id, 5)
            assert (answer.status_code == 200) is (row["reason"] == "killed"), (answer.text, row)
            site.check()
            print(f"\n  {what} killed after {number * took / 12:.1f} s: {row['status']} {row['reason'] or ''}", end="")
        give_back(site, what, file)


def test_the_disk_is_full(site: Kept) -> None:
    small = site.folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES // 2}m", "tmpfs", str(small)], check=True)
    try:
        site.panel.stop()
        site.panel.start(HEADWAY_BACKUP_DIR=str(small))
        local = site.panel.post("destination.create", name="small", provider="local")["destinationId"]
        volume_backup_id = Volumes(site.panel).make(
            applicationId=site.application_id, volumeName="data", turnOff=True, destinationId=local
        )
        site.panel.post("backup.update", backupId=site.backup_id, destinationId=local)
        for deployment_id in (Volumes(site.panel).start(volume_backup_id), site.begin("backup")):
            row = failed(site, deployment_id, "it is full")
            assert [path for path in small.rglob("*") if path.is_file()] == []
            print(f"\n  {row['errorMessage']}", end="")
        site.panel.stop()
    finally:
        subprocess.run(["umount", str(small)], check=True)
    site.panel.start()


def crashes(site: Kept, what: str, also: Callable[[], None]) -> Iterator[tuple[str, Json, str]]:
    """(crash point, row, log) of a run of this kind whose panel dies there, once another has ended it and everything
    was found to hold; ``also`` is what happens beside the panel's death.
    """
    names = site_points(site, what)
    print(f"\n{len(names)} crash points in a {what}")
    file = kept_file(site, what)
    site.panel.start()
    before = contents(site, what)
    site.panel.stop()
    # The last one that was passed may come later by one or two in another run: a lease was renewed meanwhile.
    for at, name in [*enumerate(names[:-2], 1)][::EVERY]:
        site.crash_at(at)
        if "restore" in what:
            site.change()
        changed = contents(site, what)
        deployment_id = site.begin(what, file)
        site.crashed(name)
        also()
        site.panel.start()
        row = site.panel.ended(deployment_id, 120)
        site.check()
        left = contents(site, what)
        assert left == before if row["status"] == "done" else left in (before, changed), name
        print(f"  {at:3} of a {what}, {name}: {row['status']} {row['reason'] or ''}")
        yield name, row, site.panel.deployment_log(deployment_id)
        site.panel.kill()
    site.panel.start()
    give_back(site, what, file)
    site.panel.stop()


def in_the_midst(site: Kept, deployment_id: str, marker: str, program: str) -> list[int]:
    """The processes of a program while the run is at the stage that the marker names, once some data has passed."""
    steps = [step["name"] for step in site.panel.one(deployment_id)["steps"]]
    at = "read back" if "begin" in steps and not site.programs(deployment_id, "rcat") else "Writing to"
    words = {Path(word).name for pid in site.programs(deployment_id, "rclone") for word in arguments(pid)}
    stage = "Writing to" if "rcat" in words else "read back" if "cat" in words else at
    return site.programs(deployment_id, program) if stage == marker and words else []


def arguments(pid: int) -> list[str]:
    """The command line of a process, as far as it is there still."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def with_kill(pid: int) -> None:
    """SIGKILL, where it lives still."""
    subprocess.run(["kill", "-KILL", str(pid)], capture_output=True, check=False)


def site_points(site: Kept, what: str) -> list[str]:
    """The crash points of a kind of run, once the panel is down."""
    file = kept_file(site, what)
    if site.panel.process is not None:
        site.panel.stop()
    return site.passed(what, file)


def kept_file(site: Kept, what: str) -> str:
    """A file to restore, made where there is none; empty for what makes one."""
    if "restore" not in what:
        return ""
    was_down = site.panel.process is None
    if was_down:
        site.panel.start()
    if not [each for each in site.files() if ("tar" in each) is ("volume" in what)]:
        site.panel.done(site.begin("volume backup" if "volume" in what else "backup"), 120)
    file = site.newest(what)
    if was_down:
        site.panel.stop()
    return file


def contents(site: Kept, what: str) -> Json:
    """What a kind of run is about: all that is in the folder, or in the database."""
    folder, rows = site.contents()
    return folder if "volume" in what else rows


def give_back(site: Kept, what: str, file: str) -> None:
    """After restores: what was kept is there again."""
    if "restore" in what:
        site.panel.done(site.begin(what, file), 120)
