"""Databases as services: one on a real engine, set up, reached, stopped and removed; and one that runs elsewhere.

What takes longer is in tests/proofs/test_databases.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.boxes import containers
from tests.e2e.test_compose_cli import typed
from tests.support.databases import database_images
from tests.support.databases.database_services import (
    SECONDS,
    SECRET,
    Made,
    Shop,
    ask_postgres,
    lacks_database_services,
    shop_with,
)
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, free_port, panel, until
from tests.support.storages.backups import PASSWORD, postgres_with_password

Json = Any
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
here = pytest.mark.skipif(lacks_database_services() is not None, reason=lacks_database_services() or "")
asked = pytest.mark.skipif(database_images.lacks_client() is not None, reason=database_images.lacks_client() or "")


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Shop]:
    with shop_with(docker_engine, tmp_path_factory.mktemp("shop"), "postgres") as made:
        yield made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as started:
        yield started


@here
@pytest.mark.docker
def test_a_postgres_is_set_up_reached_stopped_and_removed(shop: Shop, docker_engine: Engine) -> None:
    running, port = shop.running, free_port()
    made = shop.make("postgres", name="orders", externalPort=port)
    assert made.row["applicationStatus"] == "idle"

    row = made.up()

    assert (row["databaseId"], row["applicationId"]) == (made.id, None)
    assert SECRET not in running.deployment_log(row["deploymentId"])
    one = made.one()
    assert one["applicationStatus"] == "done"
    assert one["internalUrl"] == f"postgresql://keeper:{SECRET.replace('+', '%2B')}@{one['appName']}:5432/shop"
    assert [each["deploymentId"] for each in one["deployments"]] == [row["deploymentId"]]
    assert ask_postgres(port, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('ärmel')") == ""
    published = docker_engine.docker("container", "ls", "--filter", f"publish={port}", "--format", "{{.Ports}}")
    assert published.strip() == f"127.0.0.1:{port}->5432/tcp"
    refused = running.client.post("/postgres.update", json={"postgresId": made.id, "databaseName": "other"})
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")

    made.post("update", dockerImage=f"{shop.images}/nothing:1")
    row = running.ended(made.deploy(), SECONDS)
    assert row["status"] == "error"
    assert "it has no image of that name" in row["errorMessage"]
    assert ask_postgres(port, "SELECT word FROM kept") == "ärmel", "the old server serves"

    assert made.post("stop")["applicationStatus"] == "idle"
    assert containers(docker_engine, made.id) == ["exited"]
    made.post("start")
    until(lambda: ask_postgres(port, "SELECT word FROM kept") == "ärmel", what="it answers again")

    called = made.one()["appName"]
    made.post("remove")
    assert containers(docker_engine, made.id) == []
    mine = f"label=headway.application={made.id}"
    assert docker_engine.docker("volume", "ls", "--quiet", "--filter", mine).split() == [f"{called}.data"]


@asked
def test_one_that_runs_elsewhere_is_asked_and_never_touched(running: Panel) -> None:
    environment_id = running.post("project.create", name="shop")["environment"]["environmentId"]
    with postgres_with_password() as cluster:
        where = {"host": "127.0.0.1", "port": cluster.port}
        login = {"databaseName": "postgres", "databaseUser": "keeper", "databasePassword": PASSWORD}
        given = {"environmentId": environment_id, "name": "billing", **login, "connection": where}
        made = Made(running, "postgres", given)
        row = made.up()
        assert (row["kind"], row["databaseId"]) == ("database.connect", made.id)
        assert PASSWORD not in running.deployment_log(row["deploymentId"])
        assert made.one()["connection"] == where
        assert running.client.post("/postgres.stop", json={"postgresId": made.id}).status_code == 400

        made.post("update", databasePassword="wrong")
        row = running.ended(made.deploy(), SECONDS)
        assert row["status"] == "error"
        assert 'password authentication failed for user "keeper"' in row["errorMessage"]
        assert made.one()["applicationStatus"] == "error"
    row = running.ended(made.deploy(), SECONDS)
    assert "Connection refused" in row["errorMessage"]
    made.post("remove")
    assert running.get("postgres.search", q="billing") == {"items": [], "total": 0}


@asked
def test_the_command_line_makes_shows_and_deletes_one(running: Panel) -> None:
    with postgres_with_password() as cluster:
        at = ("--host", f"127.0.0.1:{cluster.port}", "--database", "postgres", "--username", "keeper")
        secret = {"HEADWAY_DATABASE_PASSWORD": PASSWORD}
        status, out, err = typed(running, "databases", "create", "typed", "--kind", "postgres", *at, **secret)
        assert (status, out) == (0, "typed is made; headway databases deploy typed sets it up\n"), err
        status, out, err = typed(running, "databases", "deploy", "typed")
        assert (status, "typed is deployed" in out) == (0, True), out + err
        assert "from outside: postgresql://keeper:" in typed(running, "databases", "show", "typed")[1]
        listed = typed(running, "databases", "list")[1]
        assert all(word in listed for word in ("typed", "postgres", "done"))
        made = ("backups", "create", "daily", "--kind", "postgres", "--of", "typed")
        assert typed(running, *made)[1].startswith("daily is made (")
        assert "postgres at typed" in typed(running, "backups", "list")[1]
        assert "read back and found whole" in typed(running, "backups", "run", "daily")[1]
    status, out, err = typed(running, "databases", "deploy", "typed")
    assert (status, "Connection refused" in err + out) == (1, True), out + err
    of_volume = ("volume-backups", "create", "v", "--database", "typed", "--volume", "data")
    assert "runs elsewhere" in typed(running, *of_volume)[2]
    assert "runs elsewhere" in typed(running, "databases", "stop", "typed")[2]
    assert typed(running, "databases", "delete", "typed", "--yes")[1] == "typed is deleted\n"
    assert "There is no database typed" in typed(running, "databases", "logs", "typed")[2]
