"""What fills or takes away the machine: memory, output, disk, database; each ends in a clear error, the old release
serves, nothing is left.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from headway.infra.hosts import cgroups
from tests.support.applications.kept import Kept, kept, open_folder
from tests.support.databases.postgres import running_cluster
from tests.support.panel.browser import address_of, cookie_name, session_of
from tests.support.panel.panel import Panel, commit, git, git_repository, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MIB = 1 << 20
SPOOL_CAP = 1 * MIB
EATER = """\
held = []
while True:
    held.append(b"x" * (1 << 20))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    limits = {"HEADWAY_BUILD_MEMORY": "96MiB", "HEADWAY_SPOOL_CAP": str(SPOOL_CAP)}
    with kept(tmp_path_factory.mktemp("site"), **limits) as made:
        yield made


@pytest.mark.root
def test_a_build_that_fills_the_memory(site: Kept) -> None:
    url = site.repository(web("x", **{"eat.py": EATER}))
    said = "build used more memory than it may.*Let it use less, or raise its memory limit"
    site.fails(said, reason="out_of_memory", customGitUrl=url, buildCommand="python3 eat.py")


@pytest.mark.root
def test_a_build_that_fills_the_memory_in_a_process_below_it(site: Kept) -> None:
    url = site.repository(web("x", **{"eat.py": EATER}))
    site.fails("memory", reason="out_of_memory", customGitUrl=url, buildCommand="echo begun; python3 eat.py; exit 1")


@pytest.mark.root
def test_an_application_that_fills_the_memory_while_it_starts(site: Kept) -> None:
    url = site.repository(web("x", Procfile="web: python3 eat.py\n", **{"eat.py": EATER}))
    said = "ended 3 times while it was starting, last with .*SIGKILL, since its memory bound was reached.*--memory SIZE"
    site.fails(said, customGitUrl=url, memoryLimit="64MiB", healthDeadlineSeconds=30)


@pytest.mark.root
def test_gates_that_the_machine_does_not_allow_are_named_to_whom_it_is_theirs(tmp_path: Path) -> None:
    mount = next(each for each in cgroups.hierarchies() if each.is_unified)
    python = tmp_path / "python"
    without = f'umount --lazy {mount.folder}; exec {sys.executable} "$@"'
    python.write_text(f"#!/bin/sh\nexec unshare --mount /bin/sh -c '{without}' sh \"$@\"\n")
    python.chmod(0o755)
    panel = Panel(tmp_path / "data")
    panel.python = str(python)
    try:
        panel.start()
        told = until(lambda: panel.get("settings.health").get("gates"), what="it is told")
        assert told == [{"gate": "applications", "message": "there are no control groups of version 2"}]
        cookies = {cookie_name(panel): session_of(panel)}
        home = httpx.get(f"{address_of(panel)}/home", cookies=cookies, trust_env=False)
        words = "Applications that are processes are kept from nothing of the machine: there are no control groups"
        assert words in home.text
        other = panel.post("organization.create", name="Others")["apiKey"]
        answer = panel.client.get("/settings.health", headers={"x-api-key": other})
        assert answer.json() == {"status": "ok"}
    finally:
        panel.clean_up()


def test_a_build_that_prints_for_ever(site: Kept) -> None:
    row = site.fails(
        "build took longer than its step may take.*Let it do less, or raise its deadline",
        reason="timed_out",
        buildCommand="echo the first line; yes 'over and over and over'",
        stepSeconds=4,
    )

    text = Path(row["logPath"]).read_text()
    assert len(text) < SPOOL_CAP * 1.1
    assert "the first line\nover and over" in text
    assert "has put out more than is kept" in text
    assert re.search(r"\[headway: \d+ bytes are left out here\]", text)


def test_a_build_that_says_nothing_for_ever(site: Kept) -> None:
    site.fails(
        "build wrote nothing for longer than is allowed.*raise its deadline",
        reason="timed_out",
        buildCommand="echo quiet now; sleep 600",
        inactivitySeconds=2,
    )


