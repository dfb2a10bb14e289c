"""A panel's life: a second one on its folder or on its database, its end, and a reboot of the machine under it."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import psycopg
import pytest

from tests.support.applications.kept import open_folder
from tests.support.machines.power import answer_of, pull_the_plug
from tests.support.panel.panel import KEY, Panel, git_repository, panel, remove_traces, until, web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("life") / "data") as started:
        yield started


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Panel]:
    """One on a machine that is to be restarted."""
    with panel(tmp_path / "data") as started:
        yield started


@pytest.fixture
def on_postgres(tmp_path: Path, postgres_database_url: str) -> Iterator[Panel]:
    """One that performs a deployment at a time, on a PostgreSQL database of its own."""
    with panel(tmp_path / "first", HEADWAY_DATABASE_URL=postgres_database_url, HEADWAY_CONCURRENCY="1") as started:
        yield started


@pytest.fixture
def gate() -> Iterator[Path]:
    """What builds wait for: a file that is not there yet."""
    with open_folder() as folder:
        yield folder / "go"


def test_a_second_panel_on_one_data_directory_is_refused_with_a_sentence(running: Panel, tmp_path: Path) -> None:
    second = Panel(running.data_dir)
    second.data_dir = running.data_dir
    second.start(wait=False)

    assert second.wait(20) != 0
    assert "Another panel" in second.log()
    assert "--data-dir" in second.log()
    assert running.is_up()
    assert f"Applications answer at http://NAME.localhost:{running.edge_port}" in running.log()


def test_a_panel_that_cannot_listen_does_not_say_that_it_does(running: Panel, tmp_path: Path) -> None:
    second = Panel(tmp_path / "second")
    second.port = running.port
    second.start(wait=False)

    assert second.wait(20) != 0
    assert f"cannot listen on 127.0.0.1, port {running.port}" in second.log()
    assert "Headway listens" not in second.log()
    remove_traces(second.data_dir)


def test_the_owners_key_is_kept_for_its_owner_only(running: Panel) -> None:
    path = running.data_dir / "owner.key"

    assert path.read_text().strip() == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_health_needs_no_key_and_everything_else_does(running: Panel) -> None:
    with httpx.Client(base_url=running.client.base_url, trust_env=False) as nobody:
        assert nobody.get("/health").json() == {"ok": True}
        refused = nobody.get("/deployment.all", params={"applicationId": "x"})
    assert (refused.status_code, refused.text) == (401, '{"message":"Unauthorized"}')


def test_a_start_beside_a_deploy_says_that_the_deploy_starts_it(running: Panel, tmp_path: Path) -> None:
    shop = running.application(git_repository(tmp_path / "shop", web("one")), "shop")
    running.done(running.deploy(shop))
    running.post("application.stop", applicationId=shop)
    running.post("application.update", applicationId=shop, buildCommand="echo slow; sleep 600")
    running.running(running.deploy(shop), "slow")

    refused = running.client.post("/application.start", json={"applicationId": shop})

    assert (refused.status_code, "which starts it" in refused.json()["message"]) == (409, True)
    assert running.get("application.one", applicationId=shop)["applicationStatus"] == "running"
    running.post("application.cancelDeployment", applicationId=shop)
    running.post("application.start", applicationId=shop)
    until(lambda: running.visit("shop").text == "one", what="it serves again")


def test_after_a_reboot_applications_serve_again_and_what_ran_is_lost(alone: Panel, tmp_path: Path) -> None:
    application_id = alone.application(git_repository(tmp_path / "repository", web("here")), name="app")
    alone.done(alone.deploy(application_id))
    stopped_id = alone.application(git_repository(tmp_path / "other", web("gone")), name="other")
    alone.done(alone.deploy(stopped_id))
    alone.post("application.stop", applicationId=stopped_id)
    alone.post("application.update", applicationId=application_id, buildCommand="echo building; sleep 600")
    deployment_id = alone.deploy(application_id)
    alone.running(deployment_id, "building")

    boot = tmp_path / "boot_id"
    boot.write_text("another-boot\n")
    pull_the_plug(alone)
    alone.start(HEADWAY_BOOT_ID_FILE=str(boot))

    row = alone.ended(deployment_id, 30)
    assert (row["status"], row["reason"]) == ("error", "lost")
    assert "restarted" in row["errorMessage"]
    until(lambda: answer_of(alone, "app") == "here", 30, what="the application serves again")
    assert alone.visit("other").status_code == 404


@pytest.mark.postgres
def test_a_second_panel_on_one_postgresql_is_refused_before_it_takes_anything(on_postgres: Panel, gate: Path) -> None:
    running, waiting = at_work(on_postgres, gate)
    before = claims(on_postgres)
    second = beside(on_postgres)
    shutil.copy(on_postgres.data_dir / "vault.key", second.data_dir)  # so that nothing else keeps it from working
    try:
        second.start(wait=False)

        assert second.wait(30) != 0
        assert "Another panel works with the database of HEADWAY_DATABASE_URL" in second.log()
        assert claims(on_postgres) == before
        assert [status for _, status, *_ in before] == ["running", "pending"]
    finally:
        second.clean_up()
    gate.touch()
    on_postgres.done(running)
    on_postgres.done(waiting)


@pytest.mark.postgres
def test_a_panel_with_another_vault_key_is_refused_before_it_takes_anything(on_postgres: Panel, gate: Path) -> None:
    running, waiting = at_work(on_postgres, gate)
    on_postgres.stop()  # the seat is free, and what runs goes on
    before = claims(on_postgres)
    second = beside(on_postgres)
    try:
        second.start(wait=False)

        assert second.wait(30) != 0
        assert "were written with another vault.key than the one in the data directory" in second.log()
        assert claims(on_postgres) == before
    finally:
        second.clean_up()
    on_postgres.start()
    gate.touch()
    on_postgres.done(running)
    on_postgres.done(waiting)


@pytest.mark.postgres
def test_a_panel_that_loses_its_seat_stops_and_says_why(on_postgres: Panel, gate: Path) -> None:
    running, waiting = at_work(on_postgres, gate)
    url = on_postgres.env["HEADWAY_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as other, psycopg.connect(url, autocommit=True) as watching:
        seat, lock = watching.execute(SEATS, [True]).fetchall()[0]
        # It stands in the queue before the panel's session ends: the server gives the lock to it, and to nobody else.
        taking = Thread(target=other.execute, args=("SELECT pg_advisory_lock(%s)", [lock]))
        taking.start()
        until(lambda: watching.execute(SEATS, [False]).fetchall(), 10, what="somebody else waits for the seat")
        watching.execute("SELECT pg_terminate_backend(%s)", [seat])
        taking.join()

        on_postgres.wait(30)

        assert "this panel stops: Another panel works with the database of HEADWAY_DATABASE_URL" in on_postgres.log()
    on_postgres.start()
    gate.touch()
    on_postgres.done(running)
    on_postgres.done(waiting)


SEATS = """\
SELECT pid, classid::bigint << 32 | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted = %s"""


def at_work(of: Panel, gate: Path) -> tuple[str, str]:
    """The ids of a deployment that builds until there is a gate, and of one that waits for it to end."""
    wait = f"echo building; until [ -e {gate} ]; do sleep 0.05; done"
    url = git_repository(of.data_dir.parent / "repository", web("one"))
    running = of.deploy(of.application(url, "running", buildCommand=wait))
    of.running(running, "building")
    return running, of.deploy(of.application(url, "waiting"))


def beside(of: Panel) -> Panel:
    """Another panel, not started yet, with a data directory of its own on the same database."""
    second = Panel(of.data_dir.with_name("second"), **of.env)
    second.data_dir.mkdir()
    return second


def claims(of: Panel) -> list[tuple[object, ...]]:
    """Of each deployment its status and the number of its claim, and who holds it."""
    with psycopg.connect(of.env["HEADWAY_DATABASE_URL"]) as connection:
        return connection.execute(
            "SELECT deployment_id, status, deployments.epoch, owner FROM deployments"
            " LEFT JOIN leases USING (deployment_id) ORDER BY seq"
        ).fetchall()
