"""Proof: databases on servers are backed up, restored and tried as those of the panel's machine are, and whatever
breaks in the middle, no object that is not whole has a good name, and nothing of the run is left, here or there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.proofs._crash_site import CRASHING
from tests.support.databases import database_images
from tests.support.databases.database_services import SECRET as PASSWORD
from tests.support.databases.database_services import lacks_database_services
from tests.support.docker.docker_engine import lacks_docker
from tests.support.machines.server_roots import MISSING, FarEngine
from tests.support.panel.panel import until
from tests.support.storages.backups import Keeper, slow_destination
from tests.support.storages.far_backups import SECRET, FarDatabase, far_database, far_services

Json = Any
ANOTHER = "an0ther-s3cret"
lacks = ", ".join(MISSING) or lacks_docker() or database_images.lacks_client()
pytestmark = [pytest.mark.root, pytest.mark.skipif(bool(lacks), reason=f"needs {lacks}")]
EVERY = int(os.environ.get("BACKUP_EVERY", "1"))  # only each so-and-so-many-th crash point, to look quickly
ROWS = "SELECT md5(string_agg(kept::text, ',' ORDER BY n)), count(*) FROM kept"
FILL = (
    "CREATE TABLE hard AS SELECT n, (SELECT decode(string_agg(md5(random()::text || m || n), ''), 'hex') AS hard"
    " FROM generate_series(1, 65536) m) FROM generate_series(1, 16) n"  # 16 MB
)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarDatabase]:
    with far_database(tmp_path_factory.mktemp("far")) as made:
        yield made


@pytest.fixture
def slow(far: FarDatabase) -> Iterator[FarDatabase]:
    """With so much in it, and so narrow a door, that a run takes seconds."""
    if far.ask("SELECT to_regclass('hard')") == "":
        far.ask(FILL)
    destination_id = slow_destination(far.site.panel, "--bwlimit=4M")
    far.site.panel.post("backup.update", backupId=far.backup_id, destinationId=destination_id)
    yield far
    local = next(each for each in far.site.panel.get("destination.all") if each["name"] != "slow")
    far.site.panel.post("backup.update", backupId=far.backup_id, destinationId=local["destinationId"])


def begin(far: FarDatabase, what: str) -> str:
    """Starts a backup, a restore of the newest file, or a trial of it; its id."""
    if what == "backup":
        return far.keeper.start(far.backup_id, "Compose")
    panel = far.site.panel
    sent = {"backupId": far.backup_id}
    if what == "restore":
        newest = panel.get("backup.files", backupId=far.backup_id)[0]["path"]
        sent |= {"backupFile": newest, "databaseName": "copy"}
    procedure = "drill" if what == "drill" else "restoreBackupWithLogs"
    answer = panel.client.post(f"/backup.{procedure}", json=sent)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-deployment-id"]


def databases(far: FarDatabase) -> set[str]:
    return set(far.ask("SELECT datname FROM pg_database WHERE NOT datistemplate").split())


def check(far: FarDatabase, row: Json, *, seconds: float = 5) -> None:
    """Nothing of a run is left, and its database is there only where it is done."""
    deployment_id, is_restored = row["deploymentId"], row["kind"] == "backup.restore" and row["status"] == "done"
    until(lambda: not far.left(deployment_id), seconds, what=f"{far.left(deployment_id)} is gone")
    until(far.nothing_lies_about, seconds, what="the panel's folders are clean")
    known = {each["path"] for each in far.site.panel.get("backup.files", backupId=far.backup_id)}
    folders = (far.site.panel.data_dir / "backups").glob("*")
    lying = {str(path.relative_to(top)) for top in folders for path in top.rglob("*") if path.is_file()}
    assert lying == known, "what lies there is what is known"
    until(lambda: databases(far) == {"postgres", "shop", *(["copy"] if is_restored else [])}, seconds)
    if is_restored:
        assert far.ask(ROWS, "copy") == far.ask(ROWS)
        far.ask('DROP DATABASE "copy" WITH (FORCE)', "postgres")


def is_up(far: FarDatabase) -> bool:
    """Whether the link to the server stands, as the panel tells it."""
    stands: bool = far.site.panel.get("server.one", serverId=far.site.server_id)["reach"]["isUp"]
    return stands


def passes(far: FarDatabase, deployment_id: str, step: str) -> None:
    """Waits until a run is in the middle of what takes long."""
    words = {"upload": "pg_dump", "prove": "pg_restore --exit-on-error --file", "fill": "pg_restore --single"}[step]
    until(lambda: any(words in each for each in far.left(deployment_id)), 120, what=f"the {step} of {deployment_id}")
    time.sleep(0.5)


def test_a_database_on_a_server_comes_back(far: FarDatabase) -> None:
    running, server_id = far.site.panel, far.site.server_id
    file = far.keeper.run(far.backup_id, "Compose")
    row = running.one(file["deploymentId"])
    assert (row["serverId"], row["buildServerId"]) == (server_id, None)
    restored = far.keeper.restore(far.backup_id, file["path"], "shop copy")
    assert restored["status"] == "done", running.deployment_log(restored["deploymentId"])
    assert far.ask(ROWS, "shop copy") == far.ask(ROWS)
    far.ask('DROP DATABASE "shop copy"', "postgres")
    drill = begin(far, "drill")
    running.done(drill, 120)
    assert running.get("backup.files", backupId=far.backup_id)[0]["provenAt"] is not None
    listed = [each["deploymentId"] for each in running.get("deployment.allByServer", serverId=server_id)]
    assert listed[:3] == [drill, restored["deploymentId"], row["deploymentId"]]
    log = "".join(running.deployment_log(each) for each in listed[:3])
    assert ("service db on the server far" in log, SECRET in log) == (True, False)
    check(far, row)


def test_a_kill_at_any_time_leaves_nothing(slow: FarDatabase) -> None:
    panel = slow.site.panel
    panel.done(begin(slow, "backup"), 300)
    for what in ("backup", "restore", "drill"):
        for number in range(10):
            deployment_id = begin(slow, what)
            until(lambda: panel.one(deployment_id)["status"] == "running", 30)  # noqa: B023 - used at once
            time.sleep(number * 0.7)
            began = time.monotonic()
            answer = panel.client.post("/deployment.killProcess", json={"deploymentId": deployment_id})
            took = time.monotonic() - began
            row = panel.ended(deployment_id, 5)
            assert (answer.status_code == 200) is (row["reason"] == "killed"), (answer.text, row)
            at_once = slow.left(deployment_id)
            print(
                f"\n  {what} after {number * 0.7:.1f} s: {row['status']} {row['reason'] or ''} in {took:.2f} s", end=""
            )
            assert at_once == [] or row["status"] == "done", at_once
            time.sleep(0.3)
            check(slow, row)


@pytest.mark.parametrize(("what", "step"), [("backup", "upload"), ("backup", "prove"), ("restore", "fill")])
def test_a_link_that_breaks_in_the_middle_ends_it_as_an_error(slow: FarDatabase, what: str, step: str) -> None:
    panel, cable = slow.site.panel, slow.site.server.cable
    assert cable is not None
    if what != "backup":
        panel.done(begin(slow, "backup"), 300)
    deployment_id = begin(slow, what)
    passes(slow, deployment_id, step)
    cable.pull()
    began = time.monotonic()
    try:
        until(lambda: panel.one(deployment_id)["outOfReachSince"] is not None, 120)
        row = panel.one(deployment_id)
        print(f"\n  {what}, {step}: out of reach after {time.monotonic() - began:.0f} s", end="")
        assert row["status"] == "running"
        assert not [*(panel.data_dir / "backups").rglob("*.partial")], "the object is gone at once"
    finally:
        cable.plug()
    row = panel.ended(deployment_id, 120)
    print(f", ended: {row['errorMessage']}")
    assert (row["status"], row["reason"]) == ("error", "failed")
    assert "the connection to the server far broke off" in row["errorMessage"]
    check(slow, row, seconds=90)


def test_a_kill_while_the_server_is_away_is_carried_out_when_it_answers(slow: FarDatabase) -> None:
    panel, cable = slow.site.panel, slow.site.server.cable
    assert cable is not None
    deployment_id = begin(slow, "backup")
    passes(slow, deployment_id, "upload")
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
    check(slow, row, seconds=60)


def test_a_server_that_is_away_or_lacks_docker_is_named(far: FarDatabase) -> None:
    panel, cable = far.site.panel, far.site.server.cable
    assert cable is not None
    cable.pull()
    try:
        row = panel.ended(begin(far, "backup"), 120)
    finally:
        cable.plug()
    print(f"\n  away: {row['errorMessage']}", end="")
    assert (row["status"], "far" in row["errorMessage"]) == ("error", True)
    until(lambda: is_up(far), 60)
    docker = far.site.server.root / "usr/bin/docker"
    docker.rename(docker.with_name("docker.away"))
    row = panel.ended(begin(far, "backup"), 120)
    docker.with_name("docker.away").rename(docker)
    print(f"\n  no docker: {row['errorMessage']}", end="")
    assert "There is no program docker on the server" in row["errorMessage"]
    panel.client.post("/compose.stop", json={"composeId": far.stack.compose_id}, timeout=120)
    row = far.keeper.failed(far.backup_id, "Compose")
    print(f"\n  stopped: {row['errorMessage']}", end="")
    assert "The service db on the server far" in row["errorMessage"]
    assert "start the compose service" in row["errorMessage"]
    panel.post("compose.start", composeId=far.stack.compose_id)
    until(lambda: len(far.stack.containers().get("db", ())) == 1, 60)
    panel.done(begin(far, "backup"), 120)


@pytest.mark.parametrize("what", ["backup", "restore", "drill"])
def test_a_panel_that_dies_at_any_step_goes_on(far: FarDatabase, what: str, tmp_path: Path) -> None:
    panel, points = far.site.panel, tmp_path / "points"
    panel.done(begin(far, "backup"), 120)

    def crash_at(number: int) -> None:
        points.unlink(missing_ok=True)
        points.touch()
        panel.start(
            module=CRASHING, CRASH_AT=str(number), CRASH_POINTS=str(points), PYTHONPATH=str(Path.cwd()),
            HEADWAY_LEASE_TIME="3", HEADWAY_LEASE_RENEWAL="0.5",
        )  # fmt: skip

    panel.stop()
    crash_at(0)
    until(lambda: is_up(far), 60)
    check(far, panel.done(begin(far, what), 120))
    panel.stop()
    names = points.read_text().splitlines()
    print(f"\n{len(names)} crash points in a {what}")
    for at, name in [*enumerate(names[:-2], 1)][::EVERY]:
        crash_at(at)
        deployment_id = begin(far, what)
        until(lambda: panel.process.poll() is not None, 90, what=f"the crash at {name}")  # type: ignore[union-attr]
        panel.process = None
        panel.start()
        row = panel.ended(deployment_id, 120)
        print(f"  {at:3} {name}: {row['status']} {row['reason'] or ''}")
        assert row["status"] == "done", (name, row, panel.deployment_log(deployment_id))
        check(far, row, seconds=60)
        panel.stop()
    panel.start()


@pytest.mark.skipif(lacks_database_services() is not None, reason=lacks_database_services() or "")
def test_databases_that_are_services_on_a_server_come_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    with far_services(tmp_path_factory.mktemp("of"), "postgres", "mariadb") as (site, engine, made):
        postgres, mariadb = (
            ("psql", "-XtAq", "-Ukeeper"),
            ("mariadb", "--no-defaults", "-NB", f"-p{PASSWORD}", "-uroot"),
        )
        asked_by = {"postgres": (*postgres, "-c"), "mariadb": (*mariadb, "-e")}
        keeper = Keeper(site.panel)
        for each in made:
            container = engine.docker("ps", "--quiet", f"--filter=label=headway.application={each.id}").strip()

            def ask(sql: str, *database: str, kind: str = each.kind, container: str = container) -> str:
                *words, option = asked_by[kind]
                named = ("-d", *database) if kind == "postgres" else database
                return engine.docker("exec", container, *words, *named, option, sql).strip()

            ask("CREATE TABLE kept (n int PRIMARY KEY, word varchar(40))", "shop")
            ask("INSERT INTO kept VALUES (1, 'ключ'), (2, NULL), (3, 'größe')", "shop")
            given = {"databaseType": each.kind, f"{each.kind}Id": each.id}
            backup_id = site.panel.post("backup.create", **given)["backupId"]
            file = keeper.run(backup_id, each.kind.capitalize())
            restored = keeper.restore(backup_id, file["path"], "copy")
            assert restored["status"] == "done", site.panel.deployment_log(restored["deploymentId"])
            rows = "SELECT * FROM kept ORDER BY n"
            assert (ask(rows, "copy"), "ключ" in ask(rows, "shop")) == (ask(rows, "shop"), True)
            again = keeper.restore(backup_id, file["path"], "copy", overwrite=True)
            assert again["status"] == "done", site.panel.deployment_log(again["deploymentId"])
            drill = site.panel.client.post("/backup.drill", json={"backupId": backup_id})
            site.panel.done(drill.headers["x-deployment-id"], 120)
            log = site.panel.deployment_log(file["deploymentId"])
            assert (f"service {each.kind} on the server far" in log, PASSWORD in log) == (True, False)
            listed = site.panel.get("deployment.allByServer", serverId=site.server_id)
            assert {"Backup", "Restore", "Restore on trial"} <= {row["title"] for row in listed}
            each.post("changePassword", password=ANOTHER)
            assert [logs_in(engine, container, each.kind, word) for word in (PASSWORD, ANOTHER)] == [False, True]
            assert each.one()["databasePassword"] == ANOTHER
            if each.kind == "mariadb":
                ask("ALTER USER root@localhost IDENTIFIED BY 'another'")
                row = keeper.failed(backup_id, "Mariadb")
                print(f"\n  wrong password: {row['errorMessage']}")
                assert "Access denied" in row["errorMessage"]
            each.post("stop")
            row = keeper.failed(backup_id, each.kind.capitalize())
            print(f"\n  stopped: {row['errorMessage']}")
            assert f"The database {each.kind} on the server far does not run: start it first." in row["errorMessage"]


def logs_in(engine: FarEngine, container: str, kind: str, password: str) -> bool:
    """Whether a database takes the password of its user over the network."""
    address = engine.docker("inspect", "--format={{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", container)
    at = ("-h", address.split()[0])
    asked_by = {
        "postgres": ("psql", *at, "-Ukeeper", "-c", "SELECT 1", "shop"),
        "mariadb": ("mariadb", "--no-defaults", *at, "-ukeeper", f"-p{password}", "-e", "SELECT 1"),
    }
    with suppress(AssertionError):  # it says no
        return "1" in engine.docker("exec", f"--env=PGPASSWORD={password}", container, *asked_by[kind])
    return False
