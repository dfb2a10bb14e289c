"""A panel's data in one archive and back: taken while it runs, checked before anything is written, all or nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.test_cli import HEADWAY
from tests.support.databases.postgres import running_cluster
from tests.support.panel.command_line import run_headway
from tests.support.panel.panel import git_repository, panel, remove_traces, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def headway(*arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    return run_headway([*map(str, arguments)], {"PATH": os.environ["PATH"], "HOME": "/nowhere", **env})


class Taken:
    """A backup of a panel that had a deployed application and a build under way, and that is down now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = folder / "backup.tar.gz"
        self.origin = folder / "origin"
        with panel(self.origin) as of:
            self.url = git_repository(folder / "repository", web("here"))
            self.application_id = of.application(self.url, env="SECRET=of the shop")
            self.done = of.done(of.deploy(self.application_id))["deploymentId"]
            of.post("application.update", applicationId=self.application_id, buildCommand="echo building; sleep 600")
            self.running = of.deploy(self.application_id)
            of.running(self.running, "building")
            self.log = of.deployment_log(self.done)
            self.made = headway("backup", self.archive, "--data-dir", self.origin, "--json")
            self.refused = headway("restore", self.archive, "--data-dir", folder / "beside")
            of.post("deployment.killProcess", deploymentId=self.running)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    found = Taken(tmp_path_factory.mktemp("backup"))
    yield found
    remove_traces(found.origin)


def test_a_backup_of_a_running_panel_is_one_file_for_its_owner(taken: Taken) -> None:
    assert taken.made.returncode == 0, taken.made.stderr
    assert json.loads(taken.made.stdout)["files"] > 8
    assert stat.S_IMODE(taken.archive.stat().st_mode) == 0o600
    with tarfile.open(taken.archive) as tar:
        names = tar.getnames()
    assert {"database", "vault.key", "panel.id", "settings.env", "version", f"logs/{taken.done}.log"} <= set(names)
    assert not [name for name in names if name.startswith(("work", "run/", "lock", "ballast", "headway.db"))]
    assert not list(taken.folder.glob(".backup*")), "a draft is left"


def test_what_still_runs_here_is_not_given_a_second_panel(taken: Taken) -> None:
    assert taken.refused.returncode == 1
    assert f"End it first: headway down --data-dir {taken.origin}" in taken.refused.stderr
    assert not (taken.folder / "beside").exists()


def test_a_restored_panel_knows_all_and_deploys_again(taken: Taken, tmp_path: Path) -> None:
    target = tmp_path / "restored"
    target.mkdir()

    done = headway("restore", taken.archive, "--data-dir", target)

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((target / "vault.key").stat().st_mode) == 0o600
    with panel(target) as of:
        row = of.one(taken.done)
        assert row["status"] == "done"
        assert row["logPath"] == str(target / "logs" / f"{taken.done}.log")
        assert of.deployment_log(taken.done) == taken.log
        lost = of.ended(taken.running)
        assert (lost["status"], lost["reason"]) == ("error", "lost")
        assert of.get("application.one", applicationId=taken.application_id)["env"] == "SECRET=of the shop"
        of.post("application.update", applicationId=taken.application_id, buildCommand=None)
        of.done(of.deploy(taken.application_id))
        assert of.visit("app").text == "here"


