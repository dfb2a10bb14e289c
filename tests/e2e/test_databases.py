"""Databases as services, on a real engine: set up, reached, stopped, replaced, backed up and removed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests import database_images
from tests.docker_engine import Engine
from tests.docker_registry import PASSWORD, USERNAME, lacks_registry, registry
from tests.e2e.boxes import boxing_panel, containers
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
