"""Databases as services, on a real engine: set up, reached, stopped, replaced, backed up and removed."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests import database_images
from tests.backups import PASSWORD as KEEPERS
from tests.backups import Keeper, postgres_with_password
from tests.docker_engine import Engine
from tests.docker_registry import PASSWORD, USERNAME, lacks_registry, registry
from tests.e2e.boxes import boxing_panel, containers
from tests.e2e.test_compose_cli import typed
from tests.panel import Panel, free_port, until

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(lacks_registry() is not None, reason=lacks_registry() or ""),
    pytest.mark.skipif(database_images.lacks_client() is not None, reason=database_images.lacks_client() or ""),
]
Json = Any
SECONDS = 120
SECRET = "s3cret-Of_the+shop"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with boxing_panel(tmp_path_factory.mktemp("panel") / "data", docker_engine) as started:
        yield started


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[str]:
    """Where a registry has an image of each kind of server: its address and what all their names begin with."""
    folder = tmp_path_factory.mktemp("images")
    with registry(folder / "registry") as address:
        login = ("login", f"--username={USERNAME}", "--password-stdin", address)
        docker_engine.docker("--config", str(folder), *login, stdin=PASSWORD.encode())
        for kind in ("postgres", "mariadb", "redis"):
            name = f"{address}/official/{kind}:1"
            database_images.build(docker_engine, folder / kind, kind, name)
            docker_engine.docker("--config", str(folder), "push", "--quiet", name, timeout=240)
            docker_engine.docker("image", "rm", "--force", name)
        yield f"{address}/official"


@pytest.fixture(scope="module")
def environment_id(running: Panel) -> str:
    found: str = running.post("project.create", name="shop")["environment"]["environmentId"]
    return found


class Made:
    """A database of a kind on a panel."""

    def __init__(self, running: Panel, kind: str, given: Json) -> None:
        self.running = running
        self.kind = kind
        self.row = running.post(f"{kind}.create", **given)
        self.id: str = self.row[f"{kind}Id"]

    def post(self, procedure: str, **given: Json) -> Json:
        return self.running.post(f"{self.kind}.{procedure}", **{f"{self.kind}Id": self.id}, **given)

    def one(self) -> Json:
        return self.running.get(f"{self.kind}.one", **{f"{self.kind}Id": self.id})

    def deploy(self) -> str:
        answer = self.running.client.post(f"/{self.kind}.deploy", json={f"{self.kind}Id": self.id})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    def up(self) -> Json:
        return self.running.done(self.deploy(), SECONDS)


@pytest.fixture(scope="module")
def registry_id(running: Panel, images: str) -> str:
    address = images.partition("/")[0]
    given = {"registryName": "r", "registryUrl": address, "username": USERNAME, "password": PASSWORD}
    found: str = running.post("registry.create", **given)["registryId"]
    return found


@pytest.fixture
def given(environment_id: str, registry_id: str, images: str) -> Json:
    return {
        "environmentId": environment_id,
        "registryId": registry_id,
        "databaseName": "shop",
        "databaseUser": "keeper",
        "databasePassword": SECRET,
        "images": images,
    }


def create(running: Panel, kind: str, given: Json, **fields: Json) -> Made:
    image = f"{given['images']}/{kind}:1"
    wanted = {name: value for name, value in given.items() if name != "images"}
    return Made(running, kind, {"dockerImage": image, **wanted, **fields})


def ask_postgres(port: int, sql: str, password: str = SECRET, database: str = "shop") -> str:
    argv = ["psql", "-XtAq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(port), "-U", "keeper", database]
    env = {"PATH": os.environ["PATH"], "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "5"}
    ended = subprocess.run([*argv, "-c", sql], env=env, capture_output=True, text=True, check=False)
    return ended.stdout.strip() if ended.returncode == 0 else ended.stderr.strip()


def test_a_postgres_is_set_up_reached_and_keeps_its_data(running: Panel, docker_engine: Engine, given: Json) -> None:
    port = free_port()
    made = create(running, "postgres", given, name="orders", externalPort=port)
    assert made.row["applicationStatus"] == "idle"

    row = made.up()

    assert row["databaseId"] == made.id
    assert row["applicationId"] is None
    assert SECRET not in running.deployment_log(row["deploymentId"])
    one = made.one()
    assert one["applicationStatus"] == "done"
    assert one["internalUrl"] == f"postgresql://keeper:{SECRET.replace('+', '%2B')}@orders:5432/shop"
    assert [each["deploymentId"] for each in one["deployments"]] == [row["deploymentId"]]
    assert ask_postgres(port, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('ärmel')") == ""
    published = docker_engine.docker("container", "ls", "--filter", f"publish={port}", "--format", "{{.Ports}}")
    assert published.strip() == f"127.0.0.1:{port}->5432/tcp"

    assert made.post("stop")["applicationStatus"] == "idle"
    assert containers(docker_engine, made.id) == ["exited"]
    made.post("start")
    until(lambda: ask_postgres(port, "SELECT word FROM kept") == "ärmel", what="it answers again")
    made.up()
    assert ask_postgres(port, "SELECT word FROM kept") == "ärmel"
    until(lambda: containers(docker_engine, made.id) == ["running"], what="the old container is gone")

    made.post("remove")
    assert containers(docker_engine, made.id) == []
    mine = f"label=headway.application={made.id}"
    assert docker_engine.docker("volume", "ls", "--quiet", "--filter", mine).split() == ["orders.data"]


def test_what_cannot_run_leaves_the_old_server_serving(running: Panel, docker_engine: Engine, given: Json) -> None:
    port, taken = free_port(), free_port()
    made = create(running, "postgres", given, name="steady", externalPort=port)
    made.up()
    ask_postgres(port, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('here')")

    made.post("update", dockerImage=f"{given['images']}/nothing:1")
    row = running.ended(made.deploy(), SECONDS)
    assert row["status"] == "error"
    assert "not found" in row["errorMessage"] or "unknown" in row["errorMessage"]
    assert ask_postgres(port, "SELECT word FROM kept") == "here"

    made.post("update", dockerImage=f"{given['images']}/postgres:1", command="exit 7")
    row = running.ended(made.deploy(), SECONDS)
    assert row["status"] == "error"
    assert "ended 3 times while it was starting" in row["errorMessage"]
    until(lambda: ask_postgres(port, "SELECT word FROM kept") == "here", what="the old one serves again")

    made.post("update", command=None)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", taken))
        holder.listen()
        made.post("saveExternalPort", externalPort=taken)
        row = running.ended(made.deploy(), SECONDS)
    assert row["status"] == "error"
    assert f"Port {taken} of this machine is taken already" in row["errorMessage"]
    until(lambda: ask_postgres(port, "SELECT word FROM kept") == "here", what="the old one serves again")
    assert containers(docker_engine, made.id) == ["running"]


def test_a_kill_in_the_middle_of_a_deploy_leaves_the_old_server(
    running: Panel, docker_engine: Engine, given: Json
) -> None:
    port = free_port()
    made = create(running, "postgres", given, name="killed", externalPort=port)
    made.up()
    made.post("update", healthCheckSwarm={"Test": ["CMD", "false"], "StartPeriod": 600_000_000_000})
    deployment_id = made.deploy()
    running.running(deployment_id, "the old one stops before the new one starts", SECONDS)

    running.post("deployment.killProcess", deploymentId=deployment_id)

    assert running.one(deployment_id)["reason"] == "killed"
    until(lambda: ask_postgres(port, "SELECT 1") == "1", what="the old one serves again")
    assert containers(docker_engine, made.id) == ["running"]


def test_a_database_comes_back_from_a_backup_and_a_password_is_changed(running: Panel, given: Json) -> None:
    port = free_port()
    made = create(running, "postgres", given, name="kept", externalPort=port)
    empty = running.post("backup.create", databaseType="postgres", postgresId=made.id)
    made.up()
    backup_id = empty["backupId"]
    assert (empty["database"], empty["postgresId"], empty["connection"]) == ("shop", made.id, None)
    keeper = Keeper(running)
    assert keeper.run(backup_id)["bytes"] > 0, "a database without a table is one, too"

    ask_postgres(port, "CREATE TABLE words AS SELECT n, 'wörd ' || n AS word FROM generate_series(1, 1000) n")
    before = ask_postgres(port, "SELECT md5(string_agg(word, ',' ORDER BY n)) FROM words")
    file = keeper.run(backup_id)
    row = keeper.restore(backup_id, file["path"], "shop_copy")
    assert row["status"] == "done", row["errorMessage"]
    assert ask_postgres(port, "SELECT md5(string_agg(word, ',' ORDER BY n)) FROM words", database="shop_copy") == before
    assert [each["backupId"] for each in made.one()["backups"]] == [backup_id]

    made.post("changePassword", password="an0ther-s3cret")
    assert "password authentication failed" in ask_postgres(port, "SELECT 1")
    assert ask_postgres(port, "SELECT 1", "an0ther-s3cret") == "1"
    assert made.one()["databasePassword"] == "an0ther-s3cret"
    refused = running.client.post("/postgres.update", json={"postgresId": made.id, "databaseName": "other"})
    assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")
    keeper.run(backup_id)
    made.post("stop")
    assert "does not run: start it first" in keeper.failed(backup_id)["errorMessage"]


def test_mariadb_and_redis_are_set_up_too(running: Panel, docker_engine: Engine, given: Json) -> None:
    port, other = free_port(), free_port()
    made = create(running, "mariadb", given, name="words", externalPort=port)
    made.up()
    argv = ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{port}", "-ukeeper", "-N", "-B", "shop", "-e"]

    def ask(sql: str, password: str = SECRET) -> str:
        env = {"PATH": os.environ["PATH"], "MYSQL_PWD": password}
        ended = subprocess.run([*argv, sql], env=env, capture_output=True, text=True, check=False)
        return ended.stdout.strip() if ended.returncode == 0 else ended.stderr.strip()

    assert ask("CREATE TABLE t (w text); INSERT INTO t VALUES ('ärmel'); SELECT w FROM t") == "ärmel"
    backup_id = running.post("backup.create", databaseType="mariadb", mariadbId=made.id)["backupId"]
    keeper = Keeper(running)
    file = keeper.run(backup_id, "Mariadb")
    ask("DELETE FROM t")
    row = keeper.restore(backup_id, file["path"], overwrite=True)
    assert row["status"] == "done", row["errorMessage"]
    assert ask("SELECT w FROM t") == "ärmel"
    made.post("changePassword", password="an0ther-s3cret")
    assert ask("SELECT 1", "an0ther-s3cret") == "1"

    cache = create(running, "redis", given, name="cache", externalPort=other)
    cache.up()
    assert redis(other, SECRET, "SET", "word", "kept") == "+OK"
    cache.post("stop")
    cache.post("start")
    until(lambda: redis(other, SECRET, "GET", "word") == "$4", what="it answers with what it had")
    assert redis(other, "wrong", "GET", "word").startswith("-WRONGPASS")

    for each in (made, cache):
        each.post("remove", deleteVolumes=True)
        mine = f"label=headway.application={each.id}"
        assert docker_engine.docker("volume", "ls", "--quiet", "--filter", mine) == ""


def test_one_that_runs_elsewhere_is_asked_and_never_touched(running: Panel, environment_id: str) -> None:
    with postgres_with_password() as cluster:
        where = {"host": "127.0.0.1", "port": cluster.port}
        shared = {"environmentId": environment_id, "databaseName": "postgres", "databaseUser": "keeper"}
        made = Made(
            running, "postgres", {**shared, "name": "billing", "databasePassword": KEEPERS, "connection": where}
        )
        row = made.up()
        assert (row["kind"], row["databaseId"]) == ("database.connect", made.id)
        assert KEEPERS not in running.deployment_log(row["deploymentId"])
        assert made.one()["connection"] == where
        assert running.client.post("/postgres.stop", json={"postgresId": made.id}).status_code == 400

        keeper = Keeper(running)
        backup_id = running.post("backup.create", databaseType="postgres", postgresId=made.id)["backupId"]
        keeper.run(backup_id)

        made.post("update", databasePassword="wrong")
        row = running.ended(made.deploy(), SECONDS)
        assert row["status"] == "error"
        assert 'password authentication failed for user "keeper"' in row["errorMessage"]
        assert made.one()["applicationStatus"] == "error"
    row = running.ended(made.deploy(), SECONDS)
    assert "Connection refused" in row["errorMessage"]
    made.post("remove")
    assert running.get("postgres.search", q="billing") == {"items": [], "total": 0}


def test_the_command_line_makes_shows_and_deletes_one(running: Panel) -> None:
    with postgres_with_password() as cluster:
        at = ("--host", f"127.0.0.1:{cluster.port}", "--database", "postgres", "--username", "keeper")
        secret = {"HEADWAY_DATABASE_PASSWORD": KEEPERS}
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
    assert "runs elsewhere" in typed(running, "databases", "stop", "typed")[2]
    assert typed(running, "databases", "delete", "typed", "--yes")[1] == "typed is deleted\n"
    assert "There is no database typed" in typed(running, "databases", "logs", "typed")[2]


def redis(port: int, password: str, *words: str) -> str:
    """The first line of what a Redis answers to a command, after the login; or what it says of that."""
    answer = ""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for command in (("AUTH", password), words):
            parts = "".join(f"${len(word)}\r\n{word}\r\n" for word in command)
            connection.sendall(f"*{len(command)}\r\n{parts}".encode())
            answer = connection.recv(4096).decode().split("\r\n")[0]
            if answer.startswith("-"):
                return answer
    return answer