def test_nothing_is_restored_over_something(taken: Taken, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").touch()
    done = headway("restore", taken.archive, "--data-dir", tmp_path / "full")
    assert (done.returncode, [entry.name for entry in tmp_path.iterdir()]) == (1, ["full"])
    assert "is not empty" in done.stderr


@pytest.mark.parametrize("damage", ["cut", "changed", "no archive", "missing", "escaping", "newer", "other key"])
def test_a_damaged_archive_writes_nothing(taken: Taken, tmp_path: Path, damage: str) -> None:
    archive = tmp_path / "damaged.tar.gz"
    damaged(taken.archive, archive, damage)

    done = headway("restore", archive, "--data-dir", tmp_path / "target")

    assert done.returncode in {1, 2}
    assert done.stderr.startswith("headway: "), done.stderr
    assert "Traceback" not in done.stderr
    assert {entry.name for entry in tmp_path.iterdir()} <= {"damaged.tar.gz"}


def damaged(source: Path, target: Path, damage: str) -> None:
    match damage:
        case "missing":
            return
        case "no archive":
            target.write_text("not an archive")
        case "cut":
            target.write_bytes(source.read_bytes()[:-2000])
        case "changed":
            held = bytearray(gzip.decompress(source.read_bytes()))
            at = held.index(b"Owner")  # in the database
            held[at : at + 5] = b"OWNER"
            target.write_bytes(gzip.compress(held, 1))
        case _:
            rewritten(source, target, damage)


def rewritten(source: Path, target: Path, damage: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(source) as tar:
            tar.extractall(folder, filter="data")
        header = Path(folder) / "headway-backup.json"
        told = json.loads(header.read_text())
        if damage == "newer":
            told["revision"] = "9999"
        if damage == "other key":
            told["sealed"] = told["sealed"][:-8] + "AAAAAAA="
        header.write_text(json.dumps(told))
        with tarfile.open(target, "w:gz") as tar:
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file():
                    name = str(path.relative_to(folder))
                    tar.add(path, f"../{name}" if damage == "escaping" and name == "panel.id" else name)


@pytest.mark.slow
def test_a_restore_that_is_killed_leaves_nothing_in_its_place_and_is_repeated(taken: Taken, tmp_path: Path) -> None:
    target = tmp_path / "target"
    draft = tmp_path / ".target.restoring"
    big = tmp_path / "big.tar.gz"
    swell(taken.archive, big)
    for number in (signal.SIGTERM, signal.SIGKILL):
        process = subprocess.Popen(
            [*HEADWAY, "restore", str(big), "--data-dir", str(target)],
            env={"PATH": os.environ["PATH"]},
            stderr=subprocess.DEVNULL,
        )
        until(lambda: any(draft.glob("*")), 30, what="it unpacks")
        process.send_signal(number)
        assert process.wait(20) != 0
        assert not target.exists()
        assert draft.exists() is (number is signal.SIGKILL)

    assert headway("restore", taken.archive, "--data-dir", target).returncode == 0
    assert not draft.exists()


def swell(source: Path, target: Path) -> None:
    """The same backup with a log that takes a while to write."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(source) as tar:
            tar.extractall(folder, filter="data")
        log = Path(folder) / "logs" / "large.log"
        log.write_bytes(os.urandom(1 << 16) * 800)
        sums = Path(folder) / "sums.json"
        told = json.loads(sums.read_text()) | {"logs/large.log": hashlib.sha256(log.read_bytes()).hexdigest()}
        sums.write_text(json.dumps(told))
        with tarfile.open(target, "w:gz", compresslevel=1) as tar:
            for path in sorted(Path(folder).rglob("*"), key=lambda each: each.name != "panel.id"):
                if path.is_file():
                    tar.add(path, str(path.relative_to(folder)))


def test_a_data_folder_that_is_none_is_not_backed_up(tmp_path: Path) -> None:
    done = headway("backup", tmp_path / "b", "--data-dir", tmp_path)
    assert done.returncode == 2
    assert "is no data directory of a panel" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.postgres
def test_a_database_of_postgresql_goes_with_it(tmp_path: Path) -> None:
    with running_cluster() as cluster:
        path = os.environ["PATH"] + "".join(f":{place}" for place in Path("/usr/lib/postgresql").glob("*/bin"))
        for name in ("origin", "target"):
            cluster.administer(f"CREATE DATABASE {name}")
        with panel(tmp_path / "origin", HEADWAY_DATABASE_URL=cluster.url("origin")) as of:
            project = of.post("project.create", name="kept")["project"]["projectId"]
            made = headway("backup", tmp_path / "b.tar.gz", "--data-dir", of.data_dir, PATH=path)
            assert made.returncode == 0, made.stderr
        restore = ("restore", tmp_path / "b.tar.gz", "--data-dir", tmp_path / "target")
        full = headway(*restore, HEADWAY_DATABASE_URL=cluster.url("origin"), PATH=path)
        assert "is not empty" in full.stderr, full.stderr
        assert "holds a database of postgresql" in headway(*restore, PATH=path).stderr
        if os.geteuid() == 0:
            place = tmp_path / "mounted"
            place.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], check=True)
            try:
                kept = headway(*restore[:-1], place, HEADWAY_DATABASE_URL=cluster.url("target"), PATH=path)
            finally:
                subprocess.run(["umount", place], check=True)
            assert "something is mounted there" in kept.stderr, "before the database is filled: see below"
        done = headway(*restore, HEADWAY_DATABASE_URL=cluster.url("target"), PATH=path)
        assert done.returncode == 0, done.stderr
        with panel(tmp_path / "target", HEADWAY_DATABASE_URL=cluster.url("target")) as of:
            assert [each["projectId"] for each in of.get("project.all")] == [project]


def test_an_upgrade_is_foretold(taken: Taken, tmp_path: Path) -> None:
    shutil.copytree(taken.origin, tmp_path / "copy", ignore=shutil.ignore_patterns("run", "work", "lock"))
    database = tmp_path / "copy" / "headway.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE deployments SET status = 'running', kind_version = 0 WHERE status = 'error'")
        connection.commit()

    done = headway("upgrade-check", "--data-dir", tmp_path / "copy")
    assert done.returncode == 0, done.stderr
    assert "starts again from its first step" in " ".join(done.stdout.split())

    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE steps SET name = 'release command' WHERE name = 'build'")
        connection.commit()
    assert "would end as lost" in " ".join(headway("upgrade-check", "--data-dir", tmp_path / "copy").stdout.split())

    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    newer = headway("upgrade-check", "--data-dir", tmp_path / "copy", "--json")
    assert (newer.returncode, json.loads(newer.stdout)["canUpgrade"]) == (1, False)


def test_a_running_panel_is_seen_by_the_check(tmp_path: Path) -> None:
    with panel(tmp_path / "data") as of:
        assert of.process is not None
        told = json.loads(headway("upgrade-check", "--data-dir", of.data_dir, "--json").stdout)
        assert (told["panel"], told["canUpgrade"], told["migrations"]) == (of.process.pid, True, {})
    assert json.loads(headway("upgrade-check", "--data-dir", tmp_path / "none", "--json").stdout)["revision"] is None
