"""Proof: volumes on servers are backed up and restored as those of the panel's machine are. Whatever breaks in the
middle, the volume is the old one or the restored one and never half of either, its service is up again, no object that
is not whole has a good name, and nothing of the run is left, here or there.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_applications_servers import Site, connected
from tests.proofs._crash_site import CRASHING
from tests.support.databases.database_services import lacks_database_services
from tests.support.docker.docker_engine import lacks_docker
from tests.support.machines.server_roots import MISSING
from tests.support.panel.panel import git_repository, until, web
from tests.support.storages.backups import Volumes, fill_folder, listing, owned
from tests.support.storages.far_backups import far_services, marked
from tests.support.storages.far_volumes import FarVolume, far_volume, slowly

Json = Any
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(MISSING or lacks_docker()), reason=f"needs {', '.join(MISSING)} {lacks_docker()}"),
]
EVERY = int(os.environ.get("BACKUP_EVERY", "1"))  # only each so-and-so-many-th crash point, to look quickly
LEASES = {"HEADWAY_LEASE_TIME": "3", "HEADWAY_LEASE_RENEWAL": "0.5"}


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarVolume]:
    with far_volume(tmp_path_factory.mktemp("far")) as made:
        yield made


@pytest.fixture
def slow(far: FarVolume) -> Iterator[FarVolume]:
    with slowly(far) as made:
        yield made


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with connected(tmp_path_factory.mktemp("native"), 2) as site:
        yield site


def kept_of(far: FarVolume) -> str:
    """Has a newest backup of what is in the volume now; what that is."""
    row = far.site.panel.done(far.begin("running"), 120)
    kept = listing(far.folder)
    far.check(row, kept, kept)
    return kept


def passes(far: FarVolume, deployment_id: str, step: str) -> None:
    """Waits until a run is in the middle of what takes long."""
    words = "tar --create" if step == "upload" else "tar --extract"
    until(lambda: any(words in each for each in marked(deployment_id)), 120, what=f"the {step} of {deployment_id}")
    time.sleep(0.5)


@pytest.mark.parametrize("how", ["running", "stopping"])
def test_a_volume_on_a_server_comes_back(far: FarVolume, how: str) -> None:
    panel, server_id = far.site.panel, far.site.server_id
    kept = listing(far.folder)
    made = panel.done(far.begin(how), 120)
    assert (made["serverId"], made["buildServerId"]) == (server_id, None)
    far.check(made, kept, kept)
    if how == "stopping":
        assert "Stopping shop" in panel.deployment_log(made["deploymentId"])
        kept_of(far)
    now = far.change()
    rows = [made]
    for what in ("same", "new"):
        rows.insert(0, panel.done(far.begin(what), 120))
        far.check(rows[0], kept, kept if what == "new" else now)
    listed = [each["deploymentId"] for each in panel.get("deployment.allByServer", serverId=server_id)]
    assert listed[:2] == [each["deploymentId"] for each in rows[:2]]
    assert made["deploymentId"] in listed
    assert all("on the server far" in panel.deployment_log(each["deploymentId"]) for each in rows)


@pytest.mark.parametrize("turn_off", [False, True], ids=["running", "stopped"])
def test_an_applications_own_data_on_a_server_comes_back(native: Site, tmp_path: Path, turn_off: bool) -> None:  # noqa: FBT001
    panel, name = native.panel, f"kept{int(turn_off)}"
    application_id = native.application(git_repository(tmp_path / "r", web("one")), name)
    panel.done(panel.deploy(application_id), 120)
    data = next((native.server.root / "var/lib/headway").glob("*.work")) / "data" / application_id
    fill_folder(data)
    kept = listing(data)
    volumes = Volumes(panel)
    volume_backup_id = volumes.make(applicationId=application_id, volumeName="data", turnOff=turn_off)
    file = volumes.run(volume_backup_id)
    assert ("Stopping" in panel.deployment_log(file["deploymentId"])) is turn_off
    (data / "f1").write_text("changed")
    row = volumes.restore(volume_backup_id, file["path"])
    assert row["status"] == "done", panel.deployment_log(row["deploymentId"])
    assert listing(data) == owned(kept, data.stat().st_uid)
    assert data.stat().st_uid != 0
    assert [path.name for path in data.parent.iterdir() if path.name.startswith(application_id)] == [application_id]
    until(lambda: native.visit(application_id).text == "one", 20)
    panel.post("application.delete", applicationId=application_id)


def test_a_server_without_room_keeps_the_old_one(native: Site, tmp_path: Path) -> None:
    panel, server = native.panel, native.server
    application_id = native.application(git_repository(tmp_path / "r", web("one")), "small")
    panel.done(panel.deploy(application_id), 120)
    data = next((server.root / "var/lib/headway").glob("*.work")) / "data"
    server.among_mounts("mount", "-t", "tmpfs", "-o", "size=5m,mode=711", "none", str(data))
    kept = data / application_id
    server.among_mounts("mkdir", str(kept))
    files = [f"{kept}/{number}" for number in range(6)]
    for file in files:
        server.among_mounts("dd", "if=/dev/urandom", f"of={file}", "bs=512k", "count=1")
    before = server.among_mounts("sha256sum", *files)
    volumes = Volumes(panel)
    volume_backup_id = volumes.make(applicationId=application_id, volumeName="data")
    row = volumes.restore(volume_backup_id, volumes.run(volume_backup_id)["path"])
    print(f"\n  no room: {row['errorMessage']}", end="")
    assert (row["status"], "No space left on device" in row["errorMessage"]) == ("error", True)
    assert server.among_mounts("ls", str(data)).split() == [application_id]
    assert server.among_mounts("sha256sum", *files) == before
    server.among_mounts("umount", str(data))
    until(lambda: native.visit(application_id).text == "one", 20)
    panel.post("application.delete", applicationId=application_id)


@pytest.mark.skipif(lacks_database_services() is not None, reason=lacks_database_services() or "")
def test_the_volume_of_a_database_on_a_server_comes_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    with far_services(tmp_path_factory.mktemp("of"), "postgres") as (site, engine, (made,)):
        site.server.show(engine.folder / "data" / "volumes")
        psql = ("psql", "-XtAq", "-Ukeeper", "-d", "shop", "-c")

        def container() -> str:
            return engine.docker("ps", "--quiet", f"--filter=label=headway.application={made.id}").strip()

        def ask(sql: str) -> str:
            return engine.docker("exec", container(), *psql, sql).strip()

        ask("CREATE TABLE kept AS SELECT n, md5(n::text) FROM generate_series(1, 1000) n")
        before = ask("SELECT md5(string_agg(kept::text, ',' ORDER BY n)) FROM kept")
        volumes = Volumes(site.panel)
        file = volumes.run(volumes.make(postgresId=made.id, volumeName="data", turnOff=True))
        until(container, 30, what="it is up again")
        ask("DELETE FROM kept")
        row = volumes.restore(site.panel.one(file["deploymentId"])["volumeBackupId"], file["path"])
        assert row["status"] == "done", site.panel.deployment_log(row["deploymentId"])
        until(container, 30, what="it is up again")
        until(lambda: ask("SELECT md5(string_agg(kept::text, ',' ORDER BY n)) FROM kept") == before, 30)


def test_a_kill_at_any_time_leaves_nothing(slow: FarVolume) -> None:
    panel = slow.site.panel
    kept = kept_of(slow)
    now = slow.change()
    for what, pause in (("running", 0.9), ("stopping", 0.9), ("same", 1.3), ("new", 1.2)):
        for number in range(10):
            deployment_id = slow.begin(what)
            until(lambda: panel.one(deployment_id)["status"] == "running", 30)  # noqa: B023 - used at once
            time.sleep(number * pause)
            began = time.monotonic()
            answer = panel.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
            took = time.monotonic() - began
            row = panel.ended(deployment_id, 5)
            assert (answer.status_code == 200) is (row["reason"] == "killed"), (answer.text, row)
            at_once = marked(deployment_id)
            told = f"{what} after {number * pause:.1f} s: {row['status']} {row['reason'] or ''} in {took:.2f} s"
            print(f"\n  {told}", end="")
            assert at_once == [] or row["status"] == "done", at_once
            slow.check(row, kept, now)
            now = slow.change()
        kept = kept_of(slow)
        now = slow.change()


@pytest.mark.parametrize(
    ("what", "step"), [("running", "upload"), ("stopping", "upload"), ("same", "extract"), ("new", "extract")]
)
def test_a_link_that_breaks_in_the_middle_ends_it_as_an_error(slow: FarVolume, what: str, step: str) -> None:
    panel, cable = slow.site.panel, slow.site.server.cable
    assert cable is not None
    kept = kept_of(slow)
    now = slow.change()
    deployment_id = slow.begin(what)
    passes(slow, deployment_id, step)
    cable.pull()
    began = time.monotonic()
    try:
        until(lambda: panel.one(deployment_id)["outOfReachSince"] is not None, 120)
        row = panel.one(deployment_id)
        print(f"\n  {what}, {step}: out of reach after {time.monotonic() - began:.0f} s", end="")
        assert row["status"] == "running"
    finally:
        cable.plug()
    row = panel.ended(deployment_id, 120)
    print(f", ended: {row['errorMessage']}")
    assert (row["status"], row["reason"]) == ("error", "failed")
    assert "the connection to the server far broke off" in row["errorMessage"]
    slow.check(row, kept, now, seconds=90)


@pytest.mark.parametrize(("what", "step"), [("stopping", "upload"), ("same", "extract")])
def test_a_kill_while_the_server_is_away_is_carried_out_when_it_answers(slow: FarVolume, what: str, step: str) -> None:
    panel, cable = slow.site.panel, slow.site.server.cable
    assert cable is not None
    kept = kept_of(slow)
    now = slow.change()
    deployment_id = slow.begin(what)
    passes(slow, deployment_id, step)
    cable.pull()
    try:
        answer = panel.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
        row = panel.one(deployment_id)
    finally:
        cable.plug()
    assert (answer.status_code, row["status"]) == (503, "running"), answer.text
    assert row["killRequestedAt"] is not None
    row = panel.ended(deployment_id, 120)
    assert row["reason"] == "killed"
    slow.check(row, kept, now, seconds=60)


def test_a_server_that_is_away_or_lacks_tar_is_named(far: FarVolume) -> None:
    panel, cable = far.site.panel, far.site.server.cable
    assert cable is not None
    kept = kept_of(far)
    rows = []
    cable.pull()
    try:
        rows += [panel.ended(far.begin(what), 120) for what in ("running", "stopping", "same", "new")]
    finally:
        cable.plug()
    until(far.is_linked, 60)
    for row in rows:
        print(f"\n  {row['errorMessage']}", end="")
        assert (row["status"], "far" in row["errorMessage"]) == ("error", True)
        assert "once the server answers" in row["errorMessage"]
        far.check(row, kept, kept)
    tar = far.site.server.root / "usr/bin/tar"
    tar.rename(tar.with_name("tar.away"))
    rows = [panel.ended(far.begin(what), 120) for what in ("running", "same")]
    tar.with_name("tar.away").rename(tar)
    for row in rows:
        print(f"\n  no tar: {row['errorMessage']}", end="")
        assert (row["status"], "There is no program tar on the server" in row["errorMessage"]) == ("error", True)
        far.check(row, kept, kept)


@pytest.mark.parametrize(
    ("what", "step"),
    [
        ("stopping", "stop the service"),
        ("stopping", "start the service again"),
        ("same", "make a folder beside it"),
        ("same", "stop the service"),
        ("same", "exchange the folders"),
        ("same", "start the service again"),
        ("same", "remove the old one"),
        ("new", "make the volume"),
    ],
)
def test_what_a_broken_link_keeps_from_being_done_is_done_when_it_is_back(
    far: FarVolume, what: str, step: str, tmp_path: Path
) -> None:
    panel, cable = far.site.panel, far.site.server.cable
    assert cable is not None
    kept = kept_of(far)
    now = far.change()
    crash_at(far, tmp_path / "points", CRASH_NAMED=f"step {step} begun", CRASH_SIGNAL="SIGSTOP")
    deployment_id = far.begin(what)
    pull_while_paused(far)
    try:
        until(lambda: panel.one(deployment_id)["outOfReachSince"] is not None, 120)
        assert panel.one(deployment_id)["status"] == "running"
    finally:
        cable.plug()
    row = panel.done(deployment_id, 120)
    far.check(row, kept, now, seconds=60)
    panel.stop()
    panel.start()
    until(far.is_linked, 60)


@pytest.mark.parametrize("what", ["stopping", "same", "new"])
def test_a_panel_that_dies_at_any_step_goes_on(far: FarVolume, what: str, tmp_path: Path) -> None:
    panel, points = far.site.panel, tmp_path / "points"
    kept = kept_of(far)
    now = far.change()
    crash_at(far, points)
    far.check(panel.done(far.begin(what), 120), kept, now)
    names = points.read_text().splitlines()
    print(f"\n{len(names)} crash points in a run: {what}")
    for at, name in [*enumerate(names[:-2], 1)][::EVERY]:
        now = far.change()
        crash_at(far, points, CRASH_AT=str(at))
        deployment_id = far.begin(what)
        until(lambda: panel.process.poll() is not None, 90, what=f"the crash at {name}")  # type: ignore[union-attr]
        panel.process = None
        panel.start()
        row = panel.ended(deployment_id, 120)
        print(f"  {at:3} {name}: {row['status']} {row['reason'] or ''}")
        assert row["status"] == "done", (name, row, panel.deployment_log(deployment_id))
        far.check(row, kept, now, seconds=60)
    panel.stop()
    panel.start()


@pytest.mark.parametrize("step", ["make a folder beside it", "stop the service", "exchange the folders"])
def test_a_kill_of_who_found_it_gives_the_old_one_back(far: FarVolume, step: str, tmp_path: Path) -> None:
    """The panel dies after the step, and the next one finds the wish to end the run."""
    panel = far.site.panel
    kept = kept_of(far)
    now = far.change()
    crash_at(far, tmp_path / "points", CRASH_NAMED=f"step {step} worked")
    deployment_id = far.begin("same")
    until(lambda: panel.process.poll() is not None, 90, what="the crash")  # type: ignore[union-attr]
    panel.process = None
    panel.start()
    answer = panel.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
    row = panel.ended(deployment_id, 120)
    assert (answer.status_code == 200) is (row["reason"] == "killed"), (answer.text, row)
    print(f"\n  {step}: {row['status']} {row['reason'] or ''}", end="")
    far.check(row, kept, now, seconds=60)


def test_what_was_given_up_is_taken_back_when_the_server_is_back_and_nothing_begins_before(
    far: FarVolume, tmp_path: Path
) -> None:
    panel, cable = far.site.panel, far.site.server.cable
    assert cable is not None
    kept = kept_of(far)
    now = far.change()
    paused = {"CRASH_NAMED": "step start the service again begun", "CRASH_SIGNAL": "SIGSTOP"}
    crash_at(far, tmp_path / "points", HEADWAY_REACH_DEADLINE="5", **paused)
    deployment_id = far.begin("same")
    pull_while_paused(far)
    try:
        row = panel.ended(deployment_id, 180)
        assert (row["status"], row["reason"]) == ("error", "lost")
        assert listing(far.folder) == kept, "the restored one was in place"
        early = panel.ended(far.begin("running"), 120)
    finally:
        cable.plug()
    assert (early["reason"], "still being taken back" in early["errorMessage"]) == ("refused", True), early
    until(lambda: listing(far.folder) == now, 120, what="the old one is back")
    far.check(row, kept, now, seconds=60)
    far.check(panel.done(far.begin("running"), 120), now, now)
    panel.stop()
    panel.start()
    until(far.is_linked, 60)


def pull_while_paused(far: FarVolume) -> None:
    """Takes the link away where the panel has stopped, and has it go on."""
    panel, cable = far.site.panel, far.site.server.cable
    assert panel.process is not None
    assert cable is not None
    pid = panel.process.pid
    until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", 60, what="the pause")
    cable.pull()
    os.kill(pid, signal.SIGCONT)


def crash_at(far: FarVolume, points: Path, **given: str) -> None:
    """Starts the panel such that it meets its end at a crash point, and waits for the link to the server."""
    panel = far.site.panel
    panel.stop()
    points.unlink(missing_ok=True)
    points.touch()
    crash = {"CRASH_AT": "0", **given}
    panel.start(module=CRASHING, CRASH_POINTS=str(points), PYTHONPATH=str(Path.cwd()), **LEASES, **crash)  # type: ignore[arg-type]
    until(far.is_linked, 60)