@pytest.fixture(scope="module", params=["16MiB", "0"], ids=["ballast", "no ballast"])
def small_disk(request: pytest.FixtureRequest) -> Iterator[Kept]:
    """The application on a disk of its own, of 160 MiB."""
    with open_folder() as folder:
        data = folder / "data"
        data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m,mode=711", "none", data], check=True)
        try:
            with kept(folder, HEADWAY_BALLAST=request.param, HEADWAY_LEAST_FREE="64MiB") as made:
                yield made
        finally:
            subprocess.run(["umount", data], check=True)


@pytest.mark.root
def test_a_build_that_fills_the_disk(small_disk: Kept) -> None:
    before = free(small_disk)

    # Whoever is quicker: the kernel, or our own look at the disk.
    small_disk.fails(
        "No space left on device|became full while it was built", buildCommand="dd if=/dev/zero of=big bs=1M"
    )

    until(lambda: free(small_disk) > before - 24 * MIB, 20, what="the room is given back")
    assert small_disk.panel.is_up()
    row = small_disk.panel.done(small_disk.deploy(customGitUrl=small_disk.repository(web("again"))))
    assert row["status"] == "done"
    assert small_disk.panel.visit("kept").text == "again"
    small_disk.release_id = small_disk.panel.done(small_disk.deploy())["deploymentId"]


@pytest.mark.root
def test_a_build_that_fills_the_disk_and_prints_on(small_disk: Kept) -> None:
    """Neither the output nor the end of the build have room where they are written to."""
    fill = (
        "echo filling; dd if=/dev/zero of=big bs=64k 2>/dev/null; yes full | head -c 4000000; echo at the end; exit 3"
    )

    lost = r"\[headway: \d+ bytes of output could not be kept: No space left on device\]"

    # Our own look at the disk may end the build before its last words.
    row = small_disk.fails(f"build ended with exit status 3: {lost}|became full while it was built", buildCommand=fill)

    log = small_disk.panel.deployment_log(row["deploymentId"])
    assert "filling" in log
    assert re.search(lost, log) or "became full" in row["errorMessage"]


@pytest.mark.root
def test_a_disk_that_is_full_already(small_disk: Kept) -> None:
    filler = small_disk.panel.data_dir / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free(small_disk) - 40 * MIB)

    small_disk.fails("Only .* MiB are free on the disk.*HEADWAY_LEAST_FREE.*headway disk", reason="refused")

    filler.unlink()
    small_disk.release_id = small_disk.panel.done(small_disk.deploy())["deploymentId"]
    assert small_disk.panel.visit("kept").text == "kept"


@pytest.mark.root
@pytest.mark.parametrize("small_disk", ["16MiB"], ids=["ballast"], indirect=True)  # of a build both are tried
def test_a_repository_that_does_not_fit_on_the_disk(small_disk: Kept) -> None:
    repository = small_disk.folder / "large"
    git_repository(repository, web("x"))
    git(repository, "config", "core.compression", "0")  # what cannot be compressed need not be tried
    with (repository / "noise").open("wb") as file:
        for _ in range(165):
            file.write(os.urandom(MIB))
    url = commit(repository, {}, "noise")
    before = free(small_disk)

    small_disk.fails("disk is full|No space left", customGitUrl=url, seconds=120)

    until(lambda: free(small_disk) > before - 24 * MIB, 20, what="the room is given back")


def test_a_database_that_somebody_else_has_locked(site: Kept) -> None:
    """Whoever asks is told at once; what runs ends truly once the lock is gone."""
    deployment_id = site.deploy(buildCommand="echo begun; sleep 1; echo broken; exit 5")
    site.panel.running(deployment_id, "begun")
    with contextlib.closing(sqlite3.connect(site.panel.data_dir / "headway.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        answer = site.panel.client.post("/application.deploy", json={"applicationId": site.application_id})
        assert time.monotonic() - began < 10
        assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert re.search("database cannot be used now.*locked.*Try again", answer.json()["message"])
        assert "retry-after" in answer.headers
        assert site.panel.visit("kept").text == "kept"
        assert site.panel.one(deployment_id)["status"] == "running"
        holder.execute("ROLLBACK")

    row = site.panel.ended(deployment_id)
    assert (row["status"], row["reason"]) == ("error", "failed")
    assert "exit status 5: broken" in row["errorMessage"]
    site.check_unharmed(deployment_id)


def test_a_database_that_is_no_database(tmp_path: Path) -> None:
    panel = Panel(tmp_path / "data")
    panel.data_dir.mkdir()
    (panel.data_dir / "headway.db").write_text("this is no database\n" * 1000)

    panel.start(wait=False)

    assert panel.wait(20) != 0
    assert re.search("file of the database is damaged: file is not a database.*restore a backup", panel.log())
    assert "Traceback" not in panel.log()


def test_a_database_that_is_damaged_under_a_running_panel(tmp_path: Path) -> None:
    """Whoever asks is told so, what serves goes on, and with a backup in its place the run that was under way ends."""
    panel = Panel(tmp_path / "data")
    try:
        site = Kept(panel.start(), tmp_path)
        deployment_id = site.deploy(buildCommand="echo begun; sleep 4; exit 6")
        panel.running(deployment_id, "begun")

        whole = damaged(panel.data_dir / "headway.db", "deployments")

        answers = []
        for _ in range(60):  # beyond the end of the build
            answers.append(panel.client.get("/deployment.all", params={"applicationId": site.application_id}))
            time.sleep(0.1)
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "SERVICE_UNAVAILABLE")}
        said = "The file of the database is damaged: database disk image is malformed. "
        said += "Stop the panel and restore a backup."
        assert {answer.json()["message"] for answer in answers} == {said}
        assert said in {each["message"] for each in panel.get("settings.health")["troubles"]}
        assert panel.visit("kept").text == "kept"
        assert panel.log().count(said) < 100
        assert "Traceback" not in panel.log()

        panel.stop()
        (panel.data_dir / "headway.db").write_bytes(whole)
        panel.start()

        row = panel.ended(deployment_id)
        assert (row["status"], row["reason"]) == ("error", "failed")
        assert "exit status 6" in row["errorMessage"]
        site.check_unharmed(deployment_id)
    finally:
        panel.clean_up()


@pytest.mark.postgres
def test_a_database_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    with running_cluster() as cluster:
        cluster.administer("CREATE DATABASE panel")
        panel = Panel(tmp_path / "data", HEADWAY_DATABASE_URL=cluster.url("panel"))
        try:
            panel.start()
            url = git_repository(tmp_path / "repository", web("kept"))
            application_id = panel.application(url, name="kept")
            panel.done(panel.deploy(application_id))
            panel.post("application.update", applicationId=application_id, buildCommand="echo begun; sleep 4; exit 6")
            deployment_id = panel.deploy(application_id)
            panel.running(deployment_id, "begun")

            cluster.stop()

            until(lambda: panel.client.get("/health").status_code == 503, what="health says so")
            assert "database" in panel.client.get("/health").text
            answer = panel.client.get("/deployment.all", params={"applicationId": application_id})
            assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
            assert panel.visit("kept").text == "kept"

            cluster.start()

            row = panel.ended(deployment_id, 90)
            assert (row["status"], row["reason"]) == ("error", "failed")
            assert "exit status 6" in row["errorMessage"]
            assert panel.visit("kept").text == "kept"
        finally:
            panel.clean_up()


def free(site: Kept) -> int:
    """Free bytes on the application's disk."""
    found = os.statvfs(site.panel.data_dir)
    return found.f_bavail * found.f_frsize


def damaged(file: Path, table: str) -> bytes:
    """Damages where a table begins, in a way that everybody who has the file open meets; the file as it was before."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("BEGIN IMMEDIATE")
        whole = file.read_bytes()
        with file.open("r+b") as opened:
            opened.seek((page - 1) * size)
            opened.write(b"\xff" * size)
        connection.execute(f"PRAGMA application_id = {int(time.time())}")  # what is kept of pages is read again
        connection.execute("COMMIT")
    return whole
